import { PIN_MAX, PIN_MIN } from '../../signing/secrets.ts'
import { holderPage } from '../http/holderPage.ts'
import { html, type Html } from '../http/html.ts'
import { strings, type Language, type Mistake } from './strings.ts'

export interface Shown {
  /** Whose service this is. */
  readonly service: string
  readonly language: Language
}

/** @param form.code given back so that it need not be pasted twice; '' where it was the mistake. */
export function formPage(
  shown: Shown,
  form: { readonly code: string; readonly mistake?: Mistake | undefined },
): Html {
  const text = strings[shown.language]
  const title = form.mistake === undefined ? text.title : `${text.failed}: ${text.title}`
  return layout(
    shown,
    title,
    html`<h1>${text.title}</h1>
      ${alert(shown, form.mistake)}
      <p>${text.intro}</p>
      <form method="post" action="/enrol" autocomplete="off" data-working="${text.working}">
        <div id="code-field">
          <label for="code">${text.code}</label>
          <p id="code-hint" class="hint">${text.codeHint}</p>
          <input
            id="code"
            name="code"
            type="text"
            value="${form.code}"
            required
            maxlength="100"
            autocapitalize="none"
            spellcheck="false"
            aria-describedby="code-hint"
            ${form.mistake === 'code' ? html`aria-invalid="true"` : undefined}
          />
        </div>
        <p id="notice" role="status" data-taken="${text.codeTaken}"></p>
        ${pinField(form.mistake, { name: 'pin', label: text.pin, hint: text.pinHint })}
        ${pinField(form.mistake, { name: 'again', label: text.again })}
        <p class="hint warning">${text.warning}</p>
        <button type="submit">${text.submit}</button>
      </form>`,
  )
}

export function donePage(shown: Shown, credentialId: string): Html {
  const text = strings[shown.language]
  return layout(
    shown,
    text.doneTitle,
    html`<h1 tabindex="-1" id="result">${text.doneTitle}</h1>
      <p>${text.done}</p>
      <dl>
        <dt>${text.credential}</dt>
        <dd><code>${credentialId}</code></dd>
      </dl>
      <p><a href="/enrol/codes?credential=${credentialId}">${text.doneCodes}</a></p>
      <p>${text.doneNext}</p>`,
  )
}

export function mistakePage(shown: Shown, mistake: Mistake): Html {
  const text = strings[shown.language]
  return layout(
    shown,
    text.failed,
    html`<h1>${text.failed}</h1>
      ${alert(shown, mistake)}`,
  )
}

function alert(shown: Shown, mistake: Mistake | undefined): Html | undefined {
  if (mistake === undefined) return undefined
  return html`<p role="alert" tabindex="-1" id="result" class="mistake">
    ${strings[shown.language].errors[mistake]}
  </p>`
}

function pinField(
  mistake: Mistake | undefined,
  field: { readonly name: string; readonly label: string; readonly hint?: string },
): Html {
  const { name, label, hint } = field
  const wrong = mistake === 'pin' || mistake === 'mismatch'
  return html`<div>
    <label for="${name}">${label}</label>
    ${hint === undefined ? undefined : html`<p id="${name}-hint" class="hint">${hint}</p>`}
    <input
      id="${name}"
      name="${name}"
      type="password"
      required
      minlength="${PIN_MIN}"
      maxlength="${PIN_MAX}"
      autocomplete="new-password"
      ${hint === undefined ? undefined : html`aria-describedby="${name}-hint"`}
      ${wrong ? html`aria-invalid="true"` : undefined}
    />
  </div>`
}

function layout({ service, language }: Shown, title: string, body: Html): Html {
  return holderPage({ service, language, title, style: '/enrol/enrol.css', script: '/enrol/enrol.js' }, body)
}
