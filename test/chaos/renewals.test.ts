import { createHash, hash, verify, X509Certificate } from 'node:crypto'
import { expect } from 'chai'
import { findCredential } from '../../src/db/credentials.ts'
import { bearerHash } from '../../src/signing/permit.ts'
import { insertEnrolment } from '../../src/db/enrolments.ts'
import { enrol } from '../../src/pki/enrol.ts'
import { endLeftRekeyings } from '../../src/pki/replacingKey.ts'
import { beginRekeying } from '../../src/db/replacements.ts'
import { authoriseCredential } from '../../src/signing/activation.ts'
import { destroyDecided } from '../../src/signing/destroyKey.ts'
import { makeKey } from '../../src/signing/makeKey.ts'
import { permitFromSad } from '../../src/signing/permit.ts'
import { sign } from '../../src/signing/sign.ts'
import { withClient } from '../support/database.ts'
import type { IssuanceFailpoint } from './support/issuanceFailpoints.ts'
import { Issuing } from './support/issuing.ts'

const clientId = 'demo'
const pin = '295716'
/** Between the steps where a credential could get lost; test/chaos/issuance.test.ts has the others. */
const POINTS: readonly IssuanceFailpoint[] = ['signed', 'before store', 'stored']

describe('a process that is killed while it renews a credential', function () {
  this.timeout(240_000)
  let issuing: Issuing
  let id: string
  before(async () => {
    issuing = await Issuing.begin()
    id = await issuing.test.enrolCredential({ clientId, pin, keyType: 'P-256' })
  })
  after(() => issuing.close())

  /** Its certificate verifies what its holder signs now. */
  const signs = async (secret = pin): Promise<boolean> => {
    const { ctx } = issuing.test
    const digest = createHash('sha256').update('text').digest()
    const asked = {
      clientId,
      credentialId: id,
      secrets: [secret],
      count: 1,
      hash: 'SHA-256',
      digests: [digest],
    } as const
    const { sad } = await authoriseCredential(ctx, asked)
    issuing.test.secrets.push(sad)
    const permit = await permitFromSad(ctx, {
      ...{ sad, clientId, credentialId: id },
      scheme: 'ecdsa-sha256',
      digests: [digest],
    })
    const [signature = Buffer.alloc(0)] = await sign(ctx, permit)
    const row = await findCredential(ctx.db, { id })
    const { publicKey } = new X509Certificate(row?.certificate ?? '')
    return verify('sha256', Buffer.from('text'), { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)
  }
  const sql = <Row>(text: string, values: unknown[] = []): Promise<Row[]> =>
    withClient(
      issuing.test.database.superUrl,
      async (client) => (await client.query(text, values)).rows as Row[],
    )

  it('leaves it the one certificate or the other, sealed, and one that is renewed again', async () => {
    for (const [index, point] of POINTS.entries()) {
      await issuing.kill(point, 1 + (index % 2), id)
      // Before recovery, too: what was planned is nobody's.
      expect(await signs(), point).to.equal(true)
      await issuing.recover()
    }
    const row = await findCredential(issuing.test.ctx.db, { id })
    const last = issuing.given.at(-1)
    const stored = await sql<{ der: Buffer }>('select der from certificate where id = $1', [last?.id])
    expect(hash('sha256', stored[0]?.der ?? '', 'hex')).to.equal(last?.certificate)
    expect(row?.certificateState).to.equal('issued')
    await issuing.check()
  })

  it('leaves no key that it was making: the old one signs until the link is used', async () => {
    const { ctx } = issuing.test
    const row = await findCredential(ctx.db, { id })
    const certificateId = row?.certificateId ?? ''
    const keyId = '11111111-1111-4111-8111-111111111111'
    // As its process leaves it, which died when the key was there and its certificate not.
    await beginRekeying(ctx.db, { keyId, certificateId, instanceId: ctx.instanceId })
    await makeKey(ctx, { keyId, keyType: 'P-256', purpose: 'signing', actor: 'service', secrets: [pin] })
    await endLeftRekeyings(ctx)
    await destroyDecided(ctx, 0)
    expect(await sql('select state from key where id = $1', [keyId])).to.deep.equal([{ state: 'destroyed' }])
    expect(await sql('select key_id from rekeying')).to.deep.equal([])
    expect(await signs()).to.equal(true)
    const [code, another] = ['a'.repeat(43), '739182']
    issuing.test.secrets.push(another)
    await insertEnrolment(ctx.db, {
      ...{ id: keyId, codeHash: bearerHash(code), credentialId: id, hours: 1 },
      replaces: { id: certificateId, reason: 'expiry' },
    })
    await enrol(ctx, { code, pin: another })
    expect(await signs(another)).to.equal(true)
    await issuing.test.checkState()
  })
})
