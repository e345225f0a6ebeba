import { expect } from 'chai'
import { startService, type TestService } from '../support/startService.ts'

describe('an address that is no face’s', () => {
  let service: TestService
  before(async () => {
    service = await startService()
  })
  after(() => service.close())

  for (const [path, status, body] of [
    ['/', 404, { error: 'not_found', error_description: 'There is nothing at this address' }],
    ['/health/x', 404, { error: 'not_found', error_description: 'There is nothing at this address' }],
    ['/Health', 404, { error: 'not_found', error_description: 'There is nothing at this address' }],
    ['/enrolment', 404, { error: 'not_found', error_description: 'There is nothing at this address' }],
  ] as const) {
    it(`${path} is answered in the service’s own words`, async () => {
      const response = await fetch(`${service.url}${path}`)
      expect(await response.json()).to.deep.equal(body)
      expect(response.status).to.equal(status)
      expect(response.headers.get('x-powered-by')).to.equal(null)
      expect(response.headers.get('etag')).to.equal(null)
      expect(response.headers.get('x-content-type-options')).to.equal('nosniff')
    })
  }

  it('that does not decode is refused without a stack', async () => {
    const { url } = service
    for (const path of ['/admin/v1/clients/%E0%A4%A', '/enrol/%E0%A4%A', '/%E0%A4%A']) {
      const response = await fetch(`${url}${path}`)
      expect(response.status).to.be.within(400, 404)
      expect(await response.text()).to.not.match(/\n\s+at |node_modules/)
    }
  })
})
