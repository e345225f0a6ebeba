import { base32 } from '../../signing/totp.ts'
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
        ${textField(shown, {
          name: 'credential',
          label: text.credential,
          hint: text.credentialHint,
          value: credentialId,
        })}
        ${pinField(shown)}
        ${codeField(shown, { name: 'otp', label: text.present, hint: text.presentHint, isRequired: false })}
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
        ${codeField(shown, { name: 'code', label: text.code, hint: text.codeHint, isRequired: true })}
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

/** Where something is wrong, the field has the focus and its description says what, so that it is read out. */
function attributes(isWrong: boolean, hint: string): Html {
  if (!isWrong) return html`aria-describedby="${hint}"`
  return html`aria-describedby="mistake ${hint}" aria-invalid="true"`
}

function textField(
  { mistake }: CodesShown,
  field: { readonly name: string; readonly label: string; readonly hint: string; readonly value: string },
): Html {
  const { name, label, hint, value } = field
  return html`<div>
    <label for="${name}">${label}</label>
    <p id="${name}-hint" class="hint">${hint}</p>
    <input
      id="${name}"
      name="${name}"
      type="text"
      value="${value}"
      required
      maxlength="100"
      autocapitalize="none"
      spellcheck="false"
      ${attributes(mistake === 'login', `${name}-hint`)}
    />
  </div>`
}

function pinField({ language, mistake }: CodesShown): Html {
  const text = codesStrings[language]
  return html`<div>
    <label for="pin">${text.pin}</label>
    <p id="pin-hint" class="hint">${text.pinHint}</p>
    <input
      id="pin"
      name="pin"
      type="password"
      required
      maxlength="256"
      autocomplete="off"
      ${attributes(mistake === 'login', 'pin-hint')}
      ${mistake === undefined ? undefined : html`autofocus`}
    />
  </div>`
}

function codeField(
  { mistake }: CodesShown,
  field: {
    readonly name: string
    readonly label: string
    readonly hint: string
    readonly isRequired: boolean
  },
): Html {
  const { name, label, hint, isRequired } = field
  const isWrong = mistake === (isRequired ? 'code' : 'login')
  return html`<div>
    <label for="${name}">${label}</label>
    <p id="${name}-hint" class="hint">${hint}</p>
    <input
      id="${name}"
      name="${name}"
      type="text"
      inputmode="numeric"
      maxlength="12"
      autocomplete="one-time-code"
      ${isRequired ? html`required` : undefined}
      ${attributes(isWrong, `${name}-hint`)}
      ${isRequired && isWrong ? html`autofocus` : undefined}
    />
  </div>`
}

function layout({ service, language, mistake }: CodesShown, heading: string, body: Html): Html {
  const text = codesStrings[language]
  const title = mistake === undefined ? heading : `${text.failed}: ${heading}`
  return html`<!doctype html>
    <html lang="${language}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} – ${service}</title>
        <link rel="stylesheet" href="/enrol/enrol.css" />
      </head>
      <body>
        <header><p>${service}</p></header>
        <main>
          <h1>${heading}</h1>
          ${
            mistake === undefined
              ? undefined
              : html`<p role="alert" id="mistake" class="mistake">${text.errors[mistake]}</p>`
          }
          ${body}
        </main>
      </body>
    </html> `
}
