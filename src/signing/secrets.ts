import { createHash } from 'node:crypto'
import { hashRaw } from '@node-rs/argon2'
import { FairQueue } from '../../hsm/queue.ts'
import { Refusal, unavailable } from '../refusal.ts'

/** OWASP's second recommendation for Argon2id: about 10 ms here, and 19 MiB while it runs. */
export const KDF = { memoryKiB: 19_456, passes: 2, lanes: 1 } as const
/** The library's number for it; its enum does not exist at run time. */
const ARGON2ID = 2
export const SALT_OCTETS = 16
const STRETCHED_OCTETS = 32
/** As many as may compute without starving the thread pool that DNS and files share. */
const MAX_RUNNING = 2
/** What one client may have waiting, about a second of work: when it asks for more, it is told to come again. */
const MAX_WAITING_OF_ONE = 150
/** What may wait in all: a request and little more each. Whose turn it is goes round among the clients. */
const MAX_WAITING = 1_000

/**
 * Results that are handed on together while others wait for a turn: what follows shares statements and frames, and fills the
 * caches that Argon2id swept once for all of them, which saves a sixth of the processor's work. The first waits for up to 40 ms.
 */
const HANDED_ON = 8

/** A PIN guards one key and is tried 5 times at most before it locks: six characters leave one guess in 200,000. */
export const PIN_MIN = 6
export const PIN_MAX = 64

export interface KdfParameters {
  readonly salt: Buffer
  readonly memoryKiB: number
  readonly passes: number
  readonly lanes: number
}

/**
 * The octets that a set of secrets stands for: the same in any order, another for any other set or count. Each secret
 * is hashed with its length before they are joined, so ["ab","c"] is not ["a","bc"].
 * @throws Refusal 'activation_failed' when one secret is given twice.
 */
export function combineSecrets(secrets: readonly string[]): Buffer {
  const hashed = secrets.map((secret) => {
    const octets = Buffer.from(secret.normalize('NFC'), 'utf8')
    return createHash('sha256').update('ks/secret/v1').update(uint32(octets.length)).update(octets).digest()
  })
  hashed.sort((a, b) => a.compare(b))
  const twice = hashed.some((hash, index) => index > 0 && hashed[index - 1]?.equals(hash))
  if (twice) throw new Refusal('activation_failed', 'The authentication data is invalid')
  return createHash('sha256')
    .update('ks/set/v1')
    .update(uint32(hashed.length))
    .update(Buffer.concat(hashed))
    .digest()
}

let running = 0
const waiting = new FairQueue<{ readonly flow: string; readonly cost: 1; readonly start: () => void }>({
  whole: MAX_WAITING,
  flow: MAX_WAITING_OF_ONE,
})

/**
 * Argon2id over the combined secrets, off the event loop.
 * @param flow whose turn it uses up: a client that asks for much delays others by one of its own only
 * @throws Refusal 'unavailable' when too many wait already
 */
export async function stretch(
  secrets: readonly string[],
  parameters: KdfParameters,
  flow: string,
): Promise<Buffer> {
  const combined = combineSecrets(secrets)
  await turnOf(flow)
  try {
    return await hashRaw(combined, {
      // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- see ARGON2ID
      algorithm: ARGON2ID,
      memoryCost: parameters.memoryKiB,
      timeCost: parameters.passes,
      parallelism: parameters.lanes,
      salt: parameters.salt,
      outputLen: STRETCHED_OCTETS,
    })
  } finally {
    next()
    await company()
  }
}

async function turnOf(flow: string): Promise<void> {
  if (running < MAX_RUNNING) {
    running++
    return
  }
  if (!waiting.hasRoom(flow, 1)) throw unavailable('Too many authorisations at once')
  await new Promise<void>((start) => {
    waiting.push({ flow, cost: 1, start })
  })
}

/** Whoever ends leaves his place to the next one. */
function next(): void {
  if (waiting.isEmpty) {
    running--
    return
  }
  let isFree = true
  waiting.drain(
    () => isFree,
    ({ start }) => {
      isFree = false
      start()
      return true
    },
  )
}

const done: (() => void)[] = []

/** Resolves with the last of its group, or at once where nobody waits for a turn: whoever ends sees to it, also by an error. */
function company(): Promise<void> {
  return new Promise((handOn) => {
    done.push(handOn)
    if (waiting.isEmpty || done.length >= HANDED_ON) for (const one of done.splice(0)) one()
  })
}

/** @throws Refusal 'invalid_request' with a sentence for the holder, when a PIN is too easy to guess. */
export function checkNewPin(pin: string): void {
  const characters = Array.from(pin.normalize('NFC'))
  if (characters.length < PIN_MIN || characters.length > PIN_MAX) {
    throw new Refusal('invalid_request', `A PIN has ${PIN_MIN} to ${PIN_MAX} characters.`)
  }
  const steps = characters
    .slice(1)
    .map((c, i) => (c.codePointAt(0) ?? 0) - (characters[i]?.codePointAt(0) ?? 0))
  const [first] = steps
  if (first !== undefined && Math.abs(first) <= 1 && steps.every((step) => step === first)) {
    throw new Refusal('invalid_request', 'A PIN is not one repeated character or a plain sequence.')
  }
}

function uint32(value: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeUInt32BE(value)
  return buffer
}
