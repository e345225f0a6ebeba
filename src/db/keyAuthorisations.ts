import type { HashName, KeyType } from '../../hsm/algorithms.ts'
import type { Purpose } from '../../hsm/purposes.ts'
import type { AuthorisationRecord, KeyRecord, Sealed } from '../../hsm/records.ts'
import { byteas } from './binary.ts'
import { grouped } from './groupCommit.ts'
import type { HolderKeyState } from './holderKeys.ts'
import type { KeyState } from './keys.ts'

/** What an activation of a holder key stands for: the sealed records, and what may forbid their use, as it is now. */
export interface FoundForKey {
  readonly key: Sealed<KeyRecord>
  readonly authorisation: Sealed<AuthorisationRecord>
  readonly state: HolderKeyState
  readonly keyState: KeyState
  /** By the database's clock. */
  readonly expired: boolean
}

interface Row extends Pick<FoundForKey, 'state' | 'keyState' | 'expired'> {
  readonly lookup: number
  readonly authorisationId: string
  readonly keyId: string
  readonly clientId: string
  readonly hash: HashName | null
  readonly count: number
  readonly expiresAtMs: string
  readonly authorisationSeal: Buffer
  readonly tokenSerial: string
  readonly ckaId: Buffer
  readonly keyType: KeyType
  readonly purpose: Purpose
  readonly spki: Buffer
  readonly keySeal: Buffer
}

/**
 * Finds what an activation stands for, by its SHA-256. Those that name what they are for are used by whoever made them, at
 * once, and are not found here. For which client and key it is good, the caller compares.
 */
export const findActivationBySad = grouped<Buffer, FoundForKey | undefined>({
  name: 'authorisation-by-sad-key',
  rows: () => 1,
  flush: async (db, sadHashes) => {
    const rows = await db.query<Row>({
      name: 'authorisation-by-sad-key',
      text: `select asked.lookup::int, a.id as "authorisationId", a.key_id as "keyId", a.client_id as "clientId",
                    a.hash, a.count, a.seal as "authorisationSeal",
                    (extract(epoch from a.expires_at) * 1000)::bigint as "expiresAtMs", a.expires_at <= now() as expired,
                    h.state, k.state as "keyState", k.purpose, k.token_serial as "tokenSerial", k.cka_id as "ckaId",
                    k.key_type as "keyType", k.spki, k.seal as "keySeal"
               from unnest($1::bytea[]) with ordinality as asked(hash, lookup)
               join authorisation a on a.sad_hash = asked.hash and a.revoked_at is null
               join holder_key h on h.key_id = a.key_id
               join key k on k.id = a.key_id
              where a.credential_id is null and not a.bound and k.seal is not null`,
      values: [byteas(sadHashes)],
    })
    const found = new Map(rows.map((row) => [row.lookup - 1, row]))
    return sadHashes.map((_, index) => {
      const row = found.get(index)
      return row && foundRow(row)
    })
  },
})

function foundRow(row: Row): FoundForKey {
  const { state, keyState, expired, keyId, tokenSerial, ckaId, keyType, purpose, spki } = row
  return {
    state,
    keyState,
    expired,
    key: { keyId, tokenSerial, ckaId, keyType, purpose, spki, seal: row.keySeal },
    authorisation: {
      authorisationId: row.authorisationId,
      keyId,
      credentialId: '',
      clientId: row.clientId,
      hash: row.hash ?? undefined,
      digests: undefined,
      count: row.count,
      expiresAt: Number(row.expiresAtMs),
      seal: row.authorisationSeal,
    },
  }
}
