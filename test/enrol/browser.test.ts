import { expect } from 'chai'
import type { Browser } from 'playwright-core'
import { createCredential } from '../../src/api/admin/credentials.ts'
import { codesStrings } from '../../src/api/enrol/codesStrings.ts'
import { strings } from '../../src/api/enrol/strings.ts'
import { Authenticator } from '../secondFactors/authenticator.ts'
import {
  CHROMIUM,
  DESKTOP,
  Looking,
  PHONE,
  expectFocus,
  fits,
  launch,
  picture,
  violations,
} from '../support/browser.ts'
import { startService, type TestService } from '../support/startService.ts'

const PIN = 'pin-73912846'

describe('the enrolment page in a browser', function () {
  this.timeout(60_000)
  let service: TestService
  let browser: Browser
  let looking: Looking
  before(async function () {
    if (CHROMIUM === undefined) {
      console.log('      skipped: there is no Chromium on this machine')
      this.skip()
    }
    service = await startService()
    browser = await launch(CHROMIUM)
    looking = await Looking.in(browser)
  })
  after(async () => {
    if (CHROMIUM === undefined) return
    await browser.close()
    await service.close()
  })

  const link = async () => {
    const made = await createCredential(service.ctx, 'service', {
      personId: service.person.id,
      clientId: service.client.id,
      keyType: 'P-256',
      scal: 2,
      multisign: 1,
      description: '',
    })
    service.keepSecret(made.code)
    return made
  }
  /** Opens a page, and fails when it breaks its policy or its script does. */
  const open = async (
    url: string,
    options: { script?: boolean; viewport?: typeof PHONE; locale?: string } = {},
  ) => {
    const context = await browser.newContext({
      locale: options.locale ?? 'en',
      viewport: options.viewport ?? DESKTOP,
      javaScriptEnabled: options.script ?? true,
    })
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(error.message))
    const addresses: string[] = []
    page.on('request', (request) => addresses.push(request.url()))
    await page.goto(url)
    return { page, complaints, addresses, close: () => context.close() }
  }

  it('takes the code out of the address, and makes the key', async () => {
    const made = await link()
    const { page, complaints, addresses, close } = await open(made.link)
    expect(page.url()).to.equal(`${service.url}/enrol`)
    expect(await page.locator('#code-field').isVisible()).to.equal(false)
    expect(await page.getByRole('status').textContent()).to.equal(strings.en.codeTaken)
    await picture(page, 'form-desktop')
    await page.getByLabel(strings.en.pin).fill(PIN)
    await page.getByLabel(strings.en.again).fill(PIN)
    await page.getByRole('button', { name: strings.en.submit }).click()
    await page.getByRole('heading', { name: strings.en.doneTitle }).waitFor()
    expect(await page.locator('main').textContent()).to.contain(made.credentialId)
    await picture(page, 'done-desktop')
    expect(complaints).to.deep.equal([])
    // The code was in no address that was asked for.
    expect(addresses.filter((address) => address.includes(made.code))).to.deep.equal([])
    await close()
  })

  it('works without script: the holder pastes the code', async () => {
    const made = await link()
    const { page, close } = await open(`${service.url}/enrol`, { script: false, viewport: PHONE })
    await page.getByLabel(strings.en.code).fill(` ${made.code} `)
    await page.getByLabel(strings.en.pin).fill(PIN)
    await page.getByLabel(strings.en.again).fill(PIN)
    await page.getByRole('button').click()
    expect(await page.getByRole('heading').textContent()).to.equal(strings.en.doneTitle)
    await close()
  })

  it('says what is wrong, where a screen reader hears it, and keeps the code', async () => {
    const made = await link()
    const page = await looking.at(made.link, { viewport: PHONE })
    await page.getByLabel(strings.en.pin).fill('123456')
    await page.getByLabel(strings.en.again).fill('123456')
    await page.getByRole('button').click()
    const alert = page.getByRole('alert')
    expect((await alert.textContent())?.trim()).to.equal(strings.en.errors.pin)
    await expectFocus(page, '[role=alert]')
    expect(await page.title()).to.match(/^Not done yet/)
    expect(await fits(page)).to.equal(true)
    await picture(page, 'mistake-phone')
    expect(await violations(page)).to.deep.equal([])
    await page.getByLabel(strings.en.pin).fill(PIN)
    await page.getByLabel(strings.en.again).fill(PIN)
    await page.getByRole('button').click()
    await page.getByRole('heading', { name: strings.en.doneTitle }).waitFor()
    await picture(page, 'done-phone')
    expect(await violations(page)).to.deep.equal([])
    // A refused form is a page with status 400, which the browser's console calls an error.
    expect(looking.complaints.filter((text) => !text.includes('400'))).to.deep.equal([])
  })

  for (const [name, viewport] of [
    ['desktop', DESKTOP],
    ['phone', PHONE],
  ] as const) {
    for (const scheme of ['light', 'dark'] as const) {
      it(`is accessible and fits: ${name}, ${scheme}`, async () => {
        const page = await looking.at(`${service.url}/enrol`, { viewport, colorScheme: scheme })
        await picture(page, `paste-${name}-${scheme}`)
        expect(looking.complaints).to.deep.equal([])
        expect(await fits(page)).to.equal(true)
        expect(await violations(page)).to.deep.equal([])
      })
    }
  }

  it('is worked by the keyboard alone', async () => {
    const made = await link()
    const { page, close } = await open(made.link)
    await page.keyboard.press('Tab')
    await page.keyboard.type(PIN)
    await page.keyboard.press('Tab')
    await page.keyboard.type(PIN)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: strings.en.doneTitle }).waitFor()
    await close()
  })

  const looks = [
    ['en', DESKTOP, 'light'],
    ['el', PHONE, 'dark'],
  ] as const
  for (const [locale, viewport, colorScheme] of looks) {
    it(`sets up one-time codes, accessible and fitting: ${locale}, ${colorScheme}`, async () => {
      const text = codesStrings[locale]
      const credential = await service.newCredential()
      const address = `${service.url}/enrol/codes?credential=${credential.id}`
      const { page, complaints, close } = await open(address, { viewport, locale, script: true })
      await page.emulateMedia({ colorScheme })
      const isGood = async (name: string) => {
        await picture(page, `codes-${name}-${locale}`)
        expect(await fits(page), name).to.equal(true)
        expect(await violations(page), name).to.deep.equal([])
      }
      await isGood('begin')
      await page.getByLabel(text.pin).fill(credential.pin)
      await page.keyboard.press('Enter')
      await page.getByRole('img', { name: text.picture }).waitFor()
      const app = Authenticator.read(service, credential, { status: 200, text: await page.content() })
      await isGood('scan')
      await page.getByLabel(text.code, { exact: true }).fill(app.wrong())
      await page.keyboard.press('Enter')
      expect((await page.getByRole('alert').textContent())?.trim()).to.equal(text.errors.code)
      await expectFocus(page, '#code')
      await isGood('wrong')
      await page.getByLabel(text.code, { exact: true }).fill(app.code())
      await page.keyboard.press('Enter')
      await page.getByRole('heading', { name: text.doneTitle }).waitFor()
      await isGood('done')
      expect(complaints.filter((one) => !one.includes('400'))).to.deep.equal([])
      await close()
    })
  }
})
