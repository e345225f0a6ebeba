import type { MakeTarget } from './target.ts'
import { ocspTarget } from './targets/ocsp.ts'

/** TABLE of what is fuzzed: one file each. */
export const targets: Readonly<Record<string, MakeTarget>> = {
  ocsp: ocspTarget,
}
