import type { Queries } from './database.ts'

/**
 * Enters this process and renews its lease. What it reserves is its own while the lease lives; when the lease ran out,
 * another process closes what is open. A row that someone removed, because the lease ran out, is entered again.
 */
export async function holdInstance(
  q: Queries,
  instance: { readonly id: string; readonly version: string; readonly leaseS: number },
): Promise<void> {
  await q.query({
    name: 'instance-hold',
    text: `insert into instance (id, version, lease_until)
           values ($1::uuid, $2::text, now() + $3::int * interval '1 second')
           on conflict (id) do update set lease_until = excluded.lease_until`,
    values: [instance.id, instance.version, instance.leaseS],
  })
}

/** A process that drained leaves nothing open, so its row can go. */
export async function deleteInstance(q: Queries, id: string): Promise<void> {
  await q.query({ text: 'delete from instance where id = $1::uuid', values: [id] })
}

/** Processes that died are of no interest any more: what they left open was closed within seconds. */
export async function sweepInstances(q: Queries): Promise<void> {
  await q.query({ text: `delete from instance where lease_until < now() - interval '1 day'` })
}
