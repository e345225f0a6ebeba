import { cpSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { expect } from 'chai'
import { Token, TokenError } from '../../hsm/token.ts'
import { MemoryLoginGate } from '../softhsm-test-helpers/loginGate.ts'
import { MemoryLog } from '../softhsm-test-helpers/memoryLog.ts'
import { makeSoftToken } from '../softhsm-test-helpers/softhsm.ts'
import {
  authorise,
  closeLeftOpen,
  digest,
  failure,
  judge,
  openToken,
  personKey,
  pids,
  refusal,
  serviceKey,
  until,
} from './support.ts'

/** What became of a request, for tallies. */
async function outcome(signing: Promise<Buffer[]>, isGood: (signature: Buffer) => boolean): Promise<string> {
  try {
    const signatures = await signing
    return signatures.every(isGood) ? 'signed' : 'BAD'
  } catch (error) {
    return error instanceof TokenError ? error.kind : `bug: ${String(error)}`
  }
}

describe('the token layer under faults', () => {
  afterEach(closeLeftOpen)

  describe('a signer that is killed', function () {
    this.timeout(30_000)

    it('under load costs what it was working on, and nothing else is wrong', async () => {
      const open = await openToken({ signers: 3 })
      const person = await personKey(open.token, { keyType: 'P-256' })
      const message = Buffer.from('load')
      const inputs = Array.from({ length: 20 }, () => digest('SHA-256', message))
      const sealed = await authorise(open.token, person, { digests: inputs })
      const isGood = (signature: Buffer): boolean =>
        judge(person.key.spki, 'ecdsa-sha256', { message, signature })
      const tally: Record<string, number> = {}
      let isLoading = true
      const caller = async (flow: string): Promise<void> => {
        while (isLoading) {
          const use = { flow, key: person.key, scheme: 'ecdsa-sha256', authorisation: sealed } as const
          const count = flow.endsWith('0') ? 20 : 1
          const said = await outcome(open.token.sign({ ...use, inputs: inputs.slice(0, count) }), isGood)
          tally[said] = (tally[said] ?? 0) + 1
        }
      }
      const callers = Array.from({ length: 12 }, (_, i) => caller(`flow ${i}`))
      for (let round = 0; round < 3; round++) {
        const victim = pids(open.log).at(-1)
        if (victim !== undefined) process.kill(victim, 'SIGKILL')
        await until(() => open.token.health().signers === 3 && pids(open.log).at(-1) !== victim)
      }
      isLoading = false
      await Promise.all(callers)
      expect(Object.keys(tally).toSorted()).to.satisfy((said: string[]) =>
        said.every((name) => ['signed', 'unavailable', 'unknown'].includes(name)),
      )
      expect(tally['signed']).to.be.greaterThan(100)
      expect(open.log.alarms).to.deep.equal([])
      // Each start was a login of its own, and each was permitted and accepted.
      expect(open.gate.ended.map(({ accepted }) => accepted)).to.deep.equal(Array(6).fill(true))
      await open.close()
    })

    it('is replaced, and what waited is signed by the others', async () => {
      const open = await openToken()
      const key = await serviceKey(open.token, { keyType: 'P-256' })
      const [first, second] = pids(open.log)
      const use = { flow: 'test', key, scheme: 'ecdsa-sha256', inputs: [Buffer.from('x')] } as const
      const ended = (): number => open.log.lines.filter(({ message }) => message === 'a signer ended').length
      // A signer whose end was not noticed yet would be given the work, and take it with it.
      if (first !== undefined) process.kill(first, 'SIGKILL')
      await until(() => ended() === 1)
      expect(await open.token.sign(use)).to.have.length(1)
      if (second !== undefined) process.kill(second, 'SIGKILL')
      await until(() => ended() === 2)
      // While nobody is there it waits for a moment, and how long a start takes is the machine's affair.
      expect(await outcome(open.token.sign(use), () => true)).to.be.oneOf(['signed', 'unavailable'])
      await until(() => open.token.health().signers === 2)
      expect(await open.token.sign(use)).to.have.length(1)
      await open.close()
    })
  })

  describe('a signer that hangs', function () {
    this.timeout(30_000)

    it('is answered for after five seconds, killed after ten, and replaced', async () => {
      const open = await openToken()
      const key = await serviceKey(open.token, { keyType: 'P-256' })
      const use = { flow: 'test', key, scheme: 'ecdsa-sha256', inputs: [Buffer.from('x')] } as const
      // Both signers know the key: none of what follows waits for its maker alone.
      await until(async () => {
        await Promise.all(Array.from({ length: 64 }, () => open.token.sign(use)))
        return true
      })
      for (const pid of pids(open.log)) process.kill(pid, 'SIGSTOP')
      const start = performance.now()
      const stuck = Array.from({ length: 80 }, () => failure(open.token.sign(use)))
      const errors = await Promise.all(stuck)
      const waited = performance.now() - start
      expect(waited).to.be.within(4_900, 7_000)
      // What was sent may have been signed; what never left the queue was not.
      expect(errors.filter(({ kind }) => kind === 'unknown')).to.have.length(64)
      expect(errors.filter(({ kind }) => kind === 'unavailable')).to.have.length(16)
      await until(() => open.log.alarms.length === 2, 8_000)
      expect(open.log.alarms).to.deep.equal(['signer_hangs', 'signer_hangs'])
      // Four have started: the ends of the two that were killed may be noticed a moment after the alarm.
      await until(() => pids(open.log).length === 4 && open.token.health().signers === 2)
      expect(await open.token.sign(use)).to.have.length(1)
      expect(performance.now() - start).to.be.within(9_500, 16_000)
      await open.close()
    })
  })

  describe('a token that vanishes', function () {
    this.timeout(30_000)

    it('is unavailable, never "not found", and works again when it is back', async () => {
      const open = await openToken()
      const key = await serviceKey(open.token, { keyType: 'P-256' })
      const cold = await serviceKey(open.token, { keyType: 'P-256' })
      const use = { flow: 'test', key, scheme: 'ecdsa-sha256', inputs: [Buffer.from('x')] } as const
      expect(await open.token.sign(use)).to.have.length(1)
      const away = `${open.soft.objects}.away`
      renameSync(open.soft.objects, away)
      expect((await failure(open.token.sign(use))).kind).to.equal('unavailable')
      expect((await failure(open.token.sign({ ...use, key: cold }))).kind).to.equal('unavailable')
      expect((await failure(open.token.describe(cold.ckaId))).kind).to.equal('unavailable')
      expect((await failure(open.token.destroy(cold.ckaId))).kind).to.equal('unavailable')
      expect((await failure(open.token.list())).kind).to.equal('unavailable')
      expect((await failure(open.token.mac('client-secret', Buffer.from('x')))).kind).to.equal('unavailable')
      await until(() => open.token.health().signers === 0)
      expect(open.token.health().up).to.equal(false)
      // Another token with the same label is not taken for it, and sees no login.
      const logins = open.gate.begun.length
      const other = makeSoftToken()
      cpSync(other.objects, open.soft.objects, { recursive: true })
      other.remove()
      const named = `The token with label 'intaglio-test' and serial '${open.soft.serial}' cannot be reached`
      await until(() => open.log.lines.some(({ fields }) => String(fields['err']).includes(named)))
      expect(open.gate.begun).to.have.length(logins)
      rmSync(open.soft.objects, { recursive: true })
      renameSync(away, open.soft.objects)
      await until(() => open.token.health().signers === 2, 20_000)
      expect(await open.token.sign(use)).to.have.length(1)
      expect(await open.token.sign({ ...use, key: cold })).to.have.length(1)
      expect(open.gate.ended.every(({ accepted }) => accepted)).to.equal(true)
      await open.close()
    })
  })

  describe('a wrong PIN', () => {
    it('is tried once, ever', async () => {
      const soft = makeSoftToken()
      const gate = new MemoryLoginGate()
      const log = new MemoryLog()
      writeFileSync(soft.config.pin.file, '000000\n')
      const open = (): Promise<Token> =>
        Token.open({ config: { ...soft.config, signers: 4 }, loginGate: gate, log, prepare: true })
      expect(await refusal(open())).to.deep.equal([
        'refused',
        'token',
        `The token 'intaglio-test' (${soft.serial}) rejected the PIN of version 1. It is not tried again: put the right PIN in the file and raise pin.version.`,
      ])
      expect(gate.begun).to.deep.equal([{ serial: soft.serial, version: 1, pinCountLow: false }])
      expect(gate.ended).to.deep.equal([{ serial: soft.serial, version: 1, accepted: false }])
      // The gate remembers, whoever opens it again.
      const again = await open().then(
        () => undefined,
        (error: unknown) => error,
      )
      expect(again).to.have.property('message', 'This PIN version was rejected before.')
      expect(gate.begun).to.have.length(1)
      // The right PIN with a new version: the flag that the token shows is passed on.
      writeFileSync(soft.config.pin.file, `${soft.pin}\n`)
      const config = { ...soft.config, pin: { ...soft.config.pin, version: 2 } }
      const token = await Token.open({ config, loginGate: gate, log, prepare: true })
      expect(gate.begun[1]).to.deep.equal({ serial: soft.serial, version: 2, pinCountLow: true })
      await token.close()
      soft.remove()
    })

    it('that comes up while running ends the restarts, and raises an alarm', async () => {
      const open = await openToken()
      writeFileSync(open.soft.config.pin.file, '000000\n')
      for (const pid of pids(open.log)) process.kill(pid, 'SIGKILL')
      await until(() => open.gate.ended.length === 3)
      expect(open.log.alarms).to.deep.equal(['pin_rejected'])
      expect(open.gate.ended.map(({ accepted }) => accepted)).to.deep.equal([true, true, false])
      expect(open.token.health()).to.include({ up: false, signers: 0 })
      const logins = open.gate.begun.length
      const use = open.token.random(8)
      expect((await failure(use)).kind).to.equal('unavailable')
      expect(open.gate.begun).to.have.length(logins)
      await open.close()
    })
  })
})
