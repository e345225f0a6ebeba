import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect } from 'chai'
import { MAX_PLAN, PlanError, readPlan } from '../../src/pki/ceremonyPlan.ts'
import { inWords, stepsOf } from '../../src/pki/ceremonySteps.ts'

const example = readFileSync(resolve(import.meta.dirname, '../../config/ceremony.example.yaml'), 'utf8')

/** What is said of the example with something in it replaced. */
function problemsOf(text: string): readonly string[] {
  try {
    readPlan(Buffer.from(text))
    return []
  } catch (error) {
    if (error instanceof PlanError) return error.problems
    throw error
  }
}

const lineOf = (text: string, part: string): number => text.slice(0, text.indexOf(part)).split('\n').length

describe("a ceremony's plan", () => {
  it('says in words what will happen, in order', () => {
    const { plan, sha256 } = readPlan(Buffer.from(example))
    expect(sha256).to.have.length(32)
    expect(stepsOf(plan).map((step) => inWords(step, plan))).to.deep.equal([
      'make the root key: P-384, in the token "intaglio"',
      'issue the root certificate: "CN=Example Trust Services Root G1, O=Example Trust Services AS, C=NO", 7300 days, by itself',
      'make the issuing key: P-384, in the token "intaglio"',
      'issue the issuing certificate: "CN=Example Trust Services Issuing CA G1, O=Example Trust Services AS, C=NO", 3650 days, by the root authority',
      'make the ocsp key: P-256, in the token "intaglio"',
      'issue the ocsp certificate: "CN=Example Trust Services OCSP Responder 1, O=Example Trust Services AS, C=NO", 30 days, by the issuing authority',
      'make the tsu key: P-256, in the token "intaglio"',
      'issue the tsu certificate: "CN=Example Trust Services Time-Stamping Unit 1, O=Example Trust Services AS, C=NO", 1095 days, by the issuing authority',
      'make the transcript key: P-256, in the token "intaglio"',
    ])
  })

  it('is refused with the line and the path of what is wrong with it', () => {
    const [first, second, third] = [1, 2, 3].map((n) => `00000000-0000-4000-8000-00000000000${n}`)
    const rows: readonly [from: string, to: string, at: string, problem: string][] = [
      ['place: Oslo', 'color: red\nplace: Oslo', 'color', 'color: unknown key'],
      ['  days: 7300', '  days: 7300\n  notBefore: now', 'notBefore', 'root.notBefore: unknown key'],
      ['  days: 7300', '', 'root:\n', 'root.days: missing'],
      ['days: 7300', 'days: 7301', 'days: 7301', 'root.days: Too big: expected number to be <=7300'],
      [
        'days: 3650',
        'days: 7300',
        '  days: 7300\n\n# Responders',
        'issuing.days: Too big: expected number to be <=3650',
      ],
      [
        'days: 7300',
        'days: 3650',
        '  days: 3650\n\n# Responders',
        'issuing.days: must end before the root that issues it',
      ],
      [
        'approvals: 2',
        'approvals: 1',
        'approvals: 1',
        'quorum.approvals: Too small: expected number to be >=2',
      ],
      [
        'approvals: 2',
        'approvals: 4',
        '  approvers:',
        'quorum.approvers: fewer than the approvals that it takes, 4',
      ],
      [
        second ?? '',
        first ?? '',
        `${first ?? ''}\n    - ${third ?? ''}`,
        'quorum.approvers.1: stands here twice',
      ],
      [
        'Issuing CA G1',
        'Root G1',
        'Root G1\n  key: P-384\n  token: intaglio\n  days: 3650',
        'issuing.name: stands here twice',
      ],
      [
        'key: P-384',
        'key: RSA-2048',
        'key: RSA-2048',
        'root.key: Invalid option: expected one of "P-256"|"P-384"|"RSA-3072"|"RSA-4096"',
      ],
      ['country: NO', 'country: XX', 'Root G1', 'root.name: subject.country: is a country of ISO 3166-1'],
      [
        'country: NO',
        'country: NO\norganizationIdentifier: "987654321"',
        'Root G1',
        'root.name: subject.organizationIdentifier: is an identifier such as NTRNO-987654321',
      ],
      ['country: NO', 'country: Norway', 'country', 'country: two capital letters (ISO 3166-1)'],
      [
        'root:\n',
        'existingRoot: "00"\nroot:\n',
        'existingRoot: "00"',
        'existingRoot: SHA-256 of a certificate: 64 hexadecimal digits',
      ],
      [
        "expires: '2099-12-31T23:59:59Z'",
        "expires: '2099-12-31'",
        'expires',
        'expires: a time in UTC in quotes, such as "2027-03-01T12:00:00Z"',
      ],
      ['place: Oslo', 'place: "a\\nb" #', 'place', 'place: one line of text, without control characters'],
      ['place: Oslo', 'title: again\nplace: Oslo', 'title: again', 'Map keys must be unique'],
      ['country: NO', 'country: &c NO', '&c', 'an anchor: the plan says everything where it stands'],
      ['country: NO', 'country: *c', '*c', 'an alias: the plan says everything where it stands'],
      ['country: NO', 'country: !!str NO', '!!str', 'a tag: the plan says everything where it stands'],
      ['country: NO', 'country: ! NO', '! NO', 'a tag: the plan says everything where it stands'],
      [
        'version: 1',
        '%YAML 1.1\n---\nversion: 1',
        '%YAML',
        'a directive: the plan says everything where it stands',
      ],
      ['transcript:\n', 'transcript:\n  <<: { key: P-256 }\n', '<<', 'transcript.<<: unknown key'],
      ['version: 1', 'version: 2', 'version: 2', 'version: Invalid input: expected 1'],
    ]
    for (const [from, to, at, problem] of rows) {
      expect(example, from).to.contain(from)
      const text = example.replace(from, to)
      expect(problemsOf(text)[0], problem).to.equal(`line ${lineOf(text, at)}: ${problem}`)
    }
  })

  it('has a root of its own or names one that is there, not both and not neither', () => {
    const root = example.slice(example.indexOf('\nroot:'), example.indexOf('\nissuing:'))
    expect(problemsOf(example.replace(root, '\n'))).to.deep.equal(['line 1: either root or existingRoot'])
    const named = `\nexistingRoot: ${'ab'.repeat(32)}\n`
    expect(problemsOf(example.replace(root, named))).to.deep.equal([])
    const both = problemsOf(example.replace(root, `${named}${root}`))
    expect(both).to.have.length(1)
    expect(both[0]).to.match(/^line [0-9]+: existingRoot: either root or existingRoot$/)
  })

  it('is one document of YAML, in UTF-8, not too long and not too deep', () => {
    expect(problemsOf(`${example}\n---\nversion: 1\n`)[0]).to.match(
      /^line [0-9]+: Source contains multiple documents/,
    )
    expect(problemsOf('')[0]).to.match(/^line 1: /)
    expect(problemsOf('[')[0]).to.match(/^line 1: /)
    for (const deep of ['[', '{', '- ', '? ', '- ['])
      expect(problemsOf(deep.repeat(8_000)), deep).to.deep.equal(['line 1: nested too deeply'])
    expect(problemsOf(`${example}${'#'.repeat(MAX_PLAN)}`)).to.deep.equal([
      `a plan of more than ${MAX_PLAN} octets`,
    ])
    expect(() => readPlan(Buffer.concat([Buffer.from(example), Buffer.from([0xff])]))).to.throw(
      PlanError,
      'not UTF-8',
    )
  })

  it('is approved by nobody only where it is the service’s own', () => {
    const own = example
      .replace(/quorum:[^]*?\n\n/, 'quorum: { approvals: 0, approvers: [] }\n\n')
      .replace(/roles:[^]*?\n\n/, 'roles: []\nwitnesses: []\n\n')
    expect(readPlan(Buffer.from(own), { development: true }).plan.quorum.approvals).to.equal(0)
    expect(problemsOf(own)).to.deep.equal([
      `line ${lineOf(own, 'quorum')}: quorum.approvals: Too small: expected number to be >=2`,
      `line ${lineOf(own, 'quorum')}: quorum.approvers: Too small: expected array to have >=2 items`,
      `line ${lineOf(own, 'roles: []')}: roles: Too small: expected array to have >=1 items`,
      `line ${lineOf(own, 'witnesses: []')}: witnesses: Too small: expected array to have >=1 items`,
    ])
  })
})
