import { expect } from 'chai'
import { createTestDatabase, withClient, type TestDatabase } from '../support/database.ts'

describe("the service's role in Postgres", () => {
  let database: TestDatabase
  before(async () => {
    database = await createTestDatabase()
  })
  after(() => database.drop())

  const FORBIDDEN = [
    `update key set cka_id = 'x'`,
    `update key set purpose = 'ca'`,
    'delete from key',
    `update activation set verifier = 'x'`,
    'delete from activation',
    `update certificate set serial = 'x'`,
    `update certificate set tbs = 'x'`,
    `update credential set client_id = 'x'`,
    `update credential set scal = 1`,
    'update authorisation set count = count + 1',
    'update authorisation set expires_at = now()',
    'update authorisation set origin_id = null',
    'delete from authorisation',
    'delete from authorised_hash',
    'delete from crl',
    'update crl set number = number + 1',
    `update crl_part set octets = ''`,
    'delete from crl_list',
    'delete from status_change',
    'update status_change set requested_at = now()',
    'delete from token_login',
    `update timestamp_token set serial = 'x'`,
    `update timestamp_token set imprint = 'x'`,
    'delete from timestamp_token',
    'delete from operator',
    'delete from signature_counter',
    'update certificate_change set xid = xid',
    'delete from client_certificate',
    `update client_certificate set spki_hash = 'x'`,
    'update client_certificate set operator_id = null',
    'update operator set public_key = $${}$$::jsonb',
    'update schema_version set version = 99',
    'create table mine (id int)',
    'drop table audit',
    'alter table key owner to intaglio_service',
    'set role intaglio_owner',
    `copy audit to '/tmp/audit'`,
  ]
  for (const statement of FORBIDDEN) {
    it(`may not ${statement}`, async () => {
      const message = await withClient(database.url, (client) => client.query(statement)).then(
        () => 'done',
        (error: unknown) => (error as Error).message,
      )
      expect(message).to.match(/^(permission denied|must be owner|must be able to SET ROLE)/)
    })
  }
})
