import { expect } from 'chai'
import { startService, type TestService } from '../support/startService.ts'

type Item = Record<string, unknown>
interface Answer {
  readonly checked: number
  readonly total?: number
  readonly items: Item[]
  readonly next?: string
}

describe('checks of everything that was issued', function () {
  this.timeout(60_000)
  let service: TestService
  before(async () => {
    // An address of its own: certificates of a copied service name that of the one it was copied from.
    service = await startService({ ca: { publicUrl: 'http://pki.example' } })
    await service.newCredential({ keyType: 'RSA-2048' })
  })
  afterEach(() => service.checkState())
  after(() => service.close())

  const check = async (query: Record<string, string | number | undefined> = {}): Promise<Answer> => {
    const { status, body } = await service.admin(service.operators.auditor, 'GET /checks/certificates', {
      query,
    })
    expect(status, JSON.stringify(body)).to.equal(200)
    return body as Answer
  }
  const rules = ({ items }: Answer): unknown[] => items.map((item) => item['rule'])

  /** Changes the row of a certificate of a person behind the service's back, and gives back what it was. */
  const broken = async (set: string, work: () => Promise<void>): Promise<void> => {
    const [row] = await service.sql<{ id: string }>(
      `select id from certificate where profile = 'ncp-n' limit 1`,
    )
    const id = row?.id
    await service.sql(`create table kept as select * from certificate where id = '${String(id)}'`)
    try {
      await service.sql(`update certificate set ${set} where id = $1`, [id])
      await work()
    } finally {
      await service.sql(
        `update certificate c set (serial, profile, tbs, der, not_after, spki, key_id) =
           (select serial, profile, tbs, der, not_after, spki, key_id from kept) where id = $1`,
        [id],
      )
      await service.sql(`drop table kept`)
    }
  }

  it('find nothing where nothing is wrong, page by page', async () => {
    const all = await check()
    expect(all.items).to.deep.equal([])
    expect(all.next).to.equal(undefined)
    const rows = await service.sql(`select id from certificate where der is not null`)
    expect([all.checked, all.total]).to.deep.equal([rows.length, rows.length])
    let checked = 0
    for (let cursor: string | undefined; ;) {
      const one = await check({ limit: 1, cursor })
      expect([one.checked, one.items]).to.deep.equal([1, []])
      checked++
      if (one.next === undefined) break
      cursor = one.next
    }
    expect(checked).to.equal(all.checked)
  })

  const flipped = (column: string, at: string): string =>
    `${column} = set_byte(${column}, ${at}, get_byte(${column}, ${at}) # 1)`
  const other = "serial = decode(repeat('45', 16), 'hex')"
  // One defect each, and the rules that find it.
  const defects: readonly (readonly [string, string, readonly string[]])[] = [
    ['a signature that is another', flipped('der', 'length(der) - 1'), ['signature_is_the_issuers']],
    ['a serial number that is another', other, ['serial_is_the_recorded', 'list_is_the_published']],
    ['an end that is another', "not_after = not_after + interval '1 day'", ['validity_is_the_recorded']],
    ['a profile that is no more', "profile = 'gone'", ['profile_is_known']],
    ['octets with something after them', "der = der || '\\x00'", ['certificate_carries_what_was_planned']],
    [
      'planned octets that are none',
      "tbs = '\\x3000'",
      ['tbs_is_der', 'certificate_carries_what_was_planned'],
    ],
    [
      'another key',
      "key_id = (select k.id from key k join certificate c on c.key_id = k.id where c.profile = 'root')",
      ['key_is_the_recorded'],
    ],
  ]
  for (const [what, set, expected] of defects) {
    it(`find ${what}`, async () => {
      await broken(set, async () => {
        const found = await check()
        for (const rule of expected) expect(rules(found)).to.include(rule)
        if (!set.startsWith('profile')) expect(rules(found)).to.have.members(expected)
        for (const item of found.items) {
          expect(item).to.have.all.keys('serial', 'profile', 'rule', 'clause', 'severity', 'says')
        }
      })
      expect((await check()).items).to.deep.equal([])
    })
  }

  it('judge by the rules as they are now', async () => {
    await broken("profile = 'ncp-l'", async () => {
      expect(rules(await check())).to.have.members([
        'subject_holds_what_its_form_wants',
        'subject_holds_nothing_else',
      ])
    })
  })
})
