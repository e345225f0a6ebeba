import { base32 } from '../../signing/totp.ts'
import { codeInput, credentialInput, field, holderPage, pinInput, type Field } from '../http/holderPage.ts'
import { html, type Html } from '../http/html.ts'
import { codesStrings, type CodesLanguage, type CodesMistake } from './codesStrings.ts'
import { qrCode } from './qrCode.ts'

export interface CodesShown {
  /** Whose service this is. */
  readonly service: string
  readonly language: CodesLanguage
  readonly mistake?: CodesMistake
}

/** Who it is: number, PIN, and the code of the phone before, if there is one. @param credentialId given back */
export function beginPage(shown: CodesShown, credentialId: string): Html {
  const text = codesStrings[shown.language]
  return layout(
    shown,
    text.title,
    html`<p>${text.intro}</p>
      <form method="post" action="/enrol/codes" autocomplete="off">
        ${field(
          { name: 'credential', label: text.credential, hint: text.credentialHint, ...atLogin(shown) },
          credentialInput(credentialId),
        )}
        ${field(
          {
            name: 'pin',
            label: text.pin,
            hint: text.pinHint,
            ...atLogin(shown),
            hasFocus: shown.mistake !== undefined,
          },
          pinInput,
        )}
        ${field(
          { name: 'otp', label: text.present, hint: text.presentHint, ...atLogin(shown) },
          codeInput(false),
        )}
        <button type="submit">${text.begin}</button>
      </form>`,
  )
}

export interface Secret {
  readonly seed: Buffer
  /** What the picture says. */
  readonly uri: string
}

/** @param form.secret shown with the first page, and never again */
export function confirmPage(
  shown: CodesShown,
  form: { readonly confirmation: string; readonly secret?: Secret },
): Html {
  const text = codesStrings[shown.language]
  const { confirmation, secret } = form
  return layout(
    shown,
    secret === undefined ? text.confirmTitle : text.scanTitle,
    html`${secret === undefined ? undefined : secretPart(shown, secret)}
      <form method="post" action="/enrol/codes/confirm" autocomplete="off">
        <input type="hidden" name="confirmation" value="${confirmation}" />
        ${field({ name: 'code', label: text.code, hint: text.codeHint, ...atCode(shown) }, codeInput(true))}
        <button type="submit">${text.confirm}</button>
      </form>`,
  )
}

export function setUpPage(shown: CodesShown, credentialId: string): Html {
  const text = codesStrings[shown.language]
  return layout(
    shown,
    text.doneTitle,
    html`<p>${text.done}</p>
      <dl>
        <dt>${text.credential}</dt>
        <dd><code>${credentialId}</code></dd>
      </dl>
      <p>${text.doneNext}</p>`,
  )
}

const GROUP = /.{1,4}/g

function secretPart({ language }: CodesShown, { seed, uri }: Secret): Html {
  const text = codesStrings[language]
  const groups = base32(seed).match(GROUP) ?? []
  return html`<p>${text.scan}</p>
    ${qrCode(uri, text.picture)}
    <dl>
      <dt>${text.byHand}</dt>
      <dd><code id="key">${groups.join(' ')}</code></dd>
    </dl>`
}

/** What of number, PIN and code is wrong is not said: all of it may be. */
function atLogin({ mistake }: CodesShown): Pick<Field, 'isWrong' | 'saysMistake'> {
  const isWrong = mistake === 'login'
  return { isWrong, saysMistake: isWrong }
}

function atCode({ mistake }: CodesShown): Pick<Field, 'isWrong' | 'saysMistake' | 'hasFocus'> {
  const isWrong = mistake === 'code'
  return { isWrong, saysMistake: isWrong, hasFocus: isWrong }
}

function layout({ service, language, mistake }: CodesShown, heading: string, body: Html): Html {
  const text = codesStrings[language]
  const title = mistake === undefined ? heading : `${text.failed}: ${heading}`
  return holderPage(
    { service, language, title, style: '/enrol/enrol.css' },
    html`<h1>${heading}</h1>
      ${
        mistake === undefined
          ? undefined
          : html`<p role="alert" id="mistake" class="mistake">${text.errors[mistake]}</p>`
      }
      ${body}`,
  )
}
