/** npm run bench -- --crl <entries>: revocation lists of so many, from the database to what relying parties get. */
import { readFileSync, writeFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { CrlWriter } from '../../src/pki/crl.ts'
import { listedEntries, oneState } from '../../src/db/crls.ts'
import { currentList } from '../../src/db/publishedLists.ts'
import { publishDue } from '../../src/pki/crlPublisher.ts'
import type { TestService } from '../support/startService.ts'
import { memory, type Bench } from './arrange.ts'
import { used } from './cpu.ts'
import { postmaster } from './measure.ts'

/** Rows that are made at once. */
const CHUNK = 100_000

export async function revocationLists(
  bench: Bench,
  entries: number,
  say: (text: string) => void,
): Promise<void> {
  const { service } = bench
  const [issuing] = await service.sql<{ id: string; key: string }>(
    `select id, key_id as key from certificate where profile = 'issuing'`,
  )
  if (issuing === undefined) throw new Error('there is no authority')
  await revoke(service, issuing, entries)
  say(`${entries.toLocaleString('en')} certificates are revoked`)
  const { db } = service.ctx

  const time = await timer(bench)
  const writer = new CrlWriter(entries)
  await oneState(db, async (q) => {
    for await (const page of listedEntries(q, { issuerId: issuing.id, shard: null })) writer.add(page)
  })
  say(`reading and writing ${writer.entries.toLocaleString('en')} entries: ${time()}`)

  const whole = await publishing(bench, `issuer_id = '${issuing.id}' and shard is null`)
  const list = await currentList(db, { issuerId: issuing.id, shard: null })
  const octets = ((list?.octets ?? 0) / 1e6).toFixed(1)
  say(`the whole list, ${String(list?.entries)} entries, ${octets} MB: ${whole}`)
  say(`its 128 shards: ${await publishing(bench, `issuer_id = '${issuing.id}' and shard is not null`)}`)
  say(`one of them: ${await publishing(bench, `issuer_id = '${issuing.id}' and shard = 1`)}`)
}

/** Certificates that nobody ever had. */
async function revoke(
  service: TestService,
  issuing: { readonly id: string; readonly key: string },
  entries: number,
): Promise<void> {
  for (let made = 0; made < entries; made += CHUNK) {
    await service.sql(
      `insert into certificate (id, serial, profile, key_id, issuer_id, der, state, not_before, not_after, revocation_reason,
                                revocation_requested_at, revoked_at)
       select gen_random_uuid(), '\\x50'::bytea || substr(uuid_send(gen_random_uuid()), 2), 'natural-person', $1, $2, '\\x3000',
              'revoked', now(), now() + interval '1 year', case n % 3 when 0 then 'keyCompromise' else 'superseded' end,
              now(), now() - n * interval '1 second'
         from generate_series($3::int, $4::int) n`,
      [issuing.key, issuing.id, made + 1, Math.min(made + CHUNK, entries)],
    )
  }
  await service.sql('vacuum analyze certificate')
}

async function publishing(bench: Bench, which: string): Promise<string> {
  const { service } = bench
  await service.sql(`update crl_list set refresh_at = now() where ${which}`)
  // The highest resident set from here on.
  writeFileSync('/proc/self/clear_refs', '5')
  const before = resident('VmRSS')
  const time = await timer(bench)
  const held = monitorEventLoopDelay({ resolution: 1 })
  held.enable()
  await publishDue(service.ctx)
  held.disable()
  const { signers } = memory(process.pid)
  const most = `memory at most ${String(resident('VmHWM'))} MB (${String(before)} before)`
  const longest = `nobody else waited longer than ${(held.max / 1e6).toFixed(0)} ms`
  return `${time()}; ${most}, signers ${signers.join(', ')} MB; ${longest}`
}

/** By the clock, and of processors: others may be at work on this machine. */
async function timer(bench: Bench): Promise<() => string> {
  const roots = { service: process.pid, postgres: await postmaster(bench), load: undefined }
  const before = used(roots)
  const started = performance.now()
  return () => {
    const seconds = (performance.now() - started) / 1000
    const after = used(roots)
    const each = (['service', 'signers', 'postgres'] as const).map(
      (name) => `${name} ${(after[name] - before[name]).toFixed(2)}`,
    )
    return `${seconds.toFixed(2)} s (of processors: ${each.join(', ')} s)`
  }
}

function resident(name: 'VmRSS' | 'VmHWM'): number {
  const kib = new RegExp(`${name}:\\s+(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
  return Math.round(Number(kib ?? 0) / 1024)
}
