import type { BearerRefusal } from './authenticate.ts'
import { PROOF_ALGORITHMS } from './dpop.ts'

/**
 * WWW-Authenticate of a 401. RFC 6750, 3: the header knows only invalid_token, and no error where there was no token at all.
 */
export function challenge(refusal: BearerRefusal): string {
  if (refusal.problem === 'missing') return 'Bearer'
  if (refusal.problem === 'unproven') {
    const algs = PROOF_ALGORITHMS.join(' ')
    return `DPoP error="invalid_dpop_proof", error_description="${refusal.message}", algs="${algs}"`
  }
  return `Bearer error="invalid_token", error_description="${refusal.message}"`
}
