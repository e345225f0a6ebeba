import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import type { Context } from '../../src/context.ts'
import { Database } from '../../src/db/database.ts'
import { holdInstance } from '../../src/db/instances.ts'
import {
  deleteJobs,
  enqueue,
  failJob,
  findJob,
  finishJob,
  putBackJob,
  reclaimJobs,
  replayJob,
  takeBacklog,
  takeJobs,
} from '../../src/db/jobs.ts'
import { JobFailure, startJobs, wake, type JobWork } from '../../src/jobs.ts'
import { createLogger } from '../../src/log.ts'
import { Metrics } from '../../src/metrics.ts'
import { createTestDatabase, withClient, type TestDatabase } from '../support/database.ts'

const kind = 'notification'

describe('jobs', () => {
  let database: TestDatabase
  let db: Database
  const [here, there] = [randomUUID(), randomUUID()]

  before(async () => {
    database = await createTestDatabase()
    db = new Database({ url: database.url, connections: 8, onError: () => undefined })
    for (const id of [here, there]) await holdInstance(db, { id, version: 'test', leaseS: 600 })
  })
  afterEach(() => sql('delete from job'))
  after(async () => {
    await db.close()
    await database.drop()
  })

  const sql = (text: string, values: unknown[] = []) =>
    withClient(database.superUrl, async (client) => {
      await client.query(text, values)
    })
  const add = (lane: string, giveUpAfterS = 60) =>
    enqueue(db, { kind, lane, payload: { lane }, giveUpAfterS })
  const take = (limit = 10, full: string[] = [], instanceId = here) =>
    takeJobs(db, { kind, instanceId, limit, full })
  const stateOf = async (id: string) => (await findJob(db, id))?.state

  it('are there if, and only if, what they follow from is', async () => {
    const failed = db.transaction(async (tx) => {
      await enqueue(tx, { kind, lane: 'a', payload: {}, giveUpAfterS: 60 })
      throw new Error('rolled back')
    })
    await failed.catch(() => undefined)
    expect(await take()).to.deep.equal([])
    await db.transaction((tx) => enqueue(tx, { kind, lane: 'a', payload: { x: '1' }, giveUpAfterS: 60 }))
    const [job] = await take()
    expect(job).to.deep.include({ lane: 'a', payload: { x: '1' }, attempts: 1 })
  })

  it('are taken in turns of the lanes, the oldest of each first', async () => {
    const first = await add('a')
    for (let more = 0; more < 20; more++) await add('a')
    const [b, c] = [await add('b'), await add('c')]
    expect((await take()).map(({ id }) => id)).to.have.members([first, b, c])
    expect((await take()).map(({ lane }) => lane)).to.deep.equal(['a'])
    expect(await take(10, ['a'])).to.deep.equal([])
  })

  it('of other kinds, and those that are not due yet, are left alone', async () => {
    await enqueue(db, { kind: 'signature', lane: 'a', payload: {}, giveUpAfterS: 60 })
    const id = await add('a')
    await sql(`update job set run_at = now() + interval '1 minute' where id = $1`, [id])
    expect(await take()).to.deep.equal([])
  })

  it('are taken once, by many that come together', async () => {
    for (let lane = 0; lane < 30; lane++) await add(`lane ${lane}`)
    const taken = await Promise.all(Array.from({ length: 8 }, (_, at) => take(10, [], at % 2 ? here : there)))
    const ids = taken.flat().map(({ id }) => id)
    expect(new Set(ids).size).to.equal(ids.length)
    expect(ids.length).to.be.at.least(30)
  })

  it('of a long lane keep none from its turn, where there is one place for all', async () => {
    for (let lane = 0; lane < 5; lane++) for (let job = 0; job < 30; job++) await add(`lane ${lane}`)
    const seen = new Set<string>()
    for (let turn = 0; turn < 100; turn++) for (const { lane } of await take(1)) seen.add(lane)
    expect(seen.size).to.equal(5)
  })

  it('of a process whose lease ran out are due again; those of a living one are not', async () => {
    const dead = randomUUID()
    await holdInstance(db, { id: dead, version: 'test', leaseS: 600 })
    const [lost, kept] = [await add('a'), await add('b')]
    await take(1, ['b'], dead)
    await take(1, ['a'], there)
    await reclaimJobs(db, { kind, instanceId: here, mine: [] })
    expect([await stateOf(lost), await stateOf(kept)]).to.deep.equal(['running', 'running'])
    await sql(`update instance set lease_until = now() where id = $1`, [dead])
    await reclaimJobs(db, { kind, instanceId: here, mine: [] })
    expect([await stateOf(lost), await stateOf(kept)]).to.deep.equal(['waiting', 'running'])
    // Whoever was slow to die decides nothing any more.
    expect(await finishJob(db, { id: lost, instanceId: dead })).to.equal(false)
    const failed = { id: lost, instanceId: dead, reason: 'x', delayMs: 0, isFinal: true }
    expect(await failJob(db, failed)).to.equal(undefined)
    expect(await stateOf(lost)).to.equal('waiting')
  })

  it('that this process took, and does not know of, are due again', async () => {
    const [lost, mine] = [await add('a'), await add('b')]
    await take()
    await reclaimJobs(db, { kind, instanceId: here, mine: [mine] })
    expect([await stateOf(lost), await stateOf(mine)]).to.deep.equal(['waiting', 'running'])
  })

  it('are tried again later, until they are given up', async () => {
    const id = await add('a', 3600)
    const fail = async (delayMs: number, isFinal = false) => {
      await take()
      return failJob(db, { id, instanceId: here, reason: 'status_500', delayMs, isFinal })
    }
    expect(await fail(60_000)).to.equal('waiting')
    expect(await take()).to.deep.equal([])
    await sql('update job set run_at = now()')
    expect(await fail(3_600_001)).to.equal('dead')
    expect(await findJob(db, id)).to.deep.include({ state: 'dead', attempts: 2, lastError: 'status_500' })
    expect(await take()).to.deep.equal([])
    expect(await replayJob(db, id, 60)).to.equal(true)
    expect(await findJob(db, id)).to.deep.include({ state: 'waiting', attempts: 0, lastError: null })
    expect(await fail(0, true)).to.equal('dead')
  })

  it('under way are not replayed', async () => {
    const id = await add('a')
    await take()
    expect(await replayJob(db, id, 60)).to.equal(false)
    await putBackJob(db, { id, instanceId: here })
    expect(await findJob(db, id)).to.deep.include({ state: 'waiting', attempts: 0 })
  })

  it('are kept for a while after their end, and counted while they wait or are given up', async () => {
    const [done, dead] = [await add('a'), await add('b')]
    await add('c')
    await take(10, ['c'])
    await finishJob(db, { id: done, instanceId: here })
    await failJob(db, { id: dead, instanceId: here, reason: 'x', delayMs: 0, isFinal: true })
    const [backlog] = await takeBacklog(db)
    expect(backlog).to.deep.include({ kind, waiting: 1, dead: 1 })
    await sql(`update job set ended_at = now() - interval '1 hour' where ended_at is not null`)
    await deleteJobs(db, { kind, doneS: 60, deadS: 7200 })
    expect([await stateOf(done), await stateOf(dead)]).to.deep.equal([undefined, 'dead'])
  })

  describe('under way in a process', () => {
    let ctx: Context
    before(() => {
      const log = createLogger('error', { write: () => undefined })
      ctx = { db, log, metrics: new Metrics(), instanceId: here, clock: Date.now } as unknown as Context
    })

    const worker = (run: JobWork['run'], more: Partial<JobWork> = {}): JobWork => ({
      kind,
      slots: 4,
      slotsOfLane: 2,
      firstDelayMs: 1,
      maxDelayMs: 4,
      keepDoneS: 60,
      keepDeadS: 60,
      run,
      ...more,
    })
    /** Something that tests wait for. */
    const gate = () => {
      let open: () => void = () => undefined
      const opened = new Promise<void>((resolve) => (open = resolve))
      return { open, opened }
    }
    const until = async (id: string, state: string): Promise<void> => {
      while ((await stateOf(id)) !== state) await new Promise((resolve) => setTimeout(resolve, 5))
    }

    it('are begun at once when somebody says so, and are recorded when they are done', async () => {
      const seen: string[] = []
      const stop = startJobs(ctx, [worker((_ctx, job) => Promise.resolve(void seen.push(job.id)))])
      const id = await add('a')
      wake(db, kind)
      await until(id, 'done')
      expect(seen).to.deep.equal([id])
      await stop()
    })

    it('are as many as there are places, and of one lane as many as it may have', async () => {
      const { open, opened } = gate()
      for (const lane of ['a', 'a', 'a', 'a', 'b', 'b', 'b', 'c']) await add(lane)
      const underWay: string[] = []
      const most = { all: 0, lane: 0 }
      const full = gate()
      const run: JobWork['run'] = async (_ctx, { lane }) => {
        underWay.push(lane)
        most.all = Math.max(most.all, underWay.length)
        most.lane = Math.max(most.lane, underWay.filter((one) => one === lane).length)
        if (underWay.length === 4) full.open()
        await opened
        underWay.splice(underWay.indexOf(lane), 1)
      }
      const done = gate()
      let ended = 0
      const counting: JobWork['run'] = async (...args) => {
        await run(...args)
        if (++ended === 8) done.open()
      }
      const stop = startJobs(ctx, [worker(counting)])
      await full.opened
      open()
      await done.opened
      await stop()
      expect(most).to.deep.equal({ all: 4, lane: 2 })
    })

    it('are retried with a reason of ours, and given up for good', async () => {
      const outcomes = [
        new Error('a bug'),
        new JobFailure('status_503'),
        new JobFailure('gone', { isFinal: true }),
      ]
      const gaveUp: string[] = []
      const id = await add('a')
      const stop = startJobs(ctx, [
        worker(() => Promise.reject(outcomes.shift() ?? new Error('too often')), {
          gaveUp: (_ctx, _job, reason) => void gaveUp.push(reason),
        }),
      ])
      const timer = setInterval(() => wake(db, kind), 10)
      await until(id, 'dead')
      clearInterval(timer)
      await stop()
      expect(await findJob(db, id)).to.deep.include({ attempts: 3, lastError: 'gone' })
      expect(gaveUp).to.deep.equal(['gone'])
    })

    it('are given back when the process ends, without having counted', async () => {
      const id = await add('a')
      const begun = gate()
      const stop = startJobs(ctx, [
        worker((_ctx, _job, signal) => {
          begun.open()
          return new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => reject(new Error('aborted')))
          })
        }),
      ])
      await begun.opened
      await stop()
      expect(await findJob(db, id)).to.deep.include({ state: 'waiting', attempts: 0, lastError: null })
    })
  })
})
