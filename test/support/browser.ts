import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { chromium, type Browser, type BrowserContext, type Page, type ViewportSize } from 'playwright-core'

/** The system's browser; undefined: there is none, and what needs it skips. */
export const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  (path) => existsSync(path),
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
export const PHONE = { width: 360, height: 740 }
export const DESKTOP = { width: 1280, height: 800 }
/** Where pictures go, if somebody wants to look at them. */
const PICTURES = process.env['INTAGLIO_TEST_PICTURES']

export function launch(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, args: FLAGS })
}

export async function picture(page: Page, name: string, how = { fullPage: true }): Promise<void> {
  if (PICTURES === undefined) return
  mkdirSync(PICTURES, { recursive: true })
  await page.screenshot({ path: join(PICTURES, `${name}.png`), ...how })
}

/**
 * One page for looks that are alike: another one is another process, and the first look in a process takes six times as long
 * as the next. No cookie is kept from one to the next.
 */
export class Looking {
  readonly #context: BrowserContext
  readonly #page: Page
  /** What the browser's console called an error since the page was opened last. */
  complaints: string[] = []

  private constructor(context: BrowserContext, page: Page) {
    this.#context = context
    this.#page = page
    page.on('console', (message) => message.type() === 'error' && this.complaints.push(message.text()))
    page.on('pageerror', (error) => this.complaints.push(error.message))
  }

  static async in(browser: Browser, locale = 'en'): Promise<Looking> {
    const context = await browser.newContext({ locale })
    return new Looking(context, await context.newPage())
  }

  async at(
    url: string,
    { viewport, colorScheme = 'light' }: { viewport: ViewportSize; colorScheme?: 'light' | 'dark' },
  ): Promise<Page> {
    this.complaints = []
    await this.#context.clearCookies()
    await this.#page.setViewportSize(viewport)
    await this.#page.emulateMedia({ colorScheme })
    await this.#page.goto(url)
    return this.#page
  }
}

/** What axe finds. Its script comes through the debugger, which the page's policy does not bind. */
export async function violations(page: Page): Promise<string[]> {
  await drawn(page)
  await page.evaluate(AXE)
  const found: unknown = await page.evaluate('axe.run()')
  const list = (found as { violations: { id: string; nodes: { html: string }[] }[] }).violations
  return list.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)
}

/** Whether nothing is wider than the window. */
export async function fits(page: Page): Promise<boolean> {
  await drawn(page)
  return page.evaluate<boolean>('document.documentElement.scrollWidth <= window.innerWidth')
}

/** What a page says is there before its styles are. */
const drawn = (page: Page): Promise<void> => page.waitForLoadState('load')

/** Waits until the keyboard is at what the selector names: a browser takes it there when it has drawn the page. */
export const expectFocus = (page: Page, selector: string): Promise<void> =>
  page.locator(`${selector}:focus`).waitFor()
