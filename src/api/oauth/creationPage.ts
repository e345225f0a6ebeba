import type { Context } from '../../context.ts'
import { PIN_MAX, PIN_MIN } from '../../signing/secrets.ts'
import { field } from '../http/holderPage.ts'
import { html, type Html } from '../http/html.ts'
import type { Shown } from './consentPage.ts'
import { reason } from './pageDetails.ts'
import { strings, type Mistake } from './strings.ts'

const ofNewPin: ReadonlySet<Mistake> = new Set(['newPin', 'mismatch'])

/** What the client wants the new credential to be, and what the fields below are for. */
export function creationDetails(_ctx: Context, { request, language }: Shown): Html {
  const text = strings[language]
  const { certificatePolicy: policy, subjectData } = request.creation ?? {}
  const { givenName, surname, issuingCountry } = subjectData ?? {}
  const name = [givenName, surname, issuingCountry].filter((part) => part !== undefined).join(' ')
  return html`${reason(text.purpose, request.description)}
    ${
      policy === undefined && name === ''
        ? undefined
        : html`<dl>
            ${
              name === ''
                ? undefined
                : html`<dt>${text.creation.subject}</dt>
                    <dd>${name}</dd>`
            }
            ${
              policy === undefined
                ? undefined
                : html`<dt>${text.creation.policy}</dt>
                    <dd><code>${policy}</code></dd>`
            }
          </dl>`
    }
    <p>${text.creation.logIn}</p>`
}

/** The PIN of the credential that is to be created, twice. */
export function newPinFields({ language, mistake }: Shown): Html {
  const text = strings[language].creation
  // What is wrong is said where typing begins again: at the PIN above.
  const isWrong = mistake !== undefined && ofNewPin.has(mistake)
  return html`<h2>${text.newTitle}</h2>
    ${field({ name: 'newPin', label: text.newPin, hint: text.newPinHint, isWrong }, newPinInput)}
    ${field({ name: 'again', label: text.again, hint: text.againHint, isWrong }, newPinInput)}
    <p class="hint warning">${text.warning}</p>`
}

const newPinInput = html`type="password" required minlength="${PIN_MIN}" maxlength="${PIN_MAX}"
autocomplete="new-password"`
