import { randomUUID, X509Certificate } from 'node:crypto'
import { z } from 'zod'
import { listenersWithCertificates } from '../../../config/listeners.ts'
import { describeCertificate } from '../../clientCertificate.ts'
import type { Context } from '../../context.ts'
import {
  findClientCertificate,
  insertClientCertificate,
  listClientCertificates,
  removeClientCertificate,
  type CertificateOwner,
  type ClientCertificateRow,
} from '../../db/clientCertificates.ts'
import { clientJwks } from '../../db/clientKeys.ts'
import { findClient, requireClientCertificate } from '../../db/clients.ts'
import type { Queries } from '../../db/database.ts'
import { findOperator } from '../../db/operators.ts'
import { Refusal } from '../../refusal.ts'
import {
  actorOf,
  found,
  isUuid,
  parsed,
  recordAct,
  uuidParam,
  type Call,
  type Endpoints,
  type Reply,
} from './endpoint.ts'
import { page, pageQuery, uuidPosition } from './page.ts'

/** A certificate with RSA keys of 8192 bits and a dozen names is half of it. */
const PEM_MAX = 16_384
const certificateSchema = z.strictObject({
  /** One PEM certificate. */
  certificate: z.string().min(1).max(PEM_MAX),
})

const PEM = /^\s*-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*$/

/** @throws Refusal 'invalid_request' for anything but one certificate that is still good */
export function certificateOf(pem: string): X509Certificate {
  const certificate = PEM.test(pem) ? readable(pem) : undefined
  if (certificate === undefined) throw new Refusal('invalid_request', 'certificate: not one PEM certificate')
  if (Date.parse(certificate.validTo) <= Date.now())
    throw new Refusal('invalid_request', `certificate: it ended on ${certificate.validTo}`)
  return certificate
}

function readable(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem)
  } catch {
    return undefined
  }
}

export const KEY_TAKEN = "This certificate's key is registered already."

/**
 * Registers a certificate's key as an operator's or a client's, in the transaction that is given.
 * @throws Refusal 'conflict' when the key is somebody's already
 */
export async function addCertificate(
  tx: Queries,
  owner: CertificateOwner,
  { certificate, actor }: { readonly certificate: X509Certificate; readonly actor: string },
): Promise<string> {
  const id = randomUUID()
  const { spkiHash } = describeCertificate(certificate)
  const subject = certificate.subject.replaceAll('\n', ', ')
  const added = await insertClientCertificate(tx, owner, { id, spkiHash, subject })
  if (!added) throw new Refusal('conflict', KEY_TAKEN)
  const detail = { certificate: id, spki: spkiHash.toString('hex') }
  await recordAct(tx, {
    act: `${kindOf(owner)}.certificate.add`,
    actor,
    subjects: [subjectOf(owner)],
    detail,
  })
  return id
}

export const clientCertificateEndpoints: Endpoints<'clients/:id/certificates'> = {
  'GET /clients/:id/certificates': async (ctx, call) => list(ctx, call, await clientOf(ctx, call)),

  'POST /clients/:id/certificates': async (ctx, call) => {
    const owner = await clientOf(ctx, call)
    // It would lock the client out: from now on it is let in by its certificate only.
    for (const face of ['oauth', 'csc'] as const) {
      if (listenersWithCertificates(ctx.config, face).length > 0) continue
      throw new Refusal('conflict', `No listener that serves ${face} asks for client certificates.`)
    }
    return add(ctx, call, owner)
  },

  'POST /clients/:id/certificates/:certificate/remove': async (ctx, call) =>
    remove(ctx, call, await clientOf(ctx, call)),
}

export const operatorCertificateEndpoints: Endpoints<'operators/:id/certificates'> = {
  'GET /operators/:id/certificates': async (ctx, call) => list(ctx, call, await operatorOf(ctx, call)),
  'POST /operators/:id/certificates': async (ctx, call) => add(ctx, call, await operatorOf(ctx, call)),
  'POST /operators/:id/certificates/:certificate/remove': async (ctx, call) =>
    remove(ctx, call, await operatorOf(ctx, call)),
}

async function clientOf(ctx: Context, call: Call): Promise<CertificateOwner> {
  return { clientId: found(await findClient(ctx.db, call.params['id'] ?? ''), 'client').id }
}

async function operatorOf(ctx: Context, call: Call): Promise<CertificateOwner> {
  return { operatorId: found(await findOperator(ctx.db, uuidParam(call, 'operator')), 'operator').id }
}

async function list(ctx: Context, call: Call, owner: CertificateOwner): Promise<Reply> {
  const query = parsed(z.strictObject(pageQuery), call.query)
  const { rows, next } = await page(
    query,
    ({ limit, after }) => listClientCertificates(ctx.db, owner, { limit, ...uuidPosition(after) }),
    (row) => row.id,
  )
  return { body: { items: rows.map(shown), next } }
}

async function add(ctx: Context, call: Call, owner: CertificateOwner): Promise<Reply> {
  const certificate = certificateOf(parsed(certificateSchema, call.body).certificate)
  const id = await ctx.db.transaction(async (tx) => {
    if ('clientId' in owner) await onlyByCertificate(tx, owner.clientId)
    return addCertificate(tx, owner, { certificate, actor: actorOf(call) })
  })
  const row = await findClientCertificate(ctx.db, owner, id)
  return { status: 201, body: shown(found(row, 'certificate')) }
}

async function onlyByCertificate(tx: Queries, clientId: string): Promise<void> {
  // First, since it holds back whoever gives the client a key at the same time.
  await requireClientCertificate(tx, clientId)
  // Two doors are as safe as the weaker one.
  if ((await clientJwks(tx, clientId)).length > 0)
    throw new Refusal('conflict', 'The client has keys: remove them first.')
}

/** Tokens that are bound to it are refused from the next look at the database on. */
async function remove(ctx: Context, call: Call, owner: CertificateOwner): Promise<Reply> {
  const id = call.params['certificate'] ?? ''
  if (!isUuid(id)) throw new Refusal('not_found', 'There is no such certificate.')
  await ctx.db.transaction(async (tx) => {
    const { removedAt } = found(await findClientCertificate(tx, owner, id), 'certificate')
    if (removedAt !== null) return
    await removeClientCertificate(tx, id)
    const act = `${kindOf(owner)}.certificate.remove`
    await recordAct(tx, {
      act,
      actor: actorOf(call),
      subjects: [subjectOf(owner)],
      detail: { certificate: id },
    })
  })
  return { body: shown(found(await findClientCertificate(ctx.db, owner, id), 'certificate')) }
}

function kindOf(owner: CertificateOwner): 'client' | 'operator' {
  return 'clientId' in owner ? 'client' : 'operator'
}

function subjectOf(owner: CertificateOwner): string {
  return 'clientId' in owner ? `client:${owner.clientId}` : `operator:${owner.operatorId}`
}

function shown({ id, spkiHash, subject, addedAt, removedAt }: ClientCertificateRow): Record<string, unknown> {
  return {
    id,
    subject,
    spki: spkiHash.toString('hex'),
    addedAt,
    ...(removedAt === null ? {} : { removedAt }),
  }
}
