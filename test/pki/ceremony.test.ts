import { expect } from 'chai'
import { markdownOf } from '../../src/pki/ceremonyMarkdown.ts'
import { continueOwn, submitOwn } from '../../src/pki/ceremonyRun.ts'
import { stepsOf } from '../../src/pki/ceremonySteps.ts'
import { verifyTranscript } from '../../src/pki/ceremonyVerify.ts'
import { checkState } from '../support/checkState.ts'
import { createTestContext, type TestContext } from '../support/context.ts'
import { holdFirst, PIN, type Held } from './ceremonyGround.ts'
import { killedSuite } from './ceremonyKilled.suite.ts'
import { refusalSuite } from './ceremonyRefusals.suite.ts'
import { transcriptSuite } from './ceremonyTranscript.suite.ts'
import { usedSuite } from './ceremonyUsed.suite.ts'

describe('a ceremony', function () {
  this.timeout(240_000)
  let first: Held
  before(async () => {
    first = await holdFirst()
  })
  after(() => first.ground.installation.remove())
  afterEach(() => checkState({ superUrl: first.ground.installation.database.superUrl, secrets: [PIN] }))

  it('is what a service without authorities waits for: it serves, and enrols nobody and makes no key', () => {
    expect(first.ready).to.equal(200)
    expect(first.unenrolled).to.deep.equal({ status: 503, retryAfter: '60', keys: 0 })
    expect(first.enrolled).to.equal(200)
  })

  it('is submitted, approved by two of three who are not its submitter, and run, at the command line', () => {
    for (const { code, err } of [first.submitted, ...first.approved, first.ran, first.verified])
      expect(code, err).to.equal(0)
    expect(first.submitted.out).to.contain(
      'issue the issuing certificate: "CN=Example Trust Services Issuing CA G1, ',
    )
    expect(first.self).to.deep.include({
      code: 1,
      err: 'Who submitted a plan does not approve it: that is for others to do.\n',
    })
    expect(first.unapproved).to.deep.include({ code: 1, err: 'The plan takes 2 approvals and has 1.\n' })
    expect(first.verified.out.replace(/^approved by.*\n/gm, '')).to.match(
      /^verified +"First hierarchy of Example Trust Services", ceremony .*\nplan \(SHA-256\).*\nsigned by .*\nroot \(SHA-256\)/,
    )
    expect(first.verified.out.match(/^approved by .*$/gm)).to.have.length(2)
  })

  transcriptSuite(() => first)
  usedSuite(() => first)
  refusalSuite(() => first)
  killedSuite(() => first)
})

describe("the first start's own ceremony", () => {
  let test: TestContext
  before(async () => {
    test = await createTestContext()
  })
  after(() => test.close())
  afterEach(() => test.checkState())

  const stored = async (id?: string): Promise<{ plan: Buffer; state: string; transcript: Buffer }> => {
    const rows = await test.ctx.db.query<{ plan: Buffer; state: string; transcript: Buffer }>({
      text: `select plan, state, transcript from ceremony
              where submitted_by is null and ($1::uuid is null or id = $1::uuid) order by submitted_at limit 1`,
      values: [id ?? null],
    })
    return rows[0] ?? expect.fail('no ceremony')
  }

  it('is recorded and signed as every other, and says that nobody approved it', async () => {
    const { state, transcript: octets } = await stored()
    expect(state).to.equal('done')
    const { transcript, plan } = await verifyTranscript(octets)
    expect(transcript.service.profile).to.equal('test')
    expect(transcript.approvals).to.deep.equal([])
    expect(plan.quorum).to.deep.equal({ approvals: 0, approvers: [] })
    expect(transcript.certificates.map(({ part }) => part)).to.deep.equal(['root', 'issuing'])
  })

  it('knows names by whatever they are made of', async () => {
    const own = JSON.parse((await stored()).plan.toString()) as Record<string, Record<string, unknown>>
    const [root, issuing] = ['Ρίζα "A", B+C\\D #1', '#<Ω>=; `x` | _y_ [z](w)']
    Object.assign(own, { organization: 'Ελλάς, Α.Ε. \\ "S/N=1"' })
    Object.assign(own['root'] ?? {}, { name: root })
    Object.assign(own['issuing'] ?? {}, { name: issuing })
    const id = await submitOwn(test.ctx, Buffer.from(JSON.stringify(own)))
    await continueOwn(test.ctx, id)
    const verified = await verifyTranscript((await stored(id)).transcript)
    const subjects = stepsOf(verified.plan).flatMap((step) => ('subject' in step ? [step.subject] : []))
    expect(subjects).to.deep.equal([root, issuing])
    expect(markdownOf(verified)).to.contain('\\#\\<Ω\\>=; \\`x\\` \\| \\_y\\_ \\[z\\](w)')
  })
})
