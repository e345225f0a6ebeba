import { expect } from 'chai'
import { checkList } from '../../src/pki/checkLists.ts'
import { publishDue } from '../../src/pki/crlPublisher.ts'
import { startService, type TestService } from '../support/startService.ts'

type Item = Record<string, unknown>

describe('checks of published lists', function () {
  this.timeout(60_000)
  let service: TestService
  const serials: string[] = []
  before(async () => {
    // An address of its own: certificates of a copied service name that of the one it was copied from.
    service = await startService({ ca: { publicUrl: 'http://pki.example' } })
    for (let n = 0; n < 3; n++) {
      const { id } = await service.newCredential()
      const [row] = await service.sql<{ serial: string }>(
        `select encode(ce.serial, 'hex') as serial from certificate ce join credential c on c.certificate_id = ce.id
          where c.id = $1`,
        [id],
      )
      serials.push(row?.serial ?? '')
    }
    const [one = '', two = ''] = serials
    await change({ change: 'revoke', serial: one, reason: 'keyCompromise' })
    await change({ change: 'suspend', serial: two })
    await publishDue(service.ctx)
  })
  afterEach(() => service.checkState())
  after(() => service.close())

  const change = async (body: Item): Promise<void> => {
    const { status } = await service.admin(service.operators.officer, 'POST /revocations', { body })
    expect(status).to.equal(200)
  }
  const check = async (): Promise<Item[]> => {
    const items: Item[] = []
    let [checked, total]: [number, unknown] = [0, undefined]
    for (let cursor: string | undefined; ;) {
      const query = { limit: 50, cursor }
      const { status, body } = await service.admin(service.operators.auditor, 'GET /checks/lists', { query })
      expect(status, JSON.stringify(body)).to.equal(200)
      const page = body as { checked: number; total?: number; items: Item[]; next?: string }
      items.push(...page.items)
      checked += page.checked
      total ??= page.total
      if (page.next === undefined) break
      cursor = page.next
    }
    expect(checked).to.equal(total)
    return items
  }
  const found = async (): Promise<unknown[]> =>
    (await check()).map((item) => `${String(item['list'])} ${String(item['rule'])}: ${String(item['says'])}`)
  /** Of one list, without all others. */
  const rulesOf = async (id: string): Promise<string[]> => {
    const [row] = await service.sql<{ id: string }>(`select id from crl_list where id = ${id}`)
    return (await checkList(service.ctx, row?.id ?? '')).map(({ rule }) => rule)
  }
  /** The whole list of the issuing authority. */
  const whole = `(select l.id from crl_list l join certificate c on c.id = l.issuer_id
                   where c.profile = 'issuing' and l.shard is null)`
  const newest = `list_id = ${whole} and number = (select published from crl_list where id = ${whole})`

  it('find nothing where nothing is wrong', async () => {
    expect(await found()).to.deep.equal([])
  })

  it('know how certificates stood when a list was made, whatever was done since and is not published yet', async () => {
    const [one = '', two = '', three = ''] = serials
    // Nobody makes new ones meanwhile.
    await service.sql(`update crl_list set earliest_at = now() + interval '1 hour'`)
    try {
      await change({ change: 'reinstate', serial: two })
      await change({ change: 'revoke', serial: three, reason: 'superseded' })
      expect(await rulesOf(whole)).to.deep.equal([])
      await change({ change: 'revoke', serial: two, reason: 'superseded' })
      expect(await found()).to.deep.equal([])
      // And what was never recorded as a change is found.
      await service.sql(
        `update certificate set revocation_reason = 'superseded' where serial = decode($1, 'hex')`,
        [one],
      )
      const shard = parseInt(one.slice(-2), 16) % 128
      const says = `list_entries_are_the_revoked: 1 are missing or say something else, the first ${one.toUpperCase()}`
      expect(await found()).to.have.members([`whole ${says}`, `${String(shard)} ${says}`])
      await service.sql(
        `update certificate set revocation_reason = 'keyCompromise' where serial = decode($1, 'hex')`,
        [one],
      )
    } finally {
      await service.sql(`update crl_list set earliest_at = now()`)
    }
    await publishDue(service.ctx)
    expect(await rulesOf(whole)).to.deep.equal([])
  })

  const part = `update crl_part set octets = set_byte(octets, length(octets) - 1, get_byte(octets, length(octets) - 1) # 1) where ${newest}`
  // One defect each: how it is made, how it is mended, and what is found.
  const defects: readonly (readonly [string, string, string, readonly string[]])[] = [
    [
      'octets that were altered',
      part,
      part,
      ['list_octets_are_the_recorded', 'list_is_signed_by_the_issuer'],
    ],
    [
      'a list that has ended',
      `update crl set this_update = this_update - interval '9 days', next_update = next_update - interval '9 days' where ${newest}`,
      `update crl set this_update = this_update + interval '9 days', next_update = next_update + interval '9 days' where ${newest}`,
      ['list_numbers_are_accounted_for', 'list_has_not_ended', 'list_times_are_the_recorded'],
    ],
    [
      'a number that nothing is known of',
      `update crl_list set number = number + 1 where id = ${whole}`,
      `update crl_list set number = number - 1 where id = ${whole}`,
      ['list_numbers_are_accounted_for'],
    ],
    [
      'a number that was given up and not said to be void',
      `update crl set state = 'planned' where list_id = ${whole} and number = 1`,
      `update crl set state = 'published' where list_id = ${whole} and number = 1`,
      ['list_numbers_are_accounted_for'],
    ],
    [
      'entries that were not counted',
      `update crl set entries = entries + 1 where ${newest}`,
      `update crl set entries = entries - 1 where ${newest}`,
      ['list_entries_are_the_revoked'],
    ],
  ]
  for (const [what, breaks, mends, expected] of defects) {
    it(`find ${what}`, async () => {
      await service.sql(breaks)
      try {
        expect(await rulesOf(whole)).to.deep.equal(expected)
      } finally {
        await service.sql(mends)
      }
      expect(await rulesOf(whole)).to.deep.equal([])
    })
  }

  it('find a list that stands where that of another authority has to be', async () => {
    const authority = (profile: string) => `(select id from certificate where profile = '${profile}')`
    const [row] = await service.sql<{ id: string }>(
      `select l.id from crl_list l join crl c on c.list_id = l.id and c.number = l.published and c.entries = 0
        where issuer_id = ${authority('issuing')} and shard is not null
          and not exists (select from crl_list o where o.issuer_id = ${authority('root')} and o.shard = l.shard) limit 1`,
    )
    const move = (to: string) =>
      service.sql(`update crl_list set issuer_id = ${authority(to)} where id = $1`, [row?.id])
    await move('root')
    try {
      expect(await rulesOf(`'${String(row?.id)}'`)).to.deep.equal([
        'list_is_signed_by_the_issuer',
        'list_has_the_issuers_name',
        'list_address_is_what_certificates_name',
      ])
    } finally {
      await move('issuing')
    }
  })

  it('find nothing where all was mended', async () => {
    expect(await found()).to.deep.equal([])
  })
})
