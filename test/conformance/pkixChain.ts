import { createPrivateKey, generateKeyPairSync, randomBytes, sign as signInSoftware } from 'node:crypto'
import type { schemes } from '../../hsm/algorithms.ts'
import type { Context } from '../../src/context.ts'
import { newestCertificate } from '../../src/db/certificates.ts'
import { issuingAuthority } from '../../src/pki/hierarchy.ts'
import type { Issuer } from '../../src/pki/issue.ts'
import { authorityName } from '../../src/pki/names.ts'
import { extensionsOf } from '../../src/pki/profileExtensions.ts'
import { profiles, type ProfileName } from '../../src/pki/profiles.ts'
import { publication } from '../../src/pki/publication.ts'
import { schemeOf, signed, tbsCertificate } from '../../src/pki/tbsCertificate.ts'
import { permitForService } from '../../src/signing/permit.ts'
import { sign } from '../../src/signing/sign.ts'

const DAY_MS = 86_400_000
/** What the leaf's authority signs with: no key of the service's. */
const BELOW = 'ecdsa-sha256'

interface Made {
  readonly profile: ProfileName
  readonly name: string
  readonly spki: Buffer
  readonly issuer: Pick<Issuer, 'certificateId' | 'name'> & { readonly spki: Buffer }
  readonly scheme: keyof typeof schemes
}

function tbsOf(ctx: Context, { profile, name, spki, issuer, scheme }: Made): Buffer {
  const serial = Buffer.concat([Buffer.from([0x50]), randomBytes(15)])
  const [notBefore, notAfter] = [new Date(Date.now() - 60_000), new Date(Date.now() + DAY_MS)]
  const particulars = {
    ...{ serial, notBefore, spki, semantics: undefined },
    ...{ issuerSpki: issuer.spki, issuerId: issuer.certificateId },
  }
  const { ca } = ctx.config
  const extensions = extensionsOf(profiles[profile], particulars, { ...ca, publication: publication(ctx) })
  const subject = authorityName({ ...ca, name }).der
  return tbsCertificate({
    ...{ serial, scheme, issuer: issuer.name, subject, notBefore, notAfter, spki, extensions },
  })
}

/**
 * Leaf, an authority that there must not be, the issuing authority: signed past issuing and its linter, which refuse that, and
 * stored nowhere.
 */
export async function chainThatIsTooLong(ctx: Context): Promise<Buffer[]> {
  const issuer = await issuingAuthority(ctx)
  const [below, leaf] = [0, 1].map(() => generateKeyPairSync('ec', { namedCurve: 'P-256' }))
  if (below === undefined || leaf === undefined) throw new Error('no keys')
  const format = { format: 'der', type: 'spki' } as const
  const spki = below.publicKey.export(format)
  const scheme = schemeOf(issuer.key)
  const above = { ...issuer, spki: issuer.key.spki }
  const authority = tbsOf(ctx, { profile: 'issuing', name: 'Below', spki, issuer: above, scheme })
  const permit = permitForService({
    ...{ key: issuer.key, scheme, messages: [authority], act: 'certificate.sign', subjects: [] },
  })
  const [signature = Buffer.alloc(0)] = await sign(ctx, permit)
  const own = {
    certificateId: issuer.certificateId,
    name: authorityName({ ...ctx.config.ca, name: 'Below' }).der,
    spki,
  }
  const tbs = tbsOf(ctx, {
    ...{
      profile: 'operator-tls',
      name: 'Leaf',
      spki: leaf.publicKey.export(format),
      issuer: own,
      scheme: BELOW,
    },
  })
  const key = createPrivateKey(below.privateKey.export({ format: 'pem', type: 'pkcs8' }))
  const bySoftware = signInSoftware('sha256', tbs, { key, dsaEncoding: 'ieee-p1363' })
  const upper = await newestCertificate(ctx.db, 'issuing')
  return [signed(tbs, BELOW, bySoftware), signed(authority, scheme, signature), upper?.der ?? Buffer.alloc(0)]
}
