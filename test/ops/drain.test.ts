import { expect } from 'chai'
import { once } from 'node:events'
import { connect } from 'node:net'
import { startService } from '../support/startService.ts'
import { hang } from '../support/hang.ts'

describe('the end of the service', () => {
  it('waits for a request under way, and takes no new one', async () => {
    const service = await startService({ http: { drainSeconds: 30 } })
    const params = { name: 'test' }
    const underWay = service.admin(service.operators.admin, 'POST /tokens/:name/probe', { params })
    // The operator's request was authenticated, so it is under way.
    for (let spent = 0; spent === 0;) spent = (await service.sql('select 1 from operator_request')).length

    const closing = service.close()
    const refused = await fetch(`${service.url}/health`).then(
      () => undefined,
      (error: unknown) => ((error as Error).cause as { code?: string } | undefined)?.code,
    )
    expect(refused).to.equal('ECONNREFUSED')
    const answer = await underWay
    expect(answer.status).to.equal(200)
    expect(answer.headers.get('connection')).to.equal('close')
    await closing
  }).timeout(60_000)

  it('closes connections that are idle, at once', async () => {
    const service = await startService({ http: { drainSeconds: 30 } })
    const { hostname, port } = new URL(service.url)
    const socket = connect(Number(port), hostname)
    socket.write('GET /health/liveness HTTP/1.1\r\nHost: x\r\n\r\n')
    await once(socket, 'data')
    const ended = once(socket, 'close')
    socket.resume()
    const before = Date.now()
    await service.close()
    await ended
    expect(Date.now() - before).to.be.lessThan(10_000)
  })

  it('closes connections that never carried a request', async () => {
    const service = await startService({ http: { drainSeconds: 30 } })
    const { hostname, port } = new URL(service.url)
    const socket = connect(Number(port), hostname)
    await once(socket, 'connect')
    const ended = once(socket, 'close')
    const before = Date.now()
    await service.close()
    await ended
    expect(Date.now() - before).to.be.lessThan(10_000)
  })

  it('cuts what has not ended at the deadline', async () => {
    const service = await startService({ http: { drainSeconds: 1 } })
    const socket = await hang(service.url)
    const ended = once(socket, 'close')
    await service.close()
    await ended
  })

  it('leaves no lease behind', async () => {
    const service = await startService()
    const rows = await service.sql('select id from instance')
    expect(rows).to.deep.equal([{ id: service.ctx.instanceId }])
    await service.stop()
    expect(await service.sql('select id from instance')).to.deep.equal([])
    await service.close()
  })
})
