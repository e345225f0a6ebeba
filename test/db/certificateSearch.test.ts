import { expect } from 'chai'
import { searched } from '../../src/db/certificates.ts'
import { certificatesBySerial, certificatesBySubject } from '../../src/db/certificateSearch.ts'
import { subjectPrefix } from '../../src/pki/names.ts'
import { createTestContext, type TestContext } from '../support/context.ts'

const NAMES = ['Ada Lovelace', 'ADA Byron', 'Adam Smith', 'Ada, Countess', 'Ørjan Å', 'Zoë']

describe('certificates are found', () => {
  let test: TestContext
  before(async () => {
    test = await createTestContext()
    const subjects = NAMES.map((name) => `${subjectPrefix(name)}, C=NO`)
    await test.ctx.db.query({
      text: `insert into certificate (id, serial, profile, spki, subject, subject_key, state, not_before, not_after)
             select ('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid, decode('11' || lpad(to_hex(n), 30, '0'), 'hex'), 'ncp-n', '\\x30', s, k,
                    'planned', now(), now()
               from unnest($1::text[], $2::text[]) with ordinality as t(s, k, n)`,
      values: [subjects, subjects.map(searched)],
    })
  })
  after(() => test.close())

  const named = async (name: string): Promise<(string | null)[]> =>
    (await certificatesBySubject(test.ctx.db, { prefix: subjectPrefix(name), limit: 10 })).map(
      ({ subject }) => subject,
    )

  it('by how the common name begins, whatever the case', async () => {
    expect(await named('ada ')).to.deep.equal(['CN=ADA Byron, C=NO', 'CN=Ada Lovelace, C=NO'])
    expect(await named('Ada,')).to.deep.equal(['CN=Ada\\, Countess, C=NO'])
    expect(await named('ø')).to.deep.equal(['CN=Ørjan Å, C=NO'])
    expect(await named('%')).to.deep.equal([])
  })

  it('page by page, each once', async () => {
    const seen: (string | null)[] = []
    for (let after: { subject: string; id: string } | undefined; ;) {
      const [found] = await certificatesBySubject(test.ctx.db, {
        prefix: subjectPrefix('ad'),
        limit: 1,
        after,
      })
      if (found === undefined) break
      seen.push(found.subject)
      after = { subject: found.subject ?? '', id: found.id }
    }
    expect(new Set(seen).size).to.equal(4)
    expect(seen).to.have.length(4)
  })

  it('by how the serial number begins', async () => {
    const all = await certificatesBySerial(test.ctx.db, { prefix: Buffer.from('1100', 'hex'), limit: 10 })
    expect(all.map(({ serial }) => serial.at(-1))).to.deep.equal([1, 2, 3, 4, 5, 6])
    const after = all[3]?.serial
    const rest = await certificatesBySerial(test.ctx.db, {
      prefix: Buffer.from('11', 'hex'),
      limit: 10,
      after,
    })
    expect(rest.map(({ serial }) => serial.at(-1))).to.deep.equal([5, 6])
  })

  it('by an index, however many there are', async () => {
    for (const [where, index] of [
      [
        `subject_key is not null and subject_key ~>=~ 'cn=a' and subject_key ~<~ 'cn=b'`,
        'certificate_by_subject',
      ],
      [`serial >= '\\x11' and serial <= '\\x12'`, 'certificate_serial'],
    ]) {
      const plan = await test.ctx.db.query<{ 'QUERY PLAN': string }>({
        text: `explain select id from certificate where ${where}`,
      })
      expect(plan.map((row) => row['QUERY PLAN']).join('\n')).to.include(index)
    }
  })
})
