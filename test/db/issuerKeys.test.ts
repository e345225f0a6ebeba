import { randomBytes } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { expect } from 'chai'
import { insertIssuerKey } from '../../src/db/credentialIssuers.ts'
import { makeKey } from '../../src/signing/makeKey.ts'
import { startService, type TestService } from '../support/startService.ts'
import { newIssuer } from '../vc/client.ts'

describe('keys of an issuer', function () {
  this.timeout(60_000)
  let service: TestService
  before(async () => {
    service = await startService()
  })
  afterEach(() => service.checkState())
  after(() => service.close())

  it('that are entered by two at once leave one that signs', async () => {
    const { ctx } = service
    const issuer = await newIssuer(service, { method: 'web' })
    const asked = { keyType: 'P-256', purpose: 'credential-issuing', actor: 'service' } as const
    const [one, other] = [await makeKey(ctx, asked), await makeKey(ctx, asked)]
    const row = ({ keyId }: { readonly keyId: string }) => ({
      issuerId: issuer.id,
      keyId,
      verificationMethod: `${issuer.identifier}#${keyId}`,
      scheme: 'ecdsa-sha256' as const,
      seal: randomBytes(32),
    })
    let second: Promise<void> | undefined
    await ctx.db.transaction(async (tx) => {
      await insertIssuerKey(tx, row(one))
      second = ctx.db.transaction((another) => insertIssuerKey(another, row(other)))
      // It waits for us, and is not done before we are.
      await blocked()
    })
    await second
    const states = await service.sql<{ keyId: string; state: string }>(
      `select key_id as "keyId", state from credential_issuer_key where key_id = any($1::uuid[]) order by state`,
      [[one.keyId, other.keyId]],
    )
    expect(states).to.deep.equal([
      { keyId: other.keyId, state: 'enabled' },
      { keyId: one.keyId, state: 'rotated' },
    ])
    await service.sql('delete from credential_issuer_key where key_id = any($1::uuid[])', [
      [one.keyId, other.keyId],
    ])
    await service.sql(`update credential_issuer_key set state = 'enabled' where issuer_id = $1::uuid`, [
      issuer.id,
    ])
  })

  /** Somebody waits for a lock in this database. */
  async function blocked(): Promise<void> {
    for (;;) {
      const rows = await service.sql(
        `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      )
      if (rows.length > 0) return
      await turn()
    }
  }
})
