import type { Context } from '../../context.ts'
import { secondFactorOf, wantsOtp } from '../../signing/secondFactor.ts'
import { codeInput, credentialInput, field, holderPage, pinInput } from '../http/holderPage.ts'
import { html, type Html } from '../http/html.ts'
import type { Approval } from './approval.ts'
import type { Document } from './asked.ts'
import type { AuthorizationRequest } from './request.ts'
import type { Told } from './sendOnPage.ts'
import { strings, type Language, type Mistake } from './strings.ts'

export interface Dress {
  /** Whose service this is. */
  readonly service: string
  readonly language: Language
  /** The page takes what stands after # in its address. */
  readonly hasFragment?: boolean
}

export interface Shown extends Dress {
  readonly request: Pick<AuthorizationRequest, 'approval' | 'description'> & {
    readonly client: { readonly name: string }
  }
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

/** As many documents as are listed at once; more are unfolded by whoever asks for them. */
const LISTED = 5

/** Who asks, with which credential, for what, and for how long; the PIN; and a way to say no. */
export function consentPage(ctx: Context, shown: Shown): Html {
  const text = strings[shown.language]
  const { client, approval } = shown.request
  const heading = approval === undefined ? text.loginTitle : text.title
  const title = shown.mistake === undefined ? heading : `${text.failed}: ${heading}`
  const asks = approval === undefined ? text.loginAsks(client.name) : text.asks(client.name)
  return layout(
    shown,
    title,
    html`<h1>${heading}</h1>
      ${shown.told === undefined ? undefined : html`<p role="status" class="told">${text.told[shown.told]}</p>`}
      <p>${asks}</p>
      ${approval === undefined ? undefined : details(ctx, shown, approval)}
      <form method="post" autocomplete="off">
        <input type="hidden" name="token" value="${shown.token}" />
        ${shown.mark === undefined ? undefined : html`<input type="hidden" name="shown" value="${shown.mark}" />`}
        ${/* Beside the fields: with many documents, the top is far away. */ alert(shown, shown.mistake)}
        ${approval === undefined ? credentialField(shown) : undefined} ${pinField(shown)} ${otpField(shown)}
        <button type="submit" name="answer" value="approve">
          ${approval === undefined ? text.loginSubmit : text.approve}
        </button>
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

function details(ctx: Context, { request, language }: Shown, approval: Approval): Html {
  const text = strings[language]
  const { credential, count, documents } = approval
  const minutes = Math.ceil(ctx.config.csc.sadSeconds / 60)
  return html`${
      request.description === undefined
        ? undefined
        : html`<p>${text.description}:</p>
            <blockquote>${request.description}</blockquote>`
    }
    <dl>
      <dt>${text.credential}</dt>
      <dd>
        ${credential.description === '' ? undefined : html`<span>${credential.description}</span><br />`}
        <code>${credential.id}</code>
      </dd>
      <dt>${text.count}</dt>
      <dd>${documents?.length ?? count}</dd>
      <dt>${text.expiry}</dt>
      <dd>${text.minutes(minutes)}</dd>
    </dl>
    ${documents === undefined ? html`<p class="warning">${text.unlisted}</p>` : list(documents, language)}`
}

function list(documents: readonly Document[], language: Language): Html {
  const text = strings[language]
  const items = html`<ol>
    ${documents.map(
      ({ digest, label }) =>
        html`<li>
          <span class="label">${label ?? text.unnamed}</span>
          <span class="hash">${text.hash}: <code>${digest.toString('base64')}</code></span>
        </li>`,
    )}
  </ol>`
  const heading = text.documents(documents.length)
  if (documents.length <= LISTED)
    return html`<h2>${heading}</h2>
      ${items}`
  return html`<details>
    <summary>${heading}</summary>
    ${items}
  </details>`
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
  const { approval } = request
  if (approval !== undefined && !wantsOtp(approval.credential)) return undefined
  const isSent = approval !== undefined && secondFactorOf(approval.credential)?.kind === 'sent'
  const known = isSent ? text.otpHintSent : text.otpHint
  const hint = approval === undefined ? text.otpHintLogin : known
  const saysMistake = mistake === 'otp'
  const isWrong = saysMistake || mistake === 'login'
  const shown = { name: 'otp', label: text.otp, hint, isWrong, saysMistake, hasFocus: saysMistake }
  return field(shown, codeInput(approval !== undefined))
}

/** Last but the no: the key Enter presses the first button of a form. */
function sendButton(ctx: Context, { language, request }: Shown): Html | undefined {
  const { approval } = request
  const isWanted = approval === undefined || secondFactorOf(approval.credential)?.kind === 'sent'
  if (ctx.sender === undefined || !isWanted) return undefined
  const { send } = strings[language]
  return html`<button type="submit" name="answer" value="send" class="other" formnovalidate>${send}</button>`
}

function layout({ service, language, hasFragment }: Dress, title: string, body: Html): Html {
  const script = hasFragment === true ? '/oauth2/fragment.js' : undefined
  return holderPage({ service, language, title, style: '/oauth2/page.css', script }, body)
}
