import { expect } from 'chai'
import { auditEntry } from '../../src/audit.ts'
import { insertAudit, listAudit } from '../../src/db/audit.ts'
import { Database } from '../../src/db/database.ts'
import { checkState } from '../support/checkState.ts'
import { createTestDatabase, withClient, type TestDatabase } from '../support/database.ts'

describe('the audit log', () => {
  let database: TestDatabase
  let db: Database
  before(async () => {
    database = await createTestDatabase()
    db = new Database({ url: database.url, connections: 4, onError: () => undefined })
  })
  afterEach(() => checkState(database))
  after(async () => {
    await db.close()
    await database.drop()
  })

  const act = (n: number) =>
    auditEntry({
      kind: 'act',
      act: 'test.act',
      actor: 'service',
      subjects: [`key:${n}`, 'client:c'],
      detail: { n },
    })

  it('keeps the exact octets and pages newest first without a gap', async () => {
    const entries = [1, 2, 3, 4, 5].map(act)
    await insertAudit(db, entries.slice(0, 3))
    await insertAudit(db, entries.slice(3))
    const seen: string[] = []
    let before: string | undefined
    for (;;) {
      const page = await listAudit(db, { limit: 2, ...(before === undefined ? {} : { before }) })
      if (page.length === 0) break
      for (const row of page) {
        seen.push(row.id)
        expect(row.body).to.deep.equal(entries.find(({ id }) => id === row.id)?.body)
        expect(row.subjects[1]).to.equal('client:c')
      }
      before = page.at(-1)?.cursor
    }
    expect(seen).to.have.members(entries.map(({ id }) => id))
    expect(new Set(seen).size).to.equal(5)
  })

  it('finds the acts on a subject', async () => {
    await insertAudit(db, [act(77)])
    expect(await listAudit(db, { limit: 10, subject: 'key:77' })).to.have.length(1)
    expect(await listAudit(db, { limit: 10, before: 'rubbish' })).to.deep.equal([])
  })

  const CHANGES = {
    UPDATE: `update audit set act = 'other'`,
    DELETE: 'delete from audit',
    TRUNCATE: 'truncate audit',
    'DISABLE TRIGGER': 'alter table audit disable trigger all',
    'DROP TRIGGER': 'drop trigger audit_append_only on audit',
    'UPDATE after a GRANT to itself': `grant update on audit to intaglio_service; update audit set act = 'other'`,
  }
  for (const [name, sql] of Object.entries(CHANGES)) {
    it(`refuses the service's role ${name}`, async () => {
      const message = await withClient(database.url, (client) => client.query(sql)).then(
        () => 'done',
        (error: unknown) => (error as Error).message,
      )
      expect(message).to.match(/permission denied|must be owner/)
    })
  }

  for (const name of ['UPDATE', 'DELETE', 'TRUNCATE'] as const) {
    it(`refuses even its owner ${name}`, async () => {
      const message = await withClient(database.ownerUrl, (client) => client.query(CHANGES[name])).then(
        () => 'done',
        (error: unknown) => (error as Error).message,
      )
      expect(message).to.equal('the audit log is append-only')
    })
  }

  it('writes its body as canonical JSON: members sorted, no white space, no unsafe numbers', () => {
    const facts = { kind: 'act', act: 'x', actor: 'service', subjects: ['key:1', 'é"'] } as const
    const entry = auditEntry({ ...facts, detail: { z: [`1`, '2'], b: true, a: 7 } })
    expect(entry.body.toString('utf8')).to.equal(
      `{"act":"x","actor":"service","at":"${entry.at.toISOString()}","detail":{"a":7,"b":true,"z":["1","2"]},` +
        `"id":"${entry.id}","kind":"act","subjects":["key:1","é\\""],"v":1}`,
    )
    expect(() => auditEntry({ ...facts, detail: { n: 1.5 } })).to.throw('safe integers')
  })
})
