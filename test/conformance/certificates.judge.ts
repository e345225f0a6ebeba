import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect } from 'chai'
import { profiles } from '../../src/pki/profiles.ts'
import { Certificates, type MadeCertificate } from './certificates.ts'
import { commandPath, judge, type Probe } from './judge.ts'

/** Of an environment that has pkilint: python3 -m venv there, there/bin/pip install pkilint */
const PYTHON = process.env['INTAGLIO_TEST_PKILINT'] ?? 'python3'
const SCRIPT = join(import.meta.dirname, 'certificates.py')
/** go install github.com/zmap/zlint/v3/cmd/zlint */
const ZLINT = process.env['INTAGLIO_TEST_ZLINT'] ?? commandPath('zlint')
const MOST_OCTETS = 64 * 1024 * 1024
const PATIENCE_MS = 15 * 60_000

/**
 * What pkilint wants although the standards say otherwise: an extension that says that nobody need ask (EN 319 412-1, 5.2;
 * RFC 9608, 4) is unknown to it, and so it misses where to ask.
 */
const UNKNOWN_TO_PKILINT = new Set([
  'etsi.en_319_412_2.gen-4.3.11-2.crldp_extension_missing',
  'etsi.en_319_412_2.gen-4.4.1-8.ocsp_aia_access_method_absent',
])

/** zlint's others are about servers of the web, whose rules are not ours. */
const SOURCES = 'RFC3279,RFC5280,RFC5480,RFC5891,RFC8813,ETSI_ESI,Community'
/** It wants each QcType to be that of a web site. */
const OF_WEB_SITES = 'e_qcstatem_qctype_web'

let certificates: Certificates | undefined

/** Made once, for both. */
async function made(): Promise<readonly MadeCertificate[]> {
  certificates ??= await Certificates.make()
  return certificates.made
}
after(() => certificates?.remove())

function pkilint(): Probe {
  try {
    const asked = 'import importlib.metadata as m; print(m.version("pkilint"))'
    const version = execFileSync(PYTHON, ['-c', asked], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return { version: version.trim() }
  } catch {
    return { missing: `${PYTHON} has no pkilint; INTAGLIO_TEST_PKILINT names one of an environment that has` }
  }
}

interface PkilintFinding {
  readonly file: string
  readonly code: string
}

judge('pkilint', pkilint, (tally) => {
  it('finds neither error nor warning in certificates of all profiles', async function () {
    this.timeout(PATIENCE_MS)
    const all = await made()
    // ETSI's parts are about persons; a time-stamping unit's purpose is critical by RFC 3161, and not by EN 319 412-2.
    const asked = all.map(({ file, profile }) => {
      const { subject } = profiles[profile]
      return { file, rules: subject === 'natural person' || subject === 'legal person' ? 'etsi' : 'pkix' }
    })
    const said = execFileSync(PYTHON, [SCRIPT], {
      input: JSON.stringify(asked),
      encoding: 'utf8',
      maxBuffer: MOST_OCTETS,
    })
    const { types, findings } = JSON.parse(said) as {
      types: Record<string, number>
      findings: PkilintFinding[]
    }
    for (const [type, count] of Object.entries(types)) tally.add(`certificates as ${type}`, count)
    const isShort = new Set(
      all.filter(({ profile }) => profiles[profile].marks.includes('noRevAvail')).map(({ file }) => file),
    )
    const left = findings.filter(({ file, code }) => !(isShort.has(file) && UNKNOWN_TO_PKILINT.has(code)))
    expect(left).to.deep.equal([])
    expect(all.length).to.be.at.least(1_000)
  })
})

function zlint(): Probe {
  if (ZLINT === undefined) return { missing: 'zlint is not installed; INTAGLIO_TEST_ZLINT names it' }
  return {
    version: execFileSync(ZLINT, ['-version'], { encoding: 'utf8' }).replace('ZLint version', '').trim(),
  }
}

judge('zlint', zlint, (tally) => {
  it('finds neither error nor warning in certificates of all profiles', async function () {
    this.timeout(PATIENCE_MS)
    const all = await made()
    const files = all.map(({ file }) => file)
    const options = ['-format', 'der', '-includeSources', SOURCES, '-excludeNames', OF_WEB_SITES]
    const said = execFileSync(ZLINT ?? '', [...options, ...files], {
      encoding: 'utf8',
      maxBuffer: MOST_OCTETS,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const results = said
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, { readonly result: string }>)
    const found = results.flatMap((result, index) =>
      Object.entries(result)
        .filter(([, one]) => ['warn', 'error', 'fatal'].includes(one.result))
        .map(([lint, one]) => `${all[index]?.profile ?? ''}: ${lint}: ${one.result}`),
    )
    tally.add('certificates', results.length)
    tally.add(
      'rules passed',
      results.flatMap((one) => Object.values(one)).filter(({ result }) => result === 'pass').length,
    )
    expect([...new Set(found)]).to.deep.equal([])
    expect(results).to.have.length(all.length)
  })
})
