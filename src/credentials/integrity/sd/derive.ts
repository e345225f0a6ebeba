import { Refusal } from '../../../refusal.ts'
import { Flaw } from '../../../signing/flaw.ts'
import type { JsonObject } from '../../../signing/strictJson.ts'
import { canonicalise } from '../../jsonld/canonicalise.ts'
import { refused, without } from '../proof.ts'
import { proofsOf } from '../proofSet.ts'
import { labelling } from './ecdsaSd.ts'
import { select } from './pointers.ts'
import { derivedProofValue, readBaseProof, type BaseProof } from './proofValue.ts'
import { group, unprefixed, type Grouped } from './statements.ts'

/**
 * What a holder shows of a credential with a base proof: all that is mandatory, and what the pointers name (vc-di-ecdsa 1.0,
 * 3.5.5 to 3.5.7). No key is needed.
 * @throws Refusal invalid_request
 */
export async function derive(secured: JsonObject, selective: readonly string[]): Promise<JsonObject> {
  const { proof, base } = refused(() => baseProofOf(secured))
  const document = without(secured, 'proof')
  const combined = [...base.mandatoryPointers, ...selective]
  const grouped = await group(document, labelling(base.hmacKey), [
    base.mandatoryPointers,
    selective,
    combined,
  ])
  const shown = select(document, combined)
  if (shown === undefined) throw new Refusal('invalid_request', 'nothing would be disclosed')
  return { ...shown, proof: { ...proof, proofValue: await derivedValue(base, grouped) } }
}

async function derivedValue(base: BaseProof, { statements, labels, groups }: Grouped): Promise<string> {
  const [mandatory, selective, combined] = groups
  if (mandatory === undefined || selective === undefined || combined === undefined)
    throw new Error('no groups')
  const optional = [...statements.keys()].filter((at) => !mandatory.matching.has(at))
  const signatures = base.signatures.filter((_, at) => selective.matching.has(optional[at] ?? -1))
  const shown = [...combined.matching.keys()]
  return derivedProofValue({
    baseSignature: base.baseSignature,
    publicKey: base.publicKey,
    signatures,
    labels: await shownLabels(combined.statements, labels),
    mandatoryIndexes: [...shown.keys()].filter((at) => mandatory.matching.has(shown[at] ?? -1)),
  })
}

/** From the canonical labels that a verifier will see to those that were signed. */
async function shownLabels(
  statements: readonly string[],
  labels: Grouped['labels'],
): Promise<Map<number, Buffer>> {
  const canonical = new Map<string, string>()
  await canonicalise(statements.join(''), { hash: 'sha256', labels: canonical })
  return new Map(
    [...canonical].map(([from, to]) => {
      const label = labels.get(unprefixed(from)) ?? ''
      return [Number(unprefixed(to).slice('c14n'.length)), Buffer.from(label.slice(1), 'base64url')]
    }),
  )
}

function baseProofOf(secured: JsonObject): { readonly proof: JsonObject; readonly base: BaseProof } {
  const found = proofsOf(secured).filter(({ cryptosuite }) => cryptosuite === 'ecdsa-sd-2023')
  const [proof] = found
  if (proof === undefined || found.length > 1 || typeof proof['proofValue'] !== 'string')
    throw new Flaw('proof-missing', 'proof: not exactly one of ecdsa-sd-2023 to derive from')
  return { proof, base: readBaseProof(proof['proofValue']) }
}
