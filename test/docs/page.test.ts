import { expect } from 'chai'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { chromium, type Browser, type Page } from 'playwright-core'
import { startService, type TestService } from '../support/startService.ts'
import { operationsOf, type Document } from './document.ts'

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
)
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
]
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
/** Where pictures go, if somebody wants to look at them. */
const PICTURES = process.env['INTAGLIO_TEST_PICTURES']

describe('/docs', function () {
  this.timeout(60_000)
  let service: TestService
  let browser: Browser | undefined
  before(async () => {
    service = await startService()
    if (CHROMIUM !== undefined) browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS })
  })
  after(async () => {
    await browser?.close()
    await service.close()
  })

  it('is a page that neither runs nor loads anything from elsewhere', async () => {
    const response = await fetch(`${service.url}/docs`)
    expect(response.status).to.equal(200)
    expect(response.headers.get('content-security-policy')).to.equal(
      "default-src 'none';style-src 'self';base-uri 'none';form-action 'none';frame-ancestors 'none'",
    )
    const html = await response.text()
    expect(html).to.not.match(/<script|<img|<iframe|<form|style=|javascript:/)
    const loaded = [...html.matchAll(/<link[^>]*href="([^"]*)"/g)].map(([, href]) => href)
    expect(loaded).to.deep.equal(['/docs/docs.css'])
    const style = await fetch(`${service.url}/docs/docs.css`)
    expect(style.headers.get('content-type')).to.equal('text/css; charset=utf-8')
    expect(await style.text()).to.not.match(/url\(|@import/)
  })

  it('shows every operation of the document, and leads to it', async () => {
    const document = (await (await fetch(`${service.url}/openapi.json`)).json()) as Document
    const html = await (await fetch(`${service.url}/docs`)).text()
    for (const { path, operation } of operationsOf(document)) {
      expect(html, path).to.contain(`id="${operation.operationId}"`)
      expect(html, path).to.contain(`href="#${operation.operationId}"`)
    }
  })

  const opened = async (running: Browser, viewport: { width: number; height: number }, dark: boolean) => {
    const context = await running.newContext({ viewport, colorScheme: dark ? 'dark' : 'light' })
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
    page.on('requestfailed', (request) => complaints.push(request.url()))
    await page.goto(`${service.url}/docs`)
    return { page, complaints, close: () => context.close() }
  }
  const violations = async (page: Page): Promise<string[]> => {
    await page.evaluate(AXE)
    const found: unknown = await page.evaluate('axe.run()')
    const list = (found as { violations: { id: string; nodes: { html: string }[] }[] }).violations
    return list.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)
  }

  for (const [name, viewport, dark] of [
    ['desktop', { width: 1280, height: 800 }, false],
    ['phone', { width: 360, height: 740 }, true],
  ] as const) {
    it(`is accessible and fits: ${name}`, async function () {
      if (browser === undefined) {
        console.log('      skipped: there is no Chromium on this machine')
        this.skip()
      }
      const { page, complaints, close } = await opened(browser, viewport, dark)
      // They are all alike, and there are hundreds of sentences in them.
      await page.evaluate('document.querySelectorAll("details").forEach((one, n) => (one.open = n < 2))')
      expect(
        await page.evaluate<boolean>('document.documentElement.scrollWidth <= window.innerWidth'),
      ).to.equal(true)
      expect(await violations(page)).to.deep.equal([])
      expect(complaints.filter((text) => !text.includes('favicon'))).to.deep.equal([])
      if (PICTURES !== undefined) {
        mkdirSync(PICTURES, { recursive: true })
        await page.evaluate('document.querySelectorAll("details").forEach((one) => (one.open = false))')
        await page.screenshot({ path: join(PICTURES, `docs-${name}.png`) })
        await page.locator('article').nth(3).scrollIntoViewIfNeeded()
        await page.screenshot({ path: join(PICTURES, `docs-${name}-article.png`) })
      }
      await close()
    })
  }
})
