import { expect } from 'chai'
import { SCHEMA_VERSION } from '../../src/db/migrate.ts'
import { Ground, type Place } from './support/ground.ts'
import { Load } from './support/load.ts'
import { Tree } from './support/tree.ts'

const OLD = SCHEMA_VERSION
/** Starting is what takes the time here, and it should get it. */
const THINKING_MS = 100
const STOCK = 4_000
/** Expand: a table that is written to all the time gets a column; a version that does not know it goes on. */
const EXPAND = `alter table authorisation add column note text not null default 'none';
  create index on authorisation (note);
  insert into schema_version values ({n}, ${OLD});`
/** Contract: what only the old version needed goes. */
const CONTRACT = `alter table authorisation drop column note;
  insert into schema_version values ({n}, ${OLD + 1});`

/** Versions that run side by side on one database, under load. */
describe('a rolling upgrade', function () {
  this.timeout(120_000)
  let ground: Ground
  const trees: Tree[] = []
  before(async () => {
    ground = await Ground.make()
  })
  after(async () => {
    await ground.remove()
    for (const tree of trees) tree.remove()
  })

  it('is noticed by nobody, and a version that is too old says so and does not start', async () => {
    const expanded = new Tree(EXPAND)
    const contracted = new Tree(EXPAND, CONTRACT)
    trees.push(expanded, contracted)
    const places: Place[] = []
    const serving = new Set<Place>()
    const urls = (): string[] => [...serving].map(({ url }) => url)
    const load = new Load(ground, { urls, clients: 16, thinkingMs: THINKING_MS, perAuthorisation: 150 })

    const add = async (tree?: Tree): Promise<Place> => {
      const place = await ground.place(tree === undefined ? {} : { root: tree.root })
      places.push(place)
      await place.server.ready()
      serving.add(place)
      await load.stock(place.url, STOCK)
      return place
    }
    const leave = async (place: Place): Promise<void> => {
      serving.delete(place)
      expect((await place.server.kill('SIGTERM')).code).to.equal(0)
    }

    const old = await add()
    load.start()
    await load.progress(100)
    // The new version migrates as it starts, under the load of the old one; then both serve.
    const next = await add(expanded)
    expect(await schema()).to.deep.equal([expanded.schema, OLD])
    await load.progress(300)
    for (const place of [old, next]) await signs(place)
    // The old one may come back, for the new one may have to be taken back.
    await leave(old)
    await old.restart().ready()
    serving.add(old)
    await load.progress(100)
    await leave(old)

    const last = await add(contracted)
    expect(await schema()).to.deep.equal([contracted.schema, OLD + 1])
    await load.progress(300)
    for (const place of [next, last]) await signs(place)
    await load.stop()
    const noticed = [...load.answers.keys()].filter(
      (answer) => !/^(200|400 .*Hash is not authorized by the SAD.*|0 ECONNREFUSED)$/s.test(answer),
    )
    expect(noticed, ground.bugs).to.deep.equal([])
    expect(load.abandoned).to.equal(0)

    const refused = await old.restart().ended
    expect(refused.code).to.equal(1)
    expect(refused.err).to.equal(
      `Intaglio did not start: The database has schema ${contracted.schema}, which no longer serves this version ` +
        `(schema ${OLD}): start a newer one. (INTAGLIO_LOG_LEVEL=debug logs more.)\n`,
    )
    for (const place of [next, last]) await leave(place)
    await ground.check()
  })

  const schema = async (): Promise<number[]> => {
    const rows = await ground.sql<{ version: number; oldest: number }>(
      'select max(version) as version, max(oldest_binary) as oldest from schema_version',
    )
    return rows.flatMap(({ version, oldest }) => [version, oldest])
  }

  /** A request of its own, to this one. */
  async function signs(place: Place): Promise<void> {
    const load = new Load(ground, { urls: () => [place.url], clients: 1, credentials: [0] })
    await load.stock(place.url, 1)
    load.start()
    await load.progress(5)
    await load.stop()
  }
})
