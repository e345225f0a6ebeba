import { randomInt } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { z } from 'zod'
import { createClient } from '../api/admin/clients.ts'
import { createCredential } from '../api/admin/credentials.ts'
import { createPerson } from '../api/admin/persons.ts'
import type { Context } from '../context.ts'
import { findClient } from '../db/clients.ts'
import { listCredentials } from '../db/credentials.ts'
import { enrol } from '../pki/enrol.ts'
import { rootCertificate } from '../pki/hierarchy.ts'
import { Refusal } from '../refusal.ts'
import { clientSecret } from '../signing/derived.ts'
import { writePrivate } from './files.ts'

export const DEMO_CLIENT_ID = 'demo'
const PIN_DIGITS = 8
const ACTOR = 'service'

/** What `{home}/demo.json` holds: all that a client needs to sign on this machine. */
const demoSchema = z.object({ userID: z.string(), credentialID: z.string(), pin: z.string() })
type Holder = z.infer<typeof demoSchema>

/**
 * The demo client, person and credential of a laptop, made as everyone else's are, and written down anew at each start:
 * the address may have changed. The PIN is known to its file alone, so a lost file makes a new credential.
 */
export async function prepareDemo(ctx: Context): Promise<void> {
  const path = join(ctx.config.home, 'demo.json')
  const client = await demoClient(ctx)
  const holder = (await knownHolder(ctx, path)) ?? (await newHolder(ctx))
  const caCertificate = join(ctx.config.home, 'demo-ca.pem')
  await writeFile(caCertificate, new X509Certificate(await rootCertificate(ctx)).toString())
  await writePrivate(path, { baseUrl: ctx.config.baseUrl, ...client, ...holder, caCertificate })
}

async function demoClient(ctx: Context): Promise<{ clientId: string; clientSecret: string }> {
  if ((await findClient(ctx.db, DEMO_CLIENT_ID)) === undefined) {
    await createClient(ctx, ACTOR, { id: DEMO_CLIENT_ID, name: 'Demo' }).catch((error: unknown) => {
      // Another replica starts at the same time.
      if (!(error instanceof Refusal && error.code === 'conflict')) throw error
    })
  }
  const client = await findClient(ctx.db, DEMO_CLIENT_ID)
  if (client === undefined) throw new Error('the demo client was not made')
  const secret = await clientSecret(ctx, { id: client.id, version: client.secretVersion })
  return { clientId: client.id, clientSecret: secret }
}

/** Whom the file of the start before names, if the credential can still sign. */
async function knownHolder(ctx: Context, path: string): Promise<Holder | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const known = demoSchema.safeParse(parsedJson(text))
  if (!known.success) return undefined
  const usable = await listCredentials(ctx.db, {
    clientId: DEMO_CLIENT_ID,
    onlyValid: true,
    limit: LOOKED_AT,
  })
  return usable.some((credential) => credential.id === known.data.credentialID) ? known.data : undefined
}
/** A laptop has a handful of demo credentials. */
const LOOKED_AT = 1000

async function newHolder(ctx: Context): Promise<Holder> {
  const userID = await createPerson(ctx, ACTOR, { givenName: 'Demo', surname: 'Holder', country: 'NO' })
  const made = await createCredential(ctx, ACTOR, {
    personId: userID,
    clientId: DEMO_CLIENT_ID,
    keyType: 'P-256',
    scal: 2,
    multisign: ctx.config.csc.maxSignatures,
    description: 'Demo credential',
  })
  const pin = String(randomInt(10 ** (PIN_DIGITS - 1), 10 ** PIN_DIGITS))
  await enrol(ctx, { code: made.code, pin })
  return { userID, credentialID: made.credentialId, pin }
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
