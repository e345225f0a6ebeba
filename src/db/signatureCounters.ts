import type { Queries } from './database.ts'

export interface Counted {
  readonly keyId: string
  readonly instanceId: string
  /** Signatures that were given out, in all. */
  readonly made: number
}

/** Takes so many numbers more, durable before any of them is used; and writes how many were used. */
export async function takeNumbers(
  q: Queries,
  { more, ...counted }: Counted & { more: number },
): Promise<void> {
  await q.query({
    name: 'signature-counter-take',
    // None was made before the first ones are taken; and what is inserted is checked even where it is an update.
    text: `insert into signature_counter (key_id, instance_id, taken, made) values ($1::uuid, $2::uuid, $3::bigint, 0)
           on conflict (key_id, instance_id) do update
              set taken = signature_counter.taken + excluded.taken, made = $4::bigint, updated_at = now()`,
    values: [counted.keyId, counted.instanceId, more, counted.made],
  })
}

/** Gives back the numbers that were not used: what is left is what the token was asked for. */
export async function settleNumbers(
  q: Queries,
  { taken, ...counted }: Counted & { taken: number },
): Promise<void> {
  await q.query({
    text: `update signature_counter set taken = $3::bigint, made = $4::bigint, updated_at = now()
            where key_id = $1::uuid and instance_id = $2::uuid`,
    values: [counted.keyId, counted.instanceId, taken, counted.made],
  })
}
