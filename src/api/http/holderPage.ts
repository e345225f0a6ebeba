import { html, type Html } from './html.ts'

/** What every page for holders has around it. */
export interface Surroundings {
  /** Whose service this is. */
  readonly service: string
  readonly language: string
  readonly title: string
  /** Paths of this service. */
  readonly style: string
  readonly script?: string | undefined
}

export function holderPage({ service, language, title, style, script }: Surroundings, body: Html): Html {
  return html`<!doctype html>
    <html lang="${language}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} – ${service}</title>
        <link rel="stylesheet" href="${style}" />
        ${script === undefined ? undefined : html`<script src="${script}" defer></script>`}
      </head>
      <body>
        <header><p>${service}</p></header>
        <main>${body}</main>
      </body>
    </html> `
}

export interface Field {
  readonly name: string
  readonly label: string
  readonly hint: string
  readonly isWrong?: boolean
  /** Its description begins with what is wrong (id "mistake"), so that it is read out. */
  readonly saysMistake?: boolean
  readonly hasFocus?: boolean
}

/** A field of a form with its label and hint. @param input the attributes that are its own */
export function field(
  { name, label, hint, isWrong = false, saysMistake = false, hasFocus = false }: Field,
  input: Html,
): Html {
  return html`<div>
    <label for="${name}">${label}</label>
    <p id="${name}-hint" class="hint">${hint}</p>
    <input
      id="${name}"
      name="${name}"
      ${input}
      aria-describedby="${saysMistake ? 'mistake ' : ''}${name}-hint"
      ${isWrong ? html`aria-invalid="true"` : undefined}
      ${hasFocus ? html`autofocus` : undefined}
    />
  </div>`
}

/** Attributes of the field for a credential's number. */
export const credentialInput = (value: string): Html =>
  html`type="text" value="${value}" required maxlength="100" autocapitalize="none" spellcheck="false"`

/** Of the one for a PIN that is known, in no browser's memory. */
export const pinInput = html`type="password" required maxlength="256" autocomplete="off"`

/** Of the one for a one-time code, which phones offer to fill in. */
export const codeInput = (isRequired: boolean): Html =>
  html`type="text" inputmode="numeric" maxlength="12" autocomplete="one-time-code"
  ${isRequired ? html`required` : undefined}`
