/** The wall clock, in milliseconds since 1970, and between which moments of the steady one it was read. */
export interface Reading {
  readonly wall: number
  readonly from: number
  readonly to: number
}

/** A process is not often stopped between two instructions, and never for so long this many times one after the other. */
const TRIES = 8
/** Of an undisturbed reading. */
const AT_ONCE_MS = 1

/** Both clocks. Who is stopped in between, on a machine that is busy, knows by how much they may be apart. */
export function readClocks(clock: () => number): Reading {
  const from = performance.now()
  const wall = clock()
  return { wall, from, to: performance.now() }
}

/** Both clocks at one moment, as far as the machine lets: what others are compared with. */
export function readClocksAtOnce(clock: () => number): Reading {
  let best = readClocks(clock)
  for (let left = TRIES; left > 0 && best.to - best.from > AT_ONCE_MS; left--) {
    const next = readClocks(clock)
    if (next.to - next.from < best.to - best.from) best = next
  }
  return best
}
