/** The makes of token that the same tests run against. */
import type { KeyType } from '../../hsm/algorithms.ts'
import { makeNssToken, nssModule } from '../softhsm-test-helpers/nss.ts'
import { makeSoftToken, type SoftToken } from '../softhsm-test-helpers/softhsm.ts'
import { openToken, type OpenToken } from './support.ts'

export interface Make {
  readonly name: 'softhsm' | 'nss'
  /** Whether this machine has it; where it must, its absence shows by itself. */
  readonly isHere: boolean
  readonly make: (options: { signers?: number }) => SoftToken
  readonly open: (options?: { signers?: number }) => Promise<OpenToken>
  /** Those that are tried: RSA takes NSS 25 ms a signature with 2048 bits, and much more with more. */
  readonly keyTypes: readonly KeyType[]
}

const make = (row: Omit<Make, 'open'>): Make => ({
  ...row,
  open: (options = {}) => openToken({ soft: row.make(options) }),
})

const all: readonly Make[] = [
  make({
    name: 'softhsm',
    isHere: true,
    make: makeSoftToken,
    keyTypes: ['P-256', 'P-384', 'P-521', 'RSA-2048', 'RSA-3072', 'RSA-4096', 'Ed25519'],
  }),
  make({
    name: 'nss',
    isHere: nssModule() !== undefined,
    make: makeNssToken,
    keyTypes: ['P-256', 'P-384', 'P-521', 'RSA-2048'],
  }),
]

/** One suite for each make that this machine has; a skipped test says so for each that it lacks. */
export function onEachMake(title: string, suite: (make: Make) => void): void {
  for (const one of all) {
    if (one.isHere) describe(`${title} (${one.name})`, () => suite(one))
    else {
      describe(title, () => {
        it(`is skipped for ${one.name}, which is not installed`, function () {
          this.skip()
        })
      })
    }
  }
}
