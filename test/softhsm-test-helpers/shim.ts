/**
 * A PKCS#11 module that forwards to a real one and fails on demand (shim/shim.c), put in front of any token:
 *
 *   const shim = shimmed(soft)              // soft: anything with `directory` and `config`, such as a SoftToken
 *   Token.open({ config: shim.config, … })  // or as tokens[0] of a service's configuration
 *   shim.fault([{ on: 'C_Sign', crash: true, after: 20, times: 1 }])   // takes effect with the next call
 *   shim.clear()                                                       // no rules any more
 *   shim.journal().logins                                              // C_Login across signers, replicas, restarts
 *
 * A rule is for one function (`on`; '*' for all that are wrapped) and does one thing: `latency` (µs before the call),
 * `ckr` (that code instead of the call), `crash` (SIGSEGV), `hang` (seconds before the call), `flip` (one bit of the
 * signature that C_Sign gives), `gone` (the token vanished: no slots, no objects, C_SignInit 0x82, C_GetTokenInfo 5;
 * a process that saw it keeps to it until its next C_Initialize, as SoftHSM does). Of the rules that fit a call all
 * latencies count, and the first other one; rules are tried in their order.
 *
 * `after` and `times` count calls that the rule is for, in all processes together, from `fault` on. `process` restricts a
 * rule to the n-th process that loaded the shim (1, 2, …, restarts counted on), `mechanism` restricts C_SignInit and
 * C_Sign to a CKM_ number: signing (0x1041 ECDSA) without the HMACs of seals (0x251), or these alone.
 *
 * Several shims, several test processes and several services on one shimmed token do not disturb each other; a service
 * in a process of its own is given `config`, and needs nothing else.
 */
import { spawnSync } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import type { TokenConfigShape } from '../../hsm/types.ts'

/** Functions that rules can be for and whose calls are counted; their places in CK_FUNCTION_LIST. */
const FUNCTIONS = {
  C_Initialize: 0,
  C_Finalize: 1,
  C_GetSlotList: 4,
  C_GetTokenInfo: 6,
  C_GetMechanismList: 7,
  C_OpenSession: 12,
  C_CloseSession: 13,
  C_Login: 18,
  C_Logout: 19,
  C_CreateObject: 20,
  C_DestroyObject: 22,
  C_GetAttributeValue: 24,
  C_FindObjectsInit: 26,
  C_FindObjects: 27,
  C_FindObjectsFinal: 28,
  C_SignInit: 42,
  C_Sign: 43,
  C_VerifyInit: 48,
  C_Verify: 49,
  C_GenerateKey: 58,
  C_GenerateKeyPair: 59,
  C_UnwrapKey: 61,
  C_DeriveKey: 62,
  C_GenerateRandom: 64,
} as const
export type ShimFunction = keyof typeof FUNCTIONS

export type ShimRule = {
  readonly on: ShimFunction | '*'
  /** Calls that pass before it fires. */
  readonly after?: number
  /** Calls that it fires for; without it, all. */
  readonly times?: number
  /** Only the n-th process that loaded the shim. */
  readonly process?: number
  /** Only C_SignInit and C_Sign with this mechanism. */
  readonly mechanism?: number
} & (
  | { readonly latency: number }
  | { readonly ckr: number }
  | { readonly crash: true }
  | { readonly hang: number }
  | { readonly flip: true }
  | { readonly gone: true }
)

export interface ShimJournal {
  /** Each C_Initialize and C_Login with its CKR number, in order of time. `process`: which one, see ShimRule. */
  readonly starts: readonly ShimCall[]
  readonly logins: readonly ShimCall[]
  /** Each fault that fired, latencies apart; of a vanished token the first in each process. */
  readonly faults: readonly { pid: number; process: number; on: string; does: string; value: number }[]
  /** Calls of all processes since the shim was put in front. */
  readonly calls: Readonly<Record<ShimFunction, number>>
  /** Processes that have loaded it. */
  readonly processes: number
}

interface ShimCall {
  readonly pid: number
  readonly process: number
  readonly ckr: number
}

export interface ShimmedToken {
  /** The token's own, with the shim as its module. */
  readonly config: TokenConfigShape
  /** These rules instead of those before. */
  readonly fault: (rules: readonly ShimRule[]) => void
  readonly clear: () => void
  readonly journal: () => ShimJournal
}

/** Octets of the shared file, as shim.c lays it out: generation, processes, calls per function, calls per rule. */
const STATE = 4 * (2 + 68 + 65_536)
const CALLS = 4 * 2

/** Puts the shim in front of a token. Its files are in the token's directory and go with it. */
export function shimmed<C extends TokenConfigShape>(token: {
  directory: string
  config: C
}): ShimmedToken & {
  config: C
} {
  const folder = join(token.directory, `shim-${randomUUID()}`)
  mkdirSync(folder)
  const [control, state, journal] = ['control', 'state', 'journal'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  for (const file of [control, state, journal]) writeFileSync(file, '')
  truncateSync(state, STATE)
  let generation = 0
  let rules = 0
  const fault = (wanted: readonly ShimRule[]): void => {
    const lines = wanted.map((rule) => `${rules++} ${line(rule)}\n`)
    writeFileSync(`${control}.new`, lines.join(''))
    renameSync(`${control}.new`, control)
    // The file first: whoever sees the new generation reads the new rules.
    announce(state, ++generation)
  }
  const environment = { SHIM_MODULE: token.config.module, SHIM_CONTROL: control }
  return {
    config: {
      ...token.config,
      module: shimModule(),
      environment: {
        ...token.config.environment,
        ...environment,
        SHIM_STATE: state,
        SHIM_JOURNAL: journal,
      },
    },
    fault,
    clear: () => {
      fault([])
    },
    journal: () => readJournal(journal, state),
  }
}

function line(rule: ShimRule): string {
  const { after = 0, times = -1, process = -1, mechanism = -1 } = rule
  return [rule.on, ...actionOf(rule), after, times, process, mechanism].join(' ')
}

function actionOf(rule: ShimRule): [string, number] {
  if ('latency' in rule) return ['latency', rule.latency]
  if ('ckr' in rule) return ['ckr', rule.ckr]
  if ('hang' in rule) return ['hang', Math.round(rule.hang * 1e6)]
  if ('crash' in rule) return ['crash', 0]
  return ['flip' in rule ? 'flip' : 'gone', 0]
}

/** The signers have the file mapped: they see the number at their next call. */
function announce(state: string, generation: number): void {
  const file = openSync(state, 'r+')
  writeSync(file, Uint32Array.of(generation), 0, 4, 0)
  closeSync(file)
}

function readJournal(journal: string, state: string): ShimJournal {
  const lines = readFileSync(journal, 'utf8').split('\n').slice(0, -1)
  const words = lines.map((text) => text.split(' '))
  const calls = (name: string): ShimCall[] =>
    words.flatMap(([pid, process, what, ckr]) =>
      what === name ? [{ pid: Number(pid), process: Number(process), ckr: Number(ckr) }] : [],
    )
  const faults = words.flatMap(([pid, process, what, , on = '', does = '', value]) =>
    what === 'fault' ? [{ pid: Number(pid), process: Number(process), on, does, value: Number(value) }] : [],
  )
  const counters = Buffer.alloc(CALLS + 4 * 68)
  const file = openSync(state, 'r')
  readSync(file, counters, 0, counters.length, 0)
  closeSync(file)
  const counted = Object.entries(FUNCTIONS).map(([name, at]) => [name, counters.readUInt32LE(CALLS + 4 * at)])
  return {
    starts: calls('C_Initialize'),
    logins: calls('C_Login'),
    faults,
    calls: Object.fromEntries(counted) as Record<ShimFunction, number>,
    processes: counters.readUInt32LE(4),
  }
}

/**
 * The built shim, in a folder of this user's named by its source. Two processes that build it at once both do, and the
 * second replaces the first's by the same.
 */
export function shimModule(): string {
  const source = new URL('shim/shim.c', import.meta.url)
  const text = readFileSync(source)
  const folder = join(tmpdir(), `intaglio-shim-${userInfo().uid}`)
  const built = join(folder, `${createHash('sha256').update(text).digest('hex')}.so`)
  if (existsSync(built)) return built
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const fresh = join(folder, `${randomUUID()}.so`)
  const compiler = process.env['CC'] ?? 'cc'
  const options = ['-shared', '-fPIC', '-O2', '-fvisibility=hidden', '-x', 'c', '-', '-o', fresh, '-ldl']
  const ran = spawnSync(compiler, [...options, '-lpthread'], { input: text, encoding: 'utf8' })
  if (ran.status !== 0) {
    rmSync(fresh, { force: true })
    throw new Error(`the shim was not built: ${ran.error?.message ?? ran.stderr}`)
  }
  renameSync(fresh, built)
  return built
}
