import { expect } from 'chai'
import type { Browser } from 'playwright-core'
import { CHROMIUM, DESKTOP, PHONE, fits, launch, picture, violations } from '../support/browser.ts'
import { startService, type TestService } from '../support/startService.ts'
import { operationsOf, type Document } from './document.ts'

describe('/docs', function () {
  this.timeout(60_000)
  let service: TestService
  let browser: Browser | undefined
  before(async () => {
    service = await startService()
    if (CHROMIUM !== undefined) browser = await launch(CHROMIUM)
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

  it('says in words what an answer without members is', async () => {
    const html = await (await fetch(`${service.url}/docs`)).text()
    const [, attest = ''] = /id="post_keys_attest"(.*?)<\/article>/s.exec(html) ?? []
    expect(attest).to.contain('201: A key attestation (OpenID4VCI 1.0, D.1), and nothing around it.')
    expect(html).to.not.match(/<h3>Answer[^<]*<\/h3>\s*<p>No members/)
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

  for (const [name, viewport, dark] of [
    ['desktop', DESKTOP, false],
    ['phone', PHONE, true],
  ] as const) {
    it(`is accessible and fits: ${name}`, async function () {
      if (browser === undefined) {
        console.log('      skipped: there is no Chromium on this machine')
        this.skip()
      }
      const { page, complaints, close } = await opened(browser, viewport, dark)
      // They are all alike, and there are hundreds of sentences in them.
      await page.evaluate('document.querySelectorAll("details").forEach((one, n) => (one.open = n < 2))')
      expect(await fits(page)).to.equal(true)
      expect(await violations(page)).to.deep.equal([])
      expect(complaints.filter((text) => !text.includes('favicon'))).to.deep.equal([])
      await page.evaluate('document.querySelectorAll("details").forEach((one) => (one.open = false))')
      await picture(page, `docs-${name}`, { fullPage: false })
      await page.locator('article').nth(3).scrollIntoViewIfNeeded()
      await picture(page, `docs-${name}-article`, { fullPage: false })
      await close()
    })
  }
})
