import { html, type Html } from '../http/html.ts'
import type { JsonSchema } from '../http/jsonSchema.ts'
import { operationId, sayingOf, statusMeanings, type About, type Operation } from '../http/openapi.ts'
import { curlOf } from './curl.ts'
import { membersOf, type Member } from './members.ts'

/** The document for people: one page, English, of what stands in /openapi.json. */
export function docsPage(operations: readonly Operation[], about: About): Html {
  const tags = [...new Set(operations.map(({ tag }) => tag))]
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>API – ${about.title}</title>
        <link rel="stylesheet" href="/docs/docs.css" />
      </head>
      <body>
        <header>
          <h1>${about.title}</h1>
          <p>
            The API at <code>${about.url}</code>, version ${about.version}. The same for programs, as OpenAPI
            3.1: <a href="/openapi.json">/openapi.json</a>.
          </p>
        </header>
        <nav aria-label="Endpoints">
          ${tags.map(
            (tag) =>
              html`<h2>${tag}</h2>
                <ul>
                  ${operations.filter((one) => one.tag === tag).map(link)}
                </ul>`,
          )}
        </nav>
        <main>${operations.map((one) => article(one, about))}</main>
      </body>
    </html> `
}

function link(one: Operation): Html {
  return html`<li>
    <a href="#${operationId(one)}"><span class="verb">${one.method.toUpperCase()}</span> ${one.path}</a>
  </li>`
}

const ACCESS = {
  client: 'the client itself, by its secret or its certificate',
  service: 'an access token of the scope service',
  credential: 'an access token of the scope credential',
  'credential-creation': 'an access token of the scope credential-creation',
  'credential-deletion': 'an access token of the scope credential-deletion',
} as const

function article(one: Operation, about: About): Html {
  const access = one.access.map((name) => ACCESS[name]).join(', or ')
  return html`<article>
    <h2 id="${operationId(one)}"><span class="verb">${one.method.toUpperCase()}</span> ${one.path}</h2>
    <p>${one.summary}.</p>
    <p class="quiet">${one.clause}. Asks for ${access === '' ? 'no authentication' : access}.</p>
    ${one.request === undefined ? undefined : members('Request', one.request.schema)}
    ${Object.entries(one.examples).map(([name, example]) => exampleOf({ one, about }, name, example))}
    ${answered(one.answer)} ${one.accepted === undefined ? undefined : answered(one.accepted)}
    ${refusals(one)}
  </article>`
}

function exampleOf(
  { one, about }: { readonly one: Operation; readonly about: About },
  name: string,
  example: Readonly<Record<string, unknown>>,
): Html {
  return html`<figure>
    <figcaption>Example: ${name}</figcaption>
    <pre tabindex="0"><code>${curlOf(one, example, about.url)}</code></pre>
  </figure>`
}

/** What has no members, such as a JWT, is said in words. */
function answered({ status, description, schema }: Operation['answer']): Html {
  return schema === undefined || membersOf(schema).length === 0
    ? html`<h3>Answer</h3>
        <p>${status}: ${description}.</p>`
    : members(`Answer, ${status}`, schema)
}

function members(heading: string, schema: JsonSchema): Html {
  const rows = membersOf(schema)
  if (rows.length === 0) {
    return html`<h3>${heading}</h3>
      <p>No members.</p>`
  }
  return html`<h3>${heading}</h3>
    <dl>${rows.map(row)}</dl>`
}

function row({ path, type, required, description }: Member): Html {
  return html`<div>
    <dt><code>${path}</code></dt>
    <dd>${type}${required ? '' : ', optional'}${description === undefined ? '' : `. ${description}`}</dd>
  </div>`
}

function refusals({ refusals: all }: Operation): Html | undefined {
  if (all.length === 0) return undefined
  const statuses = [...new Set(all.map(({ status }) => status))].sort((a, b) => a - b)
  return html`<details>
    <summary>Refusals</summary>
    ${statuses.map(
      (status) =>
        html`<h4>${status}</h4>
          <p>${statusMeanings[status]}.</p>
          <ul>
            ${all.filter((one) => one.status === status).map(({ body }) => refusal(body))}
          </ul>`,
    )}
  </details>`
}

function refusal(body: unknown): Html {
  const [code, sentence] = sayingOf(body)
  return html`<li><code>${code}</code>${sentence === undefined ? '' : `: ${sentence}`}</li>`
}
