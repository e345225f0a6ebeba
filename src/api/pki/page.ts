import type { CertificateStatus } from '../../db/certificateStatus.ts'
import type { CurrentList } from '../../db/publishedLists.ts'
import { field, holderPage } from '../http/holderPage.ts'
import { html, type Html } from '../http/html.ts'
import { strings, type Language } from './strings.ts'

export interface Shown {
  /** Whose service this is. */
  readonly service: string
  readonly language: Language
}

/** An authority, and what it has published. */
export interface ShownAuthority {
  readonly id: string
  readonly name: string
  readonly notBefore: Date
  readonly notAfter: Date
  /** SHA-256 of the certificate, in hex. */
  readonly fingerprint: string
  readonly whole: CurrentList | undefined
  readonly shards: readonly CurrentList[]
}

/** What was asked for, and what is known of it; `found` is absent where it was no serial. */
export interface Asked {
  readonly serial: string
  readonly found?: CertificateStatus
  readonly at: Date
}

export interface Repository {
  readonly authorities: readonly ShownAuthority[]
  readonly documents: readonly { readonly name: string; readonly title: string }[]
  readonly asked: Asked | undefined
}

export function repositoryPage(shown: Shown, { authorities, documents, asked }: Repository): Html {
  const text = strings[shown.language]
  return layout(
    shown,
    text.title,
    html`<h1>${text.title}</h1>
      <p>${text.intro}</p>
      <h2>${text.search}</h2>
      ${asked && result(shown, asked)} ${search(shown, asked)}
      <h2>${text.authorities}</h2>
      ${authorities.map((one) => authority(shown, one))}
      ${
        documents.length === 0
          ? undefined
          : html`<h2>${text.documents}</h2>
              <ul>
                ${documents.map(
                  ({ name, title }) => html`<li><a href="/pki/documents/${name}">${title}</a></li>`,
                )}
              </ul>`
      }`,
  )
}

export function notFoundPage(shown: Shown): Html {
  const text = strings[shown.language]
  const body = html`<h1>${text.notFoundTitle}</h1>
    <p>${text.notFound}</p>
    <p><a href="/pki/">${text.title}</a></p>`
  return layout(shown, text.notFoundTitle, body)
}

function search({ language }: Shown, asked: Asked | undefined): Html {
  const text = strings[language]
  const isWrong = asked !== undefined && asked.found === undefined
  const described = {
    name: 'serial',
    label: text.serial,
    hint: text.serialHint,
    isWrong,
    saysMistake: isWrong,
  }
  const input = html`type="text" value="${asked?.serial ?? ''}" required maxlength="100" autocomplete="off"
  autocapitalize="none" spellcheck="false"`
  return html`<form method="get" action="/pki/">
    ${field(described, input)}
    <button type="submit">${text.ask}</button>
  </form>`
}

function result({ language }: Shown, { found, serial, at }: Asked): Html {
  const text = strings[language]
  if (found === undefined) return html`<p role="alert" id="mistake" class="mistake">${text.badSerial}</p>`
  return html`<div role="status" class="told">
    <p><code>${serial}</code></p>
    <p><strong>${text.status[wordOf(found, at)]}</strong></p>
    <dl>
      ${
        found.status === 'revoked'
          ? html`<dt>${text.since}</dt>
              <dd>${moment(found.revokedAt)}</dd>`
          : undefined
      }
      ${
        found.status === 'revoked' && found.reason !== 'certificateHold'
          ? html`<dt>${text.reason}</dt>
              <dd>${text.reasons[found.reason]}</dd>`
          : undefined
      }
      ${
        found.status === 'unknown'
          ? undefined
          : html`<dt>${text.validity}</dt>
              <dd>${moment(found.notBefore)} – ${moment(found.notAfter)}</dd>`
      }
      <dt>${text.asOf}</dt>
      <dd>${moment(at)}</dd>
    </dl>
  </div>`
}

function wordOf(found: CertificateStatus, at: Date): keyof (typeof strings)['en']['status'] {
  if (found.status === 'unknown') return 'unknown'
  if (found.status === 'revoked') return found.reason === 'certificateHold' ? 'suspended' : 'revoked'
  if (at > found.notAfter) return 'expired'
  return at < found.notBefore ? 'notYet' : 'valid'
}

function authority({ language }: Shown, it: ShownAuthority): Html {
  const text = strings[language]
  return html`<section aria-label="${it.name}">
    <h3>${it.name}</h3>
    <dl>
      <dt>${text.certificate}</dt>
      <dd>
        <a href="/pki/ca/${it.id}.cer">${it.id}.cer</a><br />
        ${moment(it.notBefore)} – ${moment(it.notAfter)}
      </dd>
      <dt>${text.fingerprint}</dt>
      <dd><code>${it.fingerprint}</code></dd>
      <dt>${text.list}</dt>
      <dd>${it.whole === undefined ? text.noList : list(language, it.whole)}</dd>
    </dl>
    ${
      it.shards.length === 0
        ? undefined
        : html`<details>
            <summary>${text.shards} (${it.shards.length})</summary>
            <ul>
              ${it.shards.map((shard) => html`<li>${list(language, shard)}</li>`)}
            </ul>
          </details>`
    }
  </section>`
}

function list(language: Language, it: CurrentList): Html {
  const text = strings[language]
  const name = it.shard === null ? `${it.issuerId}.crl` : `${String(it.shard)}.crl`
  const address = it.shard === null ? name : `${it.issuerId}/${name}`
  return html`<a href="/pki/crl/${address}">${name}</a><br />
    ${text.number} ${it.number} · ${text.entries} ${it.entries}<br />
    ${text.issued} ${moment(it.thisUpdate)}<br />
    ${text.next} ${moment(it.nextUpdate)}`
}

/** To the second, in UTC. */
function moment(time: Date): Html {
  const iso = time.toISOString()
  return html`<time datetime="${iso}">${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC</time>`
}

function layout({ service, language }: Shown, title: string, body: Html): Html {
  return holderPage({ service, language, title, style: '/pki/pki.css' }, body)
}
