import type { Context } from '../../context.ts'
import type { CredentialRow } from '../../db/credentials.ts'
import { html, type Html } from '../http/html.ts'
import type { Document } from './asked.ts'
import type { Shown } from './consentPage.ts'
import { strings, type Language } from './strings.ts'

/** As many documents as are listed at once; more are unfolded by whoever asks for them. */
const LISTED = 5

/** What is to be signed, with which credential, and until when. */
export function signingDetails(ctx: Context, { request, language }: Shown): Html | undefined {
  const { approval } = request
  if (approval === undefined) return undefined
  const text = strings[language]
  const { credential, count, documents } = approval
  const minutes = Math.ceil(ctx.config.csc.sadSeconds / 60)
  return html`${reason(text.description, request.description)}
    <dl>
      <dt>${text.credential}</dt>
      <dd>${named(credential)}</dd>
      <dt>${text.count}</dt>
      <dd>${documents?.length ?? count}</dd>
      <dt>${text.expiry}</dt>
      <dd>${text.minutes(minutes)}</dd>
    </dl>
    ${documents === undefined ? html`<p class="warning">${text.unlisted}</p>` : list(documents, language)}`
}

/** Which credential is to be deleted, and what that means. */
export function deletionDetails(_ctx: Context, { request, language }: Shown): Html | undefined {
  const text = strings[language]
  const { credential, description } = request
  if (credential === undefined) return undefined
  return html`${reason(text.purpose, description)}
    <dl>
      <dt>${text.credential}</dt>
      <dd>${named(credential)}</dd>
    </dl>
    <p class="warning">${text.deletion.warning}</p>`
}

/** What the client says it is for. */
export function reason(label: string, description: string | undefined): Html | undefined {
  if (description === undefined) return undefined
  return html`<p>${label}:</p>
    <blockquote>${description}</blockquote>`
}

function named({ id, description }: Pick<CredentialRow, 'id' | 'description'>): Html {
  return html`${description === '' ? undefined : html`<span>${description}</span><br />`} <code>${id}</code>`
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
