import { expect } from 'chai'
import { createLogger } from '../../src/log.ts'
import { Refusal } from '../../src/refusal.ts'

describe('the log', () => {
  const lines = (write: (log: ReturnType<typeof createLogger>) => void): Record<string, unknown>[] => {
    const written: string[] = []
    write(createLogger('info', { write: (line) => void written.push(line) }))
    return written.map((line) => JSON.parse(line) as Record<string, unknown>)
  }

  it('is one JSON object a line, with level and time', () => {
    const [line] = lines((log) => log.info({ port: 1 }, 'listening'))
    expect(line).to.deep.include({ level: 'info', port: 1, msg: 'listening' })
    expect(line?.['time']).to.match(/^[0-9]{4}-[0-9-]+T[0-9:.]+Z$/)
  })

  it('shows no secret that reaches it by mistake', () => {
    const secret = 'not-to-be-seen'
    const text = JSON.stringify(
      lines((log) => {
        for (const name of [
          'pin',
          'PIN',
          'sad',
          'SAD',
          'client_secret',
          'clientSecret',
          'password',
          'authorization',
        ]) {
          log.info({ [name]: secret, request: { [name]: secret } }, 'mistake')
        }
      }),
    )
    expect(text).to.not.contain(secret)
    expect(text).to.contain('[redacted]')
  })

  it('tells what an error was and what caused it, without a driver’s values', () => {
    const cause = Object.assign(new Error('duplicate key'), { code: '23505', detail: 'Key (pin)=(1234)' })
    const refusal = new Refusal('unavailable', 'Not now', { cause, detail: { attempt: 'a1' } })
    const [line] = lines((log) => log.error({ err: refusal }, 'failed'))
    const err = line?.['err'] as Record<string, unknown>
    expect(err).to.deep.include({
      type: 'Refusal',
      message: 'Not now',
      code: 'unavailable',
      detail: { attempt: 'a1' },
    })
    expect(err['stack']).to.be.a('string')
    expect(err['cause']).to.deep.include({ message: 'duplicate key', code: '23505' })
    expect(JSON.stringify(line)).to.not.contain('1234')
  })
})
