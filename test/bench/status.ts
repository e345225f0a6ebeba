/** npm run bench -- --status: entries of status lists by two replicas, and lists of a million entries as they are published. */
import { randomBytes, randomUUID } from 'node:crypto'
import { publishDue } from '../../src/credentials/status/publish.ts'
import { SHUFFLE_OCTETS } from '../../src/credentials/status/shuffle.ts'
import { insertList } from '../../src/db/statusLists.ts'
import { allocatedByTwo } from '../vc/allocators.ts'
import { newIssuer } from '../vc/client.ts'
import type { Bench } from './arrange.ts'
import { used } from './cpu.ts'
import { postmaster } from './measure.ts'

/** Of the list that is published: one in fifty is revoked. */
const LENGTH = 1_048_576
const SHARE = 50
const TIMES = 20

export async function statusLists(bench: Bench, entries: number, say: (text: string) => void): Promise<void> {
  await allocation(bench, entries, say)
  await publication(bench, say)
}

async function allocation(bench: Bench, entries: number, say: (text: string) => void): Promise<void> {
  const { service } = bench
  const { id: issuerId } = await newIssuer(service)
  const root = await postmaster(bench)
  const roots = { service: process.pid, postgres: root, load: undefined }
  const before = used(roots)
  const both = await allocatedByTwo(service, { issuerId, count: Math.ceil(entries / 2) })
  const postgres = used(roots).postgres - before.postgres
  const taken = both.flatMap((one) => one.entries)
  const doubles = taken.length - new Set(taken).size
  const seconds = Math.max(...both.map((one) => one.seconds))
  const own = both.reduce((sum, { processorSeconds }) => sum + processorSeconds, 0)
  say(
    `${taken.length.toLocaleString('en')} entries by two replicas: ${seconds.toFixed(2)} s ` +
      `(of processors: replicas ${own.toFixed(2)}, postgres ${postgres.toFixed(2)} s), ${String(doubles)} doubles`,
  )
}

async function publication(bench: Bench, say: (text: string) => void): Promise<void> {
  const { service } = bench
  const { ctx } = service
  const { id: issuerId } = await newIssuer(service)
  const id = randomUUID()
  const list = { id, issuerId, length: LENGTH, shuffle: randomBytes(SHUFFLE_OCTETS) }
  await insertList(ctx.db, { list, count: 1 })
  await publishDue(ctx, { issuerId })
  const revoked = Math.floor(LENGTH / SHARE)
  await service.sql('update status_list set taken = length where id = $1::uuid', [id])
  await service.sql(
    `insert into status_entry (list_id, index, status, is_published, changed_at)
     select $1::uuid, index, 1, false, now() from (select distinct on (index) floor(random() * $2)::int as index
       from generate_series(1, $3::int)) as drawn`,
    [id, LENGTH, revoked],
  )
  await publishDue(ctx, { issuerId })
  const all = await repeated(bench, issuerId, () =>
    ctx.db.query({ text: 'update status_list set refresh_at = now() where id = $1::uuid', values: [id] }),
  )
  say(`a list of ${LENGTH.toLocaleString('en')} entries, 2 % of them revoked, in its three forms: ${all}`)
  const changed = await repeated(bench, issuerId, () =>
    ctx.db.query({
      text: `update status_entry set status = 1 - status, is_published = false, changed_at = now()
              where (list_id, index) in (select list_id, index from status_entry where list_id = $1::uuid limit 1)`,
      values: [id],
    }),
  )
  say(`the same after one change: ${changed}`)
}

/** Processor time of one publication, and the signatures of the token that it takes. */
async function repeated(bench: Bench, issuerId: string, prepare: () => Promise<unknown>): Promise<string> {
  const { service } = bench
  const subject = `issuer:${issuerId}`
  const signed = async (): Promise<number> =>
    (await service.acts('status-list.sign', subject)).filter(({ kind }) => kind === 'result').length
  const published = async (): Promise<number> => (await service.acts('status-list.publish', subject)).length
  const [signatures, publications] = [await signed(), await published()]
  let own = 0
  const roots = { service: process.pid, postgres: await postmaster(bench), load: undefined }
  const others = used(roots)
  for (let times = 0; times < TIMES; times++) {
    await prepare()
    const began = process.cpuUsage()
    await publishDue(service.ctx, { issuerId })
    const { user, system } = process.cpuUsage(began)
    own += (user + system) / 1000
  }
  const after = used(roots)
  // The service itself looks once a second, and may have been quicker.
  const times = (await published()) - publications
  const each = (name: 'signers' | 'postgres'): string =>
    (((after[name] - others[name]) * 1000) / times).toFixed(1)
  return (
    `${(own / times).toFixed(1)} ms of processor in the service, ${each('signers')} in the signers, ` +
    `${each('postgres')} in PostgreSQL; ${(((await signed()) - signatures) / times).toFixed(1)} signatures`
  )
}
