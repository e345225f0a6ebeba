import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { serviceSecrets } from '../../hsm/purposes.ts'
import { Token } from '../../hsm/token.ts'
import { MemoryLoginGate } from '../softhsm-test-helpers/loginGate.ts'
import { MemoryLog } from '../softhsm-test-helpers/memoryLog.ts'
import { makeSoftToken, type SoftToken } from '../softhsm-test-helpers/softhsm.ts'
import { failure, openToken, personKey, pids, serviceKey, until } from './support.ts'

describe('opening a token', () => {
  const opened = async (
    soft: SoftToken,
    more: { prepare?: boolean; config?: object } = {},
  ): Promise<{ error?: unknown; log: MemoryLog; gate: MemoryLoginGate }> => {
    const log = new MemoryLog()
    const gate = new MemoryLoginGate()
    try {
      const { prepare = true, config = {} } = more
      const token = await Token.open({ config: { ...soft.config, ...config }, loginGate: gate, log, prepare })
      await token.close()
      return { log, gate }
    } catch (error) {
      return { error, log, gate }
    }
  }
  const message = (error: unknown): string => (error instanceof Error ? error.message : 'no error')

  it('that was not prepared says so', async () => {
    const soft = makeSoftToken()
    const { error } = await opened(soft, { prepare: false })
    expect(message(error)).to.equal("The token has no secret 'intaglio seal v1'.")
    soft.remove()
  })

  it('with an imported, a doubled or a lost secret is refused', async () => {
    const soft = makeSoftToken()
    expect((await opened(soft)).error).to.equal(undefined)
    const label = serviceSecrets.seal
    const secret = { do: 'importSecret', pin: soft.pin, label, value: '00'.repeat(32) } as const
    soft.tool(secret)
    expect(message((await opened(soft)).error)).to.equal("The token has two secrets 'intaglio seal v1'.")
    soft.tool({ do: 'destroyLabelled', pin: soft.pin, label })
    soft.tool(secret)
    expect(message((await opened(soft)).error)).to.equal(
      "The secret 'intaglio seal v1' is not one that this service made: ALWAYS_SENSITIVE.",
    )
    soft.remove()
  })

  it('that has keys but lost a secret is not prepared again', async () => {
    const { soft, token } = await openToken()
    await serviceKey(token, { keyType: 'P-256' })
    await token.close()
    soft.tool({ do: 'destroyLabelled', pin: soft.pin, label: serviceSecrets.pepper })
    expect(message((await opened(soft)).error)).to.equal(
      "The token has keys, but not the secret 'intaglio pepper v1'. It is not prepared again.",
    )
    soft.remove()
  })

  it('again finds its keys and what was sealed', async () => {
    const { soft, token } = await openToken()
    const key = await serviceKey(token, { keyType: 'P-256' })
    await personKey(token, { keyType: 'P-256' })
    await token.close()
    const again = await Token.open({
      config: soft.config,
      loginGate: new MemoryLoginGate(),
      log: new MemoryLog(),
      prepare: true,
    })
    const use = { flow: 'test', key, scheme: 'ecdsa-sha256', inputs: [Buffer.from('x')] } as const
    expect(await again.sign(use)).to.have.length(1)
    await again.close()
    const late = await failure(again.sign(use))
    expect([late.kind, late.message]).to.deep.equal(['unavailable', 'The token is closed.'])
    soft.remove()
  })

  it('of a make that is not supported, or with Node’s own environment, is refused', async () => {
    const soft = makeSoftToken()
    expect(message((await opened(soft, { config: { provider: 'yubihsm2' } })).error)).to.equal(
      "The provider 'yubihsm2' is not supported. A YubiHSM 2 has CKA_IDs of two octets: too few to be drawn at random.",
    )
    expect(message((await opened(soft, { config: { provider: 'tpm2' } })).error)).to.equal(
      "A token of make 'tpm2' makes no HMAC keys: name another token of the list in 'test' as seals.",
    )
    expect(message((await opened(soft, { config: { provider: '__proto__' } })).error)).to.match(
      /^There is no provider '__proto__'; there are: softhsm, /,
    )
    expect(
      message((await opened(soft, { config: { environment: { NODE_OPTIONS: '--inspect' } } })).error),
    ).to.equal("The environment of the signers may not hold 'NODE_OPTIONS': it would change Node itself.")
    expect(message((await opened(soft, { config: { signers: 1 } })).error)).to.equal(
      'There must be two signers or more: one verifies what another one signed.',
    )
    expect(message((await opened(soft, { config: { module: '/nonexistent.so' } })).error)).to.equal(
      "The PKCS#11 module '/nonexistent.so' cannot be read.",
    )
    soft.remove()
  })

  it('leaves no signer behind when the service is killed', async () => {
    const soft = makeSoftToken()
    const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
    const script = fileURLToPath(new URL('opened.ts', import.meta.url))
    const service = spawn(process.execPath, ['--import', loader, script, JSON.stringify(soft.config)])
    const [printed] = (await once(service.stdout, 'data')) as [Buffer]
    const signers = JSON.parse(printed.toString()) as number[]
    expect(signers).to.have.length(2)
    expect(signers.every(isRunning)).to.equal(true)
    service.kill('SIGKILL')
    await until(() => !signers.some(isRunning))
    soft.remove()
  })

  it('shows in its health that canaries are signed', async () => {
    const open = await openToken({ signers: 3 })
    const { up, signers, lastCanaryAt = 0 } = open.token.health()
    expect({ up, signers }).to.deep.equal({ up: true, signers: 3 })
    expect(Date.now() - lastCanaryAt).to.be.lessThan(5_000)
    expect(new Set(pids(open.log))).to.have.length(3)
    await open.close()
    expect(open.token.health()).to.deep.include({ up: false, signers: 0 })
  })
})

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
