import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { verifyTranscript } from '../../src/pki/ceremonyVerify.ts'
import { until } from '../chaos/support/until.ts'
import type { Held } from './ceremonyGround.ts'

/** Shorter than a statement may take, and than the pause that the step makes. */
const ASLEEP = { withinMs: 6_000, otherwise: () => 'the step was not reached' }

/** The process dies in the middle, and another one goes on. */
export function killedSuite(held: () => Held): void {
  it('that was killed half-way goes on where it was, makes nothing twice, and adds an authority to the root there is', async () => {
    const { ground, transcript } = held()
    const { transcript: first } = await verifyTranscript(readFileSync(`${transcript}.json`))
    const existing = first.certificates.find(({ part }) => part === 'root')?.sha256 ?? ''
    const plan = ground.plan('G2', (text) =>
      text.replace(/\nroot:[^]*?\n\n/, `\nexistingRoot: ${existing}\n\n`),
    )
    const made = await ground.submit(plan)
    for (const person of ['officer', 'second'] as const)
      expect((await ground.approve(person, made, plan)).status).to.equal(201)

    // Died before the key was stored; and after the certificate was, before that was recorded.
    for (const step of ['issuing key', 'issuing certificate']) {
      await ground.sql(`create or replace function stop_there() returns trigger language plpgsql as $$ begin
        if new.step = '${step}' and new.event = 'done' then perform pg_sleep(7); end if; return new; end $$`)
      await ground.sql(`create or replace trigger stop_there before insert on ceremony_event
        for each row execute function stop_there()`)
      const running = ground
        .admin('submitter', 'POST /ceremonies/:id/run', { id: made, body: {} })
        .catch(() => undefined)
      await until(async () => {
        const asleep = await ground.sql(
          `select 1 from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`,
        )
        return asleep.length > 0
      }, ASLEEP)
      await ground.killAndRestart()
      await running
    }
    await ground.sql('drop function stop_there cascade')
    const again = join(ground.installation.home, 'second')
    const ran = await ground.run('officer', 'ceremony', 'run', made, '--out', again)
    expect(ran.code, ran.err).to.equal(0)

    const { transcript: second } = await verifyTranscript(readFileSync(`${again}.json`))
    expect(second.steps.filter(({ step }) => step === 'run').map(({ by }) => by?.name)).to.deep.equal([
      'Signe',
      'Signe',
      'Olga',
    ])
    expect(second.existingRoot?.sha256).to.equal(existing)
    const issuing = second.certificates.find(({ part }) => part === 'issuing')
    const rows = await ground.sql<{ state: string; der: Buffer }>(
      `select c.state, c.der from certificate c join key k on k.id = c.key_id
        where c.profile = 'issuing' and c.state <> 'void' order by c.created_at`,
    )
    expect(rows.map(({ state }) => state)).to.deep.equal(['issued', 'issued'])
    const newest = new X509Certificate(rows[1]?.der ?? Buffer.alloc(0))
    expect(newest.fingerprint256.replaceAll(':', '').toLowerCase()).to.equal(issuing?.sha256)
    const keys = await ground.sql<{ state: string; n: number }>(
      `select state, count(*)::int as n from key where purpose = 'ca' group by 1 order by 1`,
    )
    // The one whose making was cut short is an intent, and no key.
    expect(keys).to.deep.equal([
      { state: 'enabled', n: 3 },
      { state: 'planned', n: 1 },
    ])
  })
}
