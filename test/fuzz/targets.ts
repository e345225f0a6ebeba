import type { MakeTarget } from './target.ts'
import { didTarget } from './targets/did.ts'
import { ocspTarget } from './targets/ocsp.ts'
import { pkcs10Target } from './targets/pkcs10.ts'
import { tsaTarget } from './targets/tsa.ts'

/** TABLE of what is fuzzed: one file each. */
export const targets: Readonly<Record<string, MakeTarget>> = {
  did: didTarget,
  ocsp: ocspTarget,
  pkcs10: pkcs10Target,
  tsa: tsaTarget,
}
