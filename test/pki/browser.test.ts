import { expect } from 'chai'
import type { Browser } from 'playwright-core'
import { strings } from '../../src/api/pki/strings.ts'
import { revoke } from '../../src/pki/revoke.ts'
import { CHROMIUM, DESKTOP, PHONE, fits, launch, Looking, picture, violations } from '../support/browser.ts'
import { startService, type TestService } from '../support/startService.ts'

describe('the repository’s page in a browser', function () {
  this.timeout(60_000)
  let service: TestService
  let browser: Browser
  let looking: Readonly<Record<'en' | 'el', Looking>>
  let serial = ''
  before(async function () {
    if (CHROMIUM === undefined) {
      console.log('      skipped: there is no Chromium on this machine')
      this.skip()
    }
    service = await startService()
    const [row] = await service.sql<{ id: string; serial: string }>(
      `select ce.id, encode(ce.serial, 'hex') as serial
         from certificate ce join credential c on c.certificate_id = ce.id`,
    )
    serial = row?.serial ?? ''
    await revoke(service.ctx, { certificateId: row?.id ?? '', reason: 'superseded', actor: 'service' })
    browser = await launch(CHROMIUM)
    looking = { en: await Looking.in(browser, 'en'), el: await Looking.in(browser, 'el') }
  })
  after(async () => {
    if (CHROMIUM === undefined) return
    await browser.close()
    await service.close()
  })

  const looks = [
    ['en', DESKTOP, 'light'],
    ['el', PHONE, 'dark'],
    ['el', DESKTOP, 'light'],
    ['en', PHONE, 'dark'],
  ] as const
  for (const [locale, viewport, colorScheme] of looks) {
    const size = viewport === PHONE ? 'phone' : 'desktop'
    it(`is accessible, fits, and answers: ${locale}, ${size}, ${colorScheme}`, async () => {
      const text = strings[locale]
      const page = await looking[locale].at(`${service.url}/pki/`, { viewport, colorScheme })
      const isGood = async (name: string): Promise<void> => {
        await picture(page, `pki-${name}-${locale}-${size}`)
        expect(await fits(page), name).to.equal(true)
        expect(await violations(page), name).to.deep.equal([])
      }
      await isGood('begin')
      // The root's list is in one or two shards only: its certificates are few.
      const shards = page.locator('details').filter({ hasText: '127.crl' })
      await shards.getByText(text.shards).click()
      expect(await page.getByRole('link', { name: '127.crl' }).isVisible()).to.equal(true)
      await isGood('open')
      await page.getByLabel(text.serial).fill(serial)
      await page.keyboard.press('Enter')
      await page.getByRole('status').waitFor()
      expect(await page.getByRole('status').textContent()).to.include(text.reasons.superseded)
      await isGood('revoked')
      await page.getByLabel(text.serial).fill('nothing')
      await page.getByRole('button').click()
      expect((await page.getByRole('alert').textContent())?.trim()).to.equal(text.badSerial)
      await isGood('wrong')
      expect(looking[locale].complaints).to.deep.equal([])
    })
  }
})
