import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { signApproval } from '../../src/pki/ceremonyApproval.ts'
import { withClient } from '../support/database.ts'
import { people, refusal, type Held } from './ceremonyGround.ts'

/** What does not happen, at each stage of a ceremony. */
export function refusalSuite(held: () => Held): void {
  it('is not submitted where its plan is wrong or does not fit the service', async () => {
    const { ground } = held()
    const file = join(ground.installation.home, 'wrong.yaml')
    writeFileSync(
      file,
      ground.plan('G8', (text) => text.replace('place:', 'color: red\nplace:')),
    )
    const unknown = await ground.run('submitter', 'ceremony', file)
    expect(unknown).to.deep.equal({ code: 2, out: '', err: `${file}: line 5: color: unknown key\n` })
    const submit = async (change: (text: string) => string): Promise<readonly [number, unknown]> =>
      refusal(
        await ground.admin('submitter', 'POST /ceremonies', {
          body: { plan: ground.plan('G8', change).toString('base64') },
        }),
      )
    expect(await submit((text) => text.replace('place:', 'color: red\nplace:'))).to.deep.equal([
      400,
      'line 5: color: unknown key',
    ])
    const rows: readonly [(text: string) => string, string][] = [
      [(t) => t.replace('G8\n', 'G1\n'), 'root.name: there is an authority of this name'],
      [
        (t) => t.replace(/token: .*/, 'token: elsewhere'),
        'root.token: no token is configured whose label is "elsewhere"',
      ],
      [
        (t) => t.replace(ground.id('admin'), ground.id('auditor')),
        `quorum.approvers: ${ground.id('auditor')} is neither security-officer nor administrator`,
      ],
      [
        (t) => t.replace(ground.id('admin'), '00000000-0000-4000-8000-000000000009'),
        'quorum.approvers: 00000000-0000-4000-8000-000000000009 is no operator',
      ],
      [
        (t) => t.replace('approvals: 2', 'approvals: 3').replace(ground.id('admin'), ground.id('submitter')),
        'quorum.approvers: 3 approvals, and 2 who can give one: enabled operators, and not the one who submitted the plan',
      ],
      [(t) => t.replace('2099-12-31', '2020-12-31'), 'expires: has passed'],
      [
        (t) => t.replace(/\nroot:[^]*?\n\n/, `\nexistingRoot: ${'ab'.repeat(32)}\n\n`),
        'existingRoot: there is no valid root whose certificate has this SHA-256',
      ],
    ]
    for (const [change, problem] of rows)
      expect(await submit(change)).to.deep.equal([409, `The plan does not fit this service: ${problem}.`])
  })

  it('is approved by those whom the plan names, each once, by their own signature over this plan', async () => {
    const { ground, id } = held()
    const plan = ground.plan('G7')
    const made = await ground.submit(plan)
    expect(refusal(await ground.approve('submitter', made, plan))).to.deep.equal([
      403,
      'Who submitted a plan does not approve it: that is for others to do.',
    ])
    expect(refusal(await ground.approve('auditor', made, plan))).to.deep.equal([
      403,
      'This takes one of these roles: security-officer, administrator.',
    ])
    const wrong = [400, "signature: not this operator's over this plan"]
    expect(refusal(await ground.approve('admin', made, Buffer.from('another plan')))).to.deep.equal(wrong)
    const sha256 = createHash('sha256').update(plan).digest()
    for (const [person, ceremony] of [
      ['officer', made],
      ['admin', id],
    ] as const) {
      const signature = await signApproval(people[person].privateKey, { ceremony, plan: sha256 })
      const answer = await ground.admin('admin', 'POST /ceremonies/:id/approve', {
        id: made,
        body: { signature },
      })
      expect(refusal(answer)).to.deep.equal(wrong)
    }
    expect((await ground.approve('admin', made, plan)).status).to.equal(201)
    expect(refusal(await ground.approve('admin', made, plan))).to.deep.equal([
      409,
      'This operator has approved the plan already.',
    ])
    const other = join(ground.installation.home, 'other.yaml')
    writeFileSync(other, ground.plan('G6'))
    const reviewed = await ground.run('officer', 'ceremony', 'approve', made, '--plan', other)
    expect(reviewed).to.deep.include({
      code: 1,
      err: `The plan of this ceremony is not ${other}: it is not approved.\n`,
    })
    expect(
      refusal(await ground.admin('admin', 'POST /ceremonies/:id/run', { id: made, body: {} })),
    ).to.deep.equal([403, 'This takes one of these roles: security-officer.'])
    const abandoned = await ground.run('submitter', 'ceremony', 'abandon', made, '--yes')
    expect(abandoned.code, abandoned.err).to.equal(0)
    expect(refusal(await ground.approve('second', made, plan))).to.deep.equal([
      409,
      'The ceremony is abandoned.',
    ])
    expect(await ground.refusedRun(made)).to.deep.equal([409, 'The ceremony is abandoned.'])
  })

  it('is not run where its plan was altered, where it has expired, or while another one is', async () => {
    const { ground } = held()
    const plan = ground.plan('G5')
    const made = await ground.submit(plan)
    for (const person of ['officer', 'admin'] as const) await ground.approve(person, made, plan)
    const run = (): Promise<readonly [number, unknown]> => ground.refusedRun(made)

    const altered = ground.plan('G5', (text) => text.replace('days: 3650', 'days: 3649'))
    const half = ground.sql('update ceremony set plan = $2 where id = $1', [made, altered])
    expect(await half.catch(String)).to.contain('violates check constraint')
    await ground.sql('update ceremony set plan = $2, plan_sha256 = sha256($2) where id = $1', [made, altered])
    expect(await run()).to.deep.equal([409, 'An approval is not of this plan: plan or approval was altered.'])
    await ground.sql('update ceremony set plan = $2, plan_sha256 = sha256($2) where id = $1', [made, plan])

    await ground.sql(`update ceremony set expires_at = now() where id = $1`, [made])
    expect(await run()).to.deep.equal([409, 'The plan has expired.'])
    await ground.sql(`update ceremony set expires_at = '2098-01-01' where id = $1`, [made])
    expect(await run()).to.deep.equal([409, 'The plan is not the one that was submitted.'])
    await ground.sql(`update ceremony set expires_at = '2099-12-31T23:59:59Z' where id = $1`, [made])

    await withClient(ground.installation.database.superUrl, async (client) => {
      await client.query('select pg_advisory_lock($1)', [0x1e7a0cb])
      expect(await run()).to.deep.equal([409, 'Another ceremony, or a first start, is under way.'])
    })
    const [{ state, keys } = { state: '', keys: -1 }] = await ground.sql<{ state: string; keys: number }>(
      `select state, (select count(*)::int from ceremony_event where ceremony_id = $1) as keys from ceremony where id = $1`,
      [made],
    )
    expect({ state, keys }).to.deep.equal({ state: 'open', keys: 0 })
  })

  it('does not count approvers who are not operators any more', async () => {
    const { ground } = held()
    const plan = ground.plan('G4')
    const made = await ground.submit(plan)
    for (const person of ['officer', 'second'] as const) await ground.approve(person, made, plan)
    await ground.sql(`update operator set state = 'disabled' where id = $1`, [ground.id('second')])
    const refused = await ground.refusedRun(made)
    await ground.sql(`update operator set state = 'enabled' where id = $1`, [ground.id('second')])
    expect(refused).to.deep.equal([409, 'The plan takes 2 approvals and has 1.'])
  })

  it('is not run by a plan that nobody submitted and nobody approves', async () => {
    const { ground } = held()
    const own = ground.plan('G3', (text) =>
      text
        .replace(/quorum:[^]*?\n\n/, 'quorum: { approvals: 0, approvers: [] }\n\n')
        .replace(/roles:[^]*?\n\n/, 'roles: []\nwitnesses: []\n\n'),
    )
    const [{ id } = { id: '' }] = await ground.sql<{ id: string }>(
      `insert into ceremony (id, plan, plan_sha256, expires_at)
       values (gen_random_uuid(), $1, sha256($1), '2099-12-31T23:59:59Z') returning id`,
      [own],
    )
    const [status, detail] = await ground.refusedRun(id)
    expect(status).to.equal(409)
    expect(detail).to.contain('quorum.approvals: Too small: expected number to be >=2')
  })
}
