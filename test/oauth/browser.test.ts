import { expect } from 'chai'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser } from 'playwright-core'
import { strings, type Language } from '../../src/api/oauth/strings.ts'
import { OID, digest } from '../csc/client.ts'
import { Sending } from '../secondFactors/sending.ts'
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
import { startService, type TestCredential, type TestService } from '../support/startService.ts'
import { CodeClient } from './codeClient.ts'

describe('the page of a holder in a browser', function () {
  this.timeout(90_000)
  let service: TestService
  let browser: Browser
  let looking: Looking
  let site: Server
  let address: string
  let client: CodeClient
  let credential: TestCredential
  before(async function () {
    if (CHROMIUM === undefined) {
      console.log('      skipped: there is no Chromium on this machine')
      this.skip()
    }
    service = await startService()
    // The client's own site, of another origin.
    site = createServer((_request, response) => response.end('<title>the client</title>'))
    await new Promise<void>((resolve) => site.listen(0, 'localhost', resolve))
    address = `http://localhost:${(site.address() as AddressInfo).port}/back`
    const registered = await service.newClient('Wallet of Narvik', [address])
    client = new CodeClient(service, registered)
    credential = await service.newCredential({ clientId: registered.id, mode: 'oauth2code' })
    const call = { params: { id: registered.id }, body: { creationLimit: 10 } }
    await service.admin(service.operators.admin, 'POST /clients/:id/creation-limit', call)
    browser = await launch(CHROMIUM)
    looking = await Looking.in(browser)
  })
  after(async () => {
    if (CHROMIUM === undefined) return
    await browser.close()
    site.close()
    await service.close()
  })
  afterEach(() => service.checkState())

  const details = (count: number) =>
    JSON.stringify([
      {
        type: 'credential',
        credentialID: credential.id,
        numSignatures: count,
        documentDigests: Array.from({ length: count }, (_, n) => ({
          hash: digest(`document ${n}`),
          label: `Lease of the harbour building, part ${n + 1}.pdf`,
        })),
        hashAlgorithmOID: OID.sha256,
      },
    ])
  const signing = (count = 2, more: Record<string, string> = {}) =>
    client.login({
      redirect_uri: address,
      authorization_details: details(count),
      description: 'The lease of the harbour building',
      ...more,
    })

  const asking = (form: Record<string, string>): string =>
    `${service.url}/oauth2/authorize?${new URLSearchParams(form).toString()}`
  /** From the client's site, as a link there would. */
  const open = async (form: Record<string, string>, viewport = DESKTOP) => {
    const context = await browser.newContext({ viewport, javaScriptEnabled: true })
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(error.message))
    await page.goto(address)
    await page.evaluate(`location.href = ${JSON.stringify(asking(form))}`)
    await page.waitForURL(/\/oauth2\/consent\//)
    return { page, complaints, close: () => context.close() }
  }

  it('leads from the client to the page, and with the PIN back to the client', async () => {
    const { page, complaints, close } = await open(signing())
    expect(page.url()).to.not.contain(credential.id)
    expect(await page.title()).to.contain(strings.en.title)
    await page.getByLabel(strings.en.pin).fill(credential.pin)
    await page.getByRole('button', { name: strings.en.approve }).click()
    await page.waitForURL((url) => url.href.startsWith(`${address}?code=`))
    const answer = new URL(page.url()).searchParams
    expect(answer.get('state')).to.equal('a state')
    const code = answer.get('code') ?? ''
    service.keepSecret(code)
    expect((await client.redeem(code, { redirect_uri: address })).status).to.equal(200)
    expect(complaints.filter((text) => !text.includes('favicon'))).to.deep.equal([])
    await close()
  })

  it('is answered by the keyboard alone', async () => {
    const { page, close } = await open(signing())
    await page.keyboard.press('Tab')
    await page.keyboard.type(credential.pin)
    await page.keyboard.press('Enter')
    await page.waitForURL((url) => url.searchParams.has('code'))
    await close()
    const second = await open(signing())
    for (const key of ['Tab', 'Tab', 'Tab', 'Enter']) await second.page.keyboard.press(key)
    await second.page.waitForURL((url) => url.searchParams.get('error') === 'access_denied')
    await second.close()
  })

  it('says what is wrong where a screen reader hears it', async () => {
    const page = await looking.at(asking(signing()), { viewport: PHONE })
    await page.getByLabel(strings.en.pin).fill('not the PIN')
    await page.getByRole('button', { name: strings.en.approve }).click()
    expect((await page.getByRole('alert').textContent())?.trim()).to.equal(strings.en.errors.pin)
    expect(await page.title()).to.match(/^Not done/)
    await expectFocus(page, '#pin')
    expect(await page.evaluate('document.activeElement.getAttribute("aria-describedby")')).to.match(
      /^mistake /,
    )
    await picture(page, 'mistake-phone')
    expect(await violations(page)).to.deep.equal([])
  })

  const looks: readonly (readonly [string, Record<string, string> | undefined])[] = [
    ['signing', undefined],
    ['login', { scope: 'service' }],
    ['creation', { scope: 'credential-creation', description: 'For the leases of the harbour' }],
  ]
  for (const lang of Object.keys(strings) as Language[]) {
    for (const [name, form] of looks) {
      for (const [size, viewport, colorScheme] of [
        ['desktop', DESKTOP, 'light'],
        ['phone', PHONE, 'dark'],
      ] as const) {
        it(`is accessible and fits: ${name}, ${lang}, ${size}, ${colorScheme}`, async () => {
          const asked =
            form === undefined ? signing(2, { lang }) : client.login({ redirect_uri: address, lang, ...form })
          const page = await looking.at(asking(asked), { viewport, colorScheme })
          expect(page.url()).to.match(/\/oauth2\/consent\//)
          await picture(page, `${name}-${lang}-${size}-${colorScheme}`)
          expect(await fits(page)).to.equal(true)
          expect(await violations(page)).to.deep.equal([])
        })
      }
    }
  }

  const deletion = (lang: Language) =>
    client.login({
      redirect_uri: address,
      scope: 'credential-deletion',
      credentialID: credential.id,
      description: 'You have left the harbour office',
      lang,
    })
  for (const [lang, viewport] of [
    ['en', PHONE],
    ['el', DESKTOP],
  ] as const) {
    it(`is accessible and fits: deletion, ${lang}`, async () => {
      const page = await looking.at(asking(deletion(lang)), { viewport })
      await page.getByRole('button', { name: strings[lang].deletion.submit }).waitFor()
      await picture(page, `deletion-${lang}`)
      expect(await fits(page)).to.equal(true)
      expect(await violations(page)).to.deep.equal([])
    })
  }

  it('makes a credential by the keyboard alone, and says what is wrong where typing begins again', async () => {
    const { creation, errors } = strings.en
    const own = await service.newCredential({ clientId: client.client.id, mode: 'oauth2code' })
    const asked = client.login({ redirect_uri: address, scope: 'credential-creation' })
    const page = await looking.at(asking(asked), { viewport: PHONE })
    const pin = 'harbour-47-crane'
    service.keepSecret(pin)
    for (const text of [own.id, own.pin]) {
      await page.keyboard.press('Tab')
      await page.keyboard.type(text)
    }
    // No one-time code.
    await page.keyboard.press('Tab')
    for (const text of [pin, `${pin}!`]) {
      await page.keyboard.press('Tab')
      await page.keyboard.type(text)
    }
    await page.keyboard.press('Enter')
    await page.getByRole('alert').waitFor()
    expect((await page.getByRole('alert').textContent())?.trim()).to.equal(errors.mismatch)
    await expectFocus(page, '#pin')
    await picture(page, 'creation-mistake-phone')
    expect(await fits(page)).to.equal(true)
    expect(await violations(page)).to.deep.equal([])
    await page.keyboard.type(own.pin)
    await page.getByLabel(creation.newPin, { exact: true }).fill(pin)
    await page.getByLabel(creation.again).fill(pin)
    await page.keyboard.press('Enter')
    await page.waitForURL((url) => url.searchParams.has('code'))
    const code = new URL(page.url()).searchParams.get('code') ?? ''
    service.keepSecret(code)
    const { body } = await client.redeem(code, { redirect_uri: address })
    const made = await client.call(String(body['access_token']), 'credentials/create', {})
    expect(made.status).to.equal(201)
  })

  it('folds many documents, and unfolds them', async () => {
    const page = await looking.at(asking(signing(12)), { viewport: PHONE })
    const last = page.getByText('part 12.pdf')
    expect(await last.isVisible()).to.equal(false)
    await page.getByText(strings.en.documents(12)).click()
    expect(await last.isVisible()).to.equal(true)
    await picture(page, 'many-phone')
    expect(await fits(page)).to.equal(true)
    expect(await violations(page)).to.deep.equal([])
  })

  for (const [locale, viewport, colorScheme] of [
    ['en', DESKTOP, 'light'],
    ['el', PHONE, 'dark'],
  ] as const) {
    it(`takes an approval out of band, by a link with a code and a button: ${locale}, ${colorScheme}`, async () => {
      const text = strings[locale]
      const sending = await Sending.of(service)
      const { id, pin } = await sending.outOfBand()
      const link = await sending.link(id)
      const context = await browser.newContext({ viewport, locale })
      const page = await context.newPage()
      const addresses: string[] = []
      page.on('request', (request) => addresses.push(request.url()))
      await page.emulateMedia({ colorScheme })
      await page.goto(link)
      const isGood = async (name: string) => {
        await picture(page, `approve-${name}-${locale}`)
        expect(await fits(page), name).to.equal(true)
        expect(await violations(page), name).to.deep.equal([])
      }
      await isGood('link')
      await page.getByRole('button', { name: text.linkOpen }).click()
      await page.getByText(id).waitFor()
      await isGood('asked')
      await page.getByRole('button', { name: text.send }).click()
      await page.getByText(text.told.sent).waitFor()
      await page.getByLabel(text.pin).fill('not the PIN')
      await page.getByLabel(text.otp).fill(sending.phone.code())
      await page.keyboard.press('Enter')
      expect((await page.getByRole('alert').textContent())?.trim()).to.equal(text.errors.pin)
      await isGood('wrong')
      await page.getByLabel(text.pin).fill(pin)
      await page.getByLabel(text.otp).fill(sending.phone.code())
      await page.keyboard.press('Enter')
      await page.getByRole('heading', { name: text.answered.approved.heading }).waitFor()
      await isGood('approved')
      expect(addresses.filter((one) => one.includes(new URL(link).hash.slice(1)))).to.deep.equal([])
      await context.close()
    })
  }
})
