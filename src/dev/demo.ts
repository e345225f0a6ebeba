import { randomInt } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { z } from 'zod'
import { createClient } from '../api/admin/clients.ts'
import { createCredential } from '../api/admin/credentials.ts'
import { createPerson } from '../api/admin/persons.ts'
import type { Context } from '../context.ts'
import { makeIssuer } from '../credentials/makeIssuer.ts'
import { findClient, setRedirectUris, setRequirePushed } from '../db/clients.ts'
import { listIssuers } from '../db/credentialIssuers.ts'
import { listCredentials } from '../db/credentials.ts'
import { enrol } from '../pki/enrol.ts'
import { rootCertificate } from '../pki/hierarchy.ts'
import { Refusal } from '../refusal.ts'
import { clientSecret } from '../signing/derived.ts'
import { writePrivate } from './files.ts'

export const DEMO_CLIENT_ID = 'demo'
/** An app on this machine: any port of it will do (src/api/oauth/request.ts). */
const REDIRECT_URI = 'http://127.0.0.1:8080/callback'
const PIN_DIGITS = 8
const ACTOR = 'service'

/** What `{home}/demo.json` holds: all that a client needs to sign on this machine. */
const demoSchema = z.object({
  userID: z.string(),
  credentialID: z.string(),
  pin: z.string(),
  /** The same holder's other credential, with the same PIN, which is typed on the service's own page alone. */
  oauth2CodeCredentialID: z.string().optional(),
})
type Holder = z.infer<typeof demoSchema>

/**
 * The demo client, person, credentials and issuer of a laptop, made as everyone else's are, and written down anew at each start:
 * the address may have changed. The PIN is known to its file alone, so a lost file makes new credentials.
 */
export async function prepareDemo(ctx: Context): Promise<void> {
  const path = join(ctx.config.home, 'demo.json')
  const client = await demoClient(ctx)
  const holder = await demoHolder(ctx, path)
  const issuer = await demoIssuer(ctx)
  const caCertificate = join(ctx.config.home, 'demo-ca.pem')
  await writeFile(caCertificate, new X509Certificate(await rootCertificate(ctx)).toString())
  await writePrivate(path, {
    baseUrl: ctx.config.baseUrl,
    ...client,
    redirectUri: REDIRECT_URI,
    ...holder,
    issuer,
    caCertificate,
  })
}

async function demoClient(ctx: Context): Promise<{ clientId: string; clientSecret: string }> {
  if ((await findClient(ctx.db, DEMO_CLIENT_ID)) === undefined) {
    const made = { id: DEMO_CLIENT_ID, name: 'Demo', redirectUris: [REDIRECT_URI], requirePushed: false }
    await createClient(ctx, ACTOR, made).catch((error: unknown) => {
      // Another replica starts at the same time.
      if (!(error instanceof Refusal && error.code === 'conflict')) throw error
    })
  }
  const client = await findClient(ctx.db, DEMO_CLIENT_ID)
  if (client === undefined) throw new Error('the demo client was not made')
  // One that was made before there were such addresses.
  if (client.redirectUris.length === 0) {
    await setRedirectUris(ctx.db, client.id, [REDIRECT_URI])
    await setRequirePushed(ctx.db, client.id, false)
  }
  const secret = await clientSecret(ctx, { id: client.id, version: client.secretVersion })
  return { clientId: client.id, clientSecret: secret }
}

/** Whom the file of the start before names, with whichever credential can still sign; what is missing is made. */
async function demoHolder(ctx: Context, path: string): Promise<Holder> {
  const usable = await listCredentials(ctx.db, {
    clientId: DEMO_CLIENT_ID,
    onlyValid: true,
    limit: LOOKED_AT,
  })
  const isUsable = (id: string | undefined): boolean => usable.some((credential) => credential.id === id)
  const written = await writtenHolder(path)
  const known = written !== undefined && isUsable(written.credentialID) ? written : await newHolder(ctx)
  const { oauth2CodeCredentialID: id = '' } = known
  return isUsable(id)
    ? known
    : { ...known, oauth2CodeCredentialID: await newCredential(ctx, known, 'oauth2code') }
}
/** A laptop has a handful of demo credentials, and of issuers. */
const LOOKED_AT = 1000

/** In whose name the demo client issues W3C credentials: its first issuer that can, or one that is made now. */
async function demoIssuer(ctx: Context): Promise<string> {
  const issuers = await listIssuers(ctx.db, { clientId: DEMO_CLIENT_ID, limit: LOOKED_AT })
  const [first] = issuers
    .filter(({ identifier, state }) => state === 'enabled' && identifier.startsWith('did:key:'))
    .sort((one, other) => one.createdAt.getTime() - other.createdAt.getTime())
  if (first !== undefined) return first.identifier
  const asked = { clientId: DEMO_CLIENT_ID, keyType: 'P-256', method: 'key', actor: ACTOR } as const
  return (await makeIssuer(ctx, asked)).identifier
}

async function writtenHolder(path: string): Promise<Holder | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined)
  return text === undefined ? undefined : demoSchema.safeParse(parsedJson(text)).data
}

async function newHolder(ctx: Context): Promise<Holder> {
  const userID = await createPerson(ctx, ACTOR, { givenName: 'Demo', surname: 'Holder', country: 'NO' })
  const pin = String(randomInt(10 ** (PIN_DIGITS - 1), 10 ** PIN_DIGITS))
  return { userID, credentialID: await newCredential(ctx, { userID, pin }, 'explicit'), pin }
}

async function newCredential(
  ctx: Context,
  { userID, pin }: Pick<Holder, 'userID' | 'pin'>,
  mode: 'explicit' | 'oauth2code',
): Promise<string> {
  const made = await createCredential(ctx, ACTOR, {
    personId: userID,
    clientId: DEMO_CLIENT_ID,
    keyType: 'P-256',
    scal: 2,
    mode,
    multisign: ctx.config.csc.maxSignatures,
    description: mode === 'explicit' ? 'Demo credential' : 'Demo credential, opened on the page',
  })
  await enrol(ctx, { code: made.code, pin })
  return made.credentialId
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
