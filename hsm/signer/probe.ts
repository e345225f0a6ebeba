import type { Handle } from 'pkcs11js'
import { keyTypes, schemes, type KeyType } from '../algorithms.ts'
import type { ProbedScheme } from '../types.ts'
import { ckr } from './cryptoki.ts'
import { digestOf, mechanismOf, prepare, signOnce } from './sign.ts'
import type { Signer } from './signer.ts'
import { curveParams, pairTemplates } from './templates.ts'

/** A token's list of mechanisms is advice; this is what it does: a session pair is made, signs and verifies. */
export function probe(signer: Signer, keyType: KeyType): ProbedScheme[] {
  const row = keyTypes[keyType]
  const all = (reason: string): ProbedScheme[] =>
    row.schemes.map((scheme) => ({ keyType, scheme, works: reason === '', reason }))
  if (row.family === 'Ed25519' && curveParams(signer.provider, row) === undefined) {
    return all('this make of token has no such keys')
  }
  if (!signer.mechanisms.some((info) => info.mechanism === row.generate))
    return all('no mechanism to generate it')
  let pair: Pair | undefined
  try {
    return row.schemes.map((scheme) => {
      pair ??= makeSessionPair(signer, keyType)
      const probed = probeScheme(signer, pair, scheme)
      // What fails costs the session, and with it the pair.
      if (!probed.works) pair = undefined
      return probed
    })
  } catch (error) {
    return all(reasonOf(error))
  } finally {
    signer.session.discard()
  }
}

interface Pair {
  readonly keyType: KeyType
  readonly privateKey: Handle
  readonly publicKey: Handle
}

function makeSessionPair(signer: Signer, keyType: KeyType): Pair {
  const { mechanism, publicKey, privateKey } = pairTemplates(signer.provider, keyTypes[keyType])
  const pair = signer.session.use((session, lib) =>
    lib.C_GenerateKeyPair(session, { mechanism }, publicKey, privateKey),
  )
  return { keyType, ...pair }
}

function probeScheme(signer: Signer, pair: Pair, name: ProbedScheme['scheme']): ProbedScheme {
  const { keyType } = pair
  const row = keyTypes[keyType]
  const scheme = schemes[name]
  const mechanism = mechanismOf(scheme)
  const data = prepare(row, scheme, digestOf(scheme, Buffer.from('intaglio probe v1')))
  try {
    const signature = signOnce(signer.session, { handle: pair.privateKey, row }, { mechanism, data })
    signer.session.use((session, lib) => {
      lib.C_VerifyInit(session, mechanism, pair.publicKey)
      lib.C_Verify(session, data, signature)
    })
    return { keyType, scheme: name, works: true, reason: '' }
  } catch (error) {
    return { keyType, scheme: name, works: false, reason: reasonOf(error) }
  }
}

function reasonOf(error: unknown): string {
  const code = ckr(error)
  if (code !== undefined) return `CKR 0x${code.toString(16)}`
  return error instanceof Error ? error.message : 'not an error'
}
