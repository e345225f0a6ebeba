import type { Context } from '../../context.ts'
import { secondFactorOf, wantsOtp } from '../../signing/secondFactor.ts'
import { codeInput, credentialInput, field, holderPage, pinInput } from '../http/holderPage.ts'
import { html, type Html } from '../http/html.ts'
import { creationDetails, newPinFields } from './creationPage.ts'
import type { AuthorizationRequest } from './request.ts'
import type { Scope } from './scopes.ts'
import type { Told } from './sendOnPage.ts'
import { deletionDetails, signingDetails } from './pageDetails.ts'
import { strings, type Language, type Mistake, type Strings } from './strings.ts'

export interface Dress {
  /** Whose service this is. */
  readonly service: string
  readonly language: Language
  /** The page takes what stands after # in its address. */
  readonly hasFragment?: boolean
}

export interface Shown extends Dress {
  readonly request: Pick<
    AuthorizationRequest,
    'scope' | 'credential' | 'approval' | 'creation' | 'description'
  > & { readonly client: { readonly name: string } }
  /** Goes with the form. */
  readonly token: string
  /** Goes with it, too: of what is shown, where the token does not say it. */
  readonly mark?: string
  readonly mistake?: Mistake
  /** What became of the wish for a code. */
  readonly told?: Told
  /** At a login, given back so that it need not be typed twice. */
  readonly credentialId?: string
}

/** What a page says of what is asked, besides what every page has. */
interface Part {
  readonly words: (text: Strings) => {
    readonly title: string
    readonly asks: (client: string) => string
    readonly submit: string
  }
  readonly details?: (ctx: Context, shown: Shown) => Html | undefined
  /** Below those by which holders show who they are. */
  readonly fields?: (shown: Shown) => Html
}

/** TABLE of what can be asked for. */
const parts: Readonly<Record<Scope, Part>> = {
  service: { words: (text) => ({ title: text.loginTitle, asks: text.loginAsks, submit: text.loginSubmit }) },
  credential: {
    words: (text) => ({ title: text.title, asks: text.asks, submit: text.approve }),
    details: signingDetails,
  },
  'credential-creation': {
    words: (text) => text.creation,
    details: creationDetails,
    fields: newPinFields,
  },
  'credential-deletion': { words: (text) => text.deletion, details: deletionDetails },
}

/** Who asks, with which credential, for what, and for how long; the PIN; and a way to say no. */
export function consentPage(ctx: Context, shown: Shown): Html {
  const text = strings[shown.language]
  const { client, scope, credential } = shown.request
  const { words, details, fields } = parts[scope]
  const { title: heading, asks, submit } = words(text)
  const title = shown.mistake === undefined ? heading : `${text.failed}: ${heading}`
  return layout(
    shown,
    title,
    html`<h1>${heading}</h1>
      ${shown.told === undefined ? undefined : html`<p role="status" class="told">${text.told[shown.told]}</p>`}
      <p>${asks(client.name)}</p>
      ${details?.(ctx, shown)}
      <form method="post" autocomplete="off">
        <input type="hidden" name="token" value="${shown.token}" />
        ${shown.mark === undefined ? undefined : html`<input type="hidden" name="shown" value="${shown.mark}" />`}
        ${/* Beside the fields: with many documents, the top is far away. */ alert(shown, shown.mistake)}
        ${credential === undefined ? credentialField(shown) : undefined} ${pinField(shown)} ${otpField(shown)}
        ${fields?.(shown)}
        <button type="submit" name="answer" value="approve">${submit}</button>
        ${sendButton(ctx, shown)}
        <button type="submit" name="answer" value="deny" class="other" formnovalidate>${text.deny}</button>
      </form>`,
  )
}

/** Where a link from a message leads: shows nothing before the holder presses the button, so that no robot sees it. */
export function linkPage(dress: Dress): Html {
  const text = strings[dress.language]
  return layout(
    { ...dress, hasFragment: true },
    text.title,
    html`<h1>${text.title}</h1>
      <p>${text.linkIntro}</p>
      <form method="post" autocomplete="off" data-working="${text.linkOpen}">
        <div id="code-field">
          <label for="code">${text.linkCode}</label>
          <p id="code-hint" class="hint">${text.linkHint}</p>
          <input
            id="code"
            name="code"
            type="text"
            required
            maxlength="100"
            autocapitalize="none"
            spellcheck="false"
            aria-describedby="code-hint"
          />
        </div>
        <p id="notice" role="status" data-taken="${text.linkTaken}"></p>
        <button type="submit">${text.linkOpen}</button>
      </form>`,
  )
}

/** The holder has said it, out of band. */
export function answeredPage(dress: Dress, answer: 'approved' | 'denied'): Html {
  const { heading, next } = strings[dress.language].answered[answer]
  return layout(
    dress,
    heading,
    html`<h1>${heading}</h1>
      <p>${next}</p>`,
  )
}

export function failedPage(dress: Dress, mistake: Mistake): Html {
  const { failed } = strings[dress.language]
  return layout(
    dress,
    failed,
    html`<h1>${failed}</h1>
      ${alert(dress, mistake)}`,
  )
}

function alert({ language }: Dress, mistake: Mistake | undefined): Html | undefined {
  if (mistake === undefined) return undefined
  return html`<p role="alert" id="mistake" class="mistake">${strings[language].errors[mistake]}</p>`
}

function credentialField({ language, credentialId = '', mistake }: Shown): Html {
  const { loginCredential: label, loginCredentialHint: hint } = strings[language]
  return field(
    { name: 'credential', label, hint, isWrong: mistake === 'login' },
    credentialInput(credentialId),
  )
}

/** Where something is wrong, the field has the focus. */
function pinField({ language, mistake }: Shown): Html {
  const { pin: label, pinHint: hint } = strings[language]
  const isWrong = mistake === 'pin' || mistake === 'login'
  const saysMistake = mistake !== undefined && mistake !== 'otp'
  return field({ name: 'pin', label, hint, isWrong, saysMistake, hasFocus: saysMistake }, pinInput)
}

/** At a login nobody knows yet whether the credential wants one. */
function otpField({ language, mistake, request }: Shown): Html | undefined {
  const text = strings[language]
  const { credential } = request
  if (credential !== undefined && !wantsOtp(credential)) return undefined
  const isSent = credential !== undefined && secondFactorOf(credential)?.kind === 'sent'
  const known = isSent ? text.otpHintSent : text.otpHint
  const hint = credential === undefined ? text.otpHintLogin : known
  const saysMistake = mistake === 'otp'
  const isWrong = saysMistake || mistake === 'login'
  const shown = { name: 'otp', label: text.otp, hint, isWrong, saysMistake, hasFocus: saysMistake }
  return field(shown, codeInput(credential !== undefined))
}

/** Last but the no: the key Enter presses the first button of a form. */
function sendButton(ctx: Context, { language, request }: Shown): Html | undefined {
  const { credential } = request
  const isWanted = credential === undefined || secondFactorOf(credential)?.kind === 'sent'
  if (ctx.sender === undefined || !isWanted) return undefined
  const { send } = strings[language]
  return html`<button type="submit" name="answer" value="send" class="other" formnovalidate>${send}</button>`
}

function layout({ service, language, hasFragment }: Dress, title: string, body: Html): Html {
  const script = hasFragment === true ? '/oauth2/fragment.js' : undefined
  return holderPage({ service, language, title, style: '/oauth2/page.css', script }, body)
}
