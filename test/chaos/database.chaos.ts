import { expect } from 'chai'
import { setTimeout as delay } from 'node:timers/promises'
import { OwnPostgres } from '../support/ownPostgres.ts'
import { DEADLINE_MS, HEALING_MS, Siege } from './support/databaseFaults.ts'
import { Progress } from './support/progress.ts'
import { SmallDisk } from './support/smallDisk.ts'

/** Rounds of every fault; what stands still lasts until the service's own deadlines have passed, and past them. */
const ROUNDS = 10
const STANDING_MS = DEADLINE_MS + 2_000
const SHORT_MS = 1_000
/** Initialised, migrated, with a log of its own: some 60 MB; the rest is what the load may write. */
const DISK_MB = 400

describe('a database that fails under load', function () {
  this.timeout(30 * 60_000)

  it('stopped, killed, cut off, silent and frozen: nothing is signed, 503, and it heals', async () => {
    const siege = await Siege.begin(await OwnPostgres.start())
    const progress = new Progress('database', ROUNDS * 5)
    try {
      for (let round = 0; round < ROUNDS; round++) {
        for (const fault of siege.faultsOfPostgres()) {
          // Shorter than any deadline, and longer than all of them, in turn.
          const isLong = fault.isStanding === true && round % 3 === 0
          await siege.suffer(fault, isLong ? STANDING_MS : SHORT_MS)
          progress.step(fault.name, siege.figures())
        }
      }
      await siege.end()
      progress.end(siege.figures(), siege.load.answers)
      expect(siege.worstHealingMs).to.be.lessThan(HEALING_MS)
    } finally {
      await siege.remove()
    }
  })

  it('with a full disk: nothing is signed, 503, and it heals', async function () {
    const disk = SmallDisk.mount(DISK_MB, await OwnPostgres.user())
    if (disk === undefined) {
      console.log('  skipped: no small disk can be mounted here (it takes root)')
      this.skip()
    }
    const postgres = await OwnPostgres.start({
      folder: disk.path,
      settings: { max_wal_size: '64MB', min_wal_size: '32MB', wal_recycle: 'off', wal_init_zero: 'off' },
    })
    const siege = await Siege.begin(postgres)
    const progress = new Progress('full disk', ROUNDS)
    try {
      for (let round = 0; round < ROUNDS; round++) {
        await siege.suffer(
          {
            name: 'full disk',
            happen: async () => {
              disk.fill()
              // The room that Postgres had set aside is used up first.
              await siege.refused()
            },
            mend: async () => {
              disk.free()
              // A log that could not be written ends Postgres; who watches over it starts it again.
              await delay(100)
              if (!postgres.isRunning) await postgres.start()
              else await postgres.answers()
            },
          },
          SHORT_MS,
        )
        progress.step('full disk', siege.figures())
      }
      await siege.end()
      progress.end(siege.figures(), siege.load.answers)
      expect(siege.worstHealingMs).to.be.lessThan(HEALING_MS)
    } finally {
      await siege.remove()
      disk.unmount()
    }
  })
})
