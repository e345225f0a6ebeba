import { expect } from 'chai'
import pg from 'pg'

export interface StateToCheck {
  /** A superuser's URL. */
  readonly superUrl: string
  /** Values that may stand in no column and no log line: PINs, tokens, SADs, client secrets, codes. */
  readonly secrets?: readonly string[]
  /** Everything that was logged. */
  readonly log?: string
}

/** The invariants of the whole database; called after each test, whatever the test was about. */
export async function checkState({ superUrl, secrets = [], log = '' }: StateToCheck): Promise<void> {
  // Taken first: what changes from here on is seen the next time.
  const { seen, state: rows } = await current(superUrl)
  const state = `${rows.text} ${secrets.length}`
  if (state !== seen.good) await check(seen, rows.count, secrets)
  seen.good = state
  for (const secret of secrets) expect(log.includes(secret), 'a secret in the log').to.equal(false)
}

async function check({ client, ...sql }: Seen, rowsThere: number, secrets: readonly string[]): Promise<void> {
  // A plan that was made for a few rows is not used for thousands.
  const size = Math.ceil(Math.log2(rowsThere + 1))
  const violations = { name: `violations ${size}`, text: sql.violations }
  const { rows } = await client.query<{ sentence: string; found: unknown[] }>(violations)
  for (const { sentence, found } of rows) expect(found, sentence).to.deep.equal([])
  const needles = secrets.flatMap((secret) => [secret, Buffer.from(secret).toString('hex')])
  const inTables = await client.query<{ table: string }>({
    name: `secrets ${size}`,
    text: sql.secrets,
    values: [[...needles, ...PRIVATE_KEYS]],
  })
  expect(inTables.rows, 'secrets in tables').to.deep.equal([])
}

/** A database that is checked again and again: by one statement for all tables, which is planned once. */
interface Seen {
  readonly client: pg.Client
  /** Finds out whether any row was written since. */
  readonly fingerprint: string
  /** Finds rows that must never be, and says of which sentence. */
  readonly violations: string
  /** Finds values, its parameter, in tables. */
  readonly secrets: string
  /** The state that nothing was wrong in: most tests of refusals leave it as it is. */
  good?: string
}

const databases = new Map<string, Seen>()

interface State {
  readonly text: string
  /** Rows, of all tables. */
  readonly count: number
}

async function current(superUrl: string): Promise<{ seen: Seen; state: State }> {
  const known = databases.get(superUrl)
  // Its server may have been killed, and be back.
  const state = known && (await stateOf(known).catch(() => undefined))
  if (known !== undefined && state !== undefined) return { seen: known, state }
  const seen = await open(superUrl)
  return { seen, state: await stateOf(seen) }
}

async function open(superUrl: string): Promise<Seen> {
  const client = new pg.Client({
    connectionString: superUrl,
    options: '-c plan_cache_mode=force_generic_plan',
  })
  // The database is dropped, or killed by a test.
  client.on('error', () => databases.delete(superUrl))
  client.on('end', () => databases.delete(superUrl))
  await client.connect()
  const tables = await tablesOf(client)
  const seen: Seen = {
    client,
    fingerprint: fingerprintOf(tables),
    violations: violationsOf(VIOLATIONS),
    secrets: secretsOf(tables),
  }
  databases.set(superUrl, seen)
  return seen
}

async function stateOf({ client, fingerprint }: Seen): Promise<State> {
  const { rows } = await client.query<State>({ name: 'fingerprint', text: fingerprint })
  return rows[0] ?? { text: '', count: 0 }
}

async function tablesOf(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ table: string }>(
    `select quote_ident(table_name) as table from information_schema.tables
      where table_schema = 'public' and table_type = 'BASE TABLE' order by 1`,
  )
  return rows.map(({ table }) => table)
}

function fingerprintOf(tables: readonly string[]): string {
  // Leases are renewed all the time.
  const still = tables.filter((table) => table !== 'instance')
  const parts = still.map(
    (table) =>
      `select count(*), coalesce(sum(xmin::text::bigint), 0) as xmins, coalesce(sum(hashtext(ctid::text)), 0) as ctids
         from ${table}`,
  )
  return `select string_agg(count || ' ' || xmins || ' ' || ctids, ',') as text, sum(count)::float8 as count
            from (${parts.join(' union all ')}) as parts`
}

function violationsOf(queries: Readonly<Record<string, string>>): string {
  const parts = Object.entries(queries).map(
    ([sentence, sql]) =>
      `select ${pg.escapeLiteral(sentence)} as sentence, (select json_agg(row) from (${sql}) as row) as found`,
  )
  return `select sentence, found from (${parts.join(' union all ')}) as all_of_them where found is not null`
}

/** Each query finds what must never be. */
const VIOLATIONS: Readonly<Record<string, string>> = {
  'an authorisation is used at most as often as it allows': `
    select a.id from authorisation a join authorised_hash h on h.authorisation_id = a.id
     where h.attempt is not null group by a.id, a.count having count(*) > a.count`,
  'what a signature took has an intent, and a result as soon as its attempt is closed': `
    select distinct h.attempt from authorised_hash h where h.attempt is not null
       and not exists (select from authorisation n where n.id = h.attempt)
       and (not exists (select from audit where signature_id = h.attempt and kind = 'intent')
            or exists (select from audit where signature_id = h.attempt and kind = 'result')
               = (exists (select from attempt where id = h.attempt)
                  or exists (select from asynchronous_signature where id = h.attempt and state = 'accepted')))`,
  'a request that is answered later has an open attempt while somebody is at it, and its result after': `
    select s.id from asynchronous_signature s
     where (s.state = 'begun') <> exists (select from attempt where id = s.id)
        or (s.state in ('signed', 'failed'))
           <> exists (select from audit where signature_id = s.id and kind = 'result')
        or (s.state = 'signed')
           <> exists (select from audit where signature_id = s.id and kind = 'result'
                         and convert_from(body, 'utf8')::jsonb -> 'detail' ->> 'outcome' = 'signed')`,
  'who wanted to be notified has a notification as soon as the request has ended, and no sooner': `
    select s.id from asynchronous_signature s
     where s.response_uri is not null
       and (s.state in ('signed', 'failed'))
           <> exists (select from job where kind = 'notification' and payload ->> 'responseID' = s.id::text)`,
  'a chain of extended authorisations is used at most as often as the first one allows': `
    select o.id from authorisation o
      join authorisation a on coalesce(a.origin_id, a.id) = o.id
      join authorised_hash h on h.authorisation_id = a.id and h.attempt is not null
     where not exists (select from authorisation n where n.id = h.attempt)
     group by o.id, o.count having count(*) > o.count`,
  'an extension has nothing that it did not take from another authorisation, whose SAD is gone': `
    select n.id from authorisation n join authorised_hash h on h.authorisation_id = n.id
     where n.origin_id is not null
     group by n.id, h.digest
    having count(*) > (select count(*) from authorised_hash o join authorisation a on a.id = o.authorisation_id
                        where o.attempt = n.id and o.digest = h.digest and a.sad_hash is null)`,
  'an open attempt has an intent and no result': `
    select t.id from attempt t
     where not exists (select from audit where signature_id = t.id and kind = 'intent')
        or exists (select from audit where signature_id = t.id and kind = 'result')`,
  'what was refused is free again': `
    select h.attempt from authorised_hash h join authorisation a on a.id = h.authorisation_id and a.sad_hash is not null
      join audit r on r.signature_id = h.attempt and r.kind = 'result'
     where convert_from(r.body, 'utf8')::jsonb -> 'detail' ->> 'outcome' = 'refused'`,
  'a result that says signed has one signature for each digest of its intent and each occurrence that was taken': `
    select r.signature_id from audit r join audit i on i.signature_id = r.signature_id and i.kind = 'intent'
      left join (select attempt, count(*) as count from authorised_hash where attempt is not null group by attempt) h
             on h.attempt = r.signature_id
     where r.kind = 'result' and convert_from(r.body, 'utf8')::jsonb -> 'detail' ->> 'outcome' = 'signed'
       and (jsonb_array_length(convert_from(r.body, 'utf8')::jsonb -> 'detail' -> 'signatures') is distinct from h.count
            or jsonb_array_length(convert_from(i.body, 'utf8')::jsonb -> 'detail' -> 'digests') is distinct from h.count)`,
  'the digests of an intent are those of the occurrences that were taken': `
    select i.signature_id from audit i join authorised_hash h on h.attempt = i.signature_id
      join authorisation a on a.id = h.authorisation_id and a.bound
     where i.kind = 'intent'
       and not convert_from(i.body, 'utf8')::jsonb -> 'detail' -> 'digests' ? encode(h.digest, 'hex')`,
  'a result has its intent, and an intent at most one result': `
    select signature_id from audit where signature_id is not null
     group by signature_id
    having count(*) filter (where kind = 'intent') <> 1 or count(*) filter (where kind = 'result') > 1`,
  'what the columns of an audit row say is what its body says': `
    select id from audit
     where convert_from(body, 'utf8')::jsonb ->> 'id' <> id::text
        or convert_from(body, 'utf8')::jsonb ->> 'act' <> act
        or convert_from(body, 'utf8')::jsonb ->> 'actor' <> actor
        or convert_from(body, 'utf8')::jsonb -> 'subjects' <> to_jsonb(subjects)`,
  'an issued certificate holds the octets that were planned': `
    select id from certificate where der is not null and position(tbs in der) = 0`,
  'a certificate that renews another one is over its key, one that re-keys it is not, and both are for its subject': `
    select n.id from certificate n join certificate o on o.id = n.replaces_id
      left join key nk on nk.id = n.key_id left join key ok on ok.id = o.key_id
     where (n.replaces_by = 'renewal')
           <> (coalesce(n.spki, nk.spki, n.key_id::text::bytea) = coalesce(o.spki, ok.spki, o.key_id::text::bytea))
        or n.subject_key is distinct from o.subject_key
        or (n.replaces_by = 'renewal' and n.profile <> o.profile)`,
  'a credential has a certificate over its key': `
    select c.id from credential c join certificate ce on ce.id = c.certificate_id
     where ce.key_id <> c.key_id and c.state <> 'ended'`,
  'a key that is being made to replace another one is of no credential yet': `
    select r.key_id from rekeying r join credential c on c.key_id = r.key_id`,
  'a key that is to be destroyed is not used any more, and one that was has gone from the list': `
    select k.id from key k join key_destruction d on d.key_id = k.id where k.state in ('enabled', 'destroyed')`,
  'what waits to be handed over is pending, and what was handed over is not': `
    select c.id from credential_creation n join credential c on c.id = n.credential_id
     where case when n.handed_at is null then c.state not in ('pending', 'ended') else c.state = 'pending' end`,
  'what is revoked by a request says why, and since when': `
    select id from certificate where revocation_requested_at is not null
       and (state <> 'revoked' or revocation_reason is null or revoked_at is null)`,
  'the numbers of a revocation list only grow, and each is accounted for': `
    select l.id from crl_list l left join crl c on c.list_id = l.id
     group by l.id
    having l.number <> count(c.number) or l.number <> coalesce(max(c.number), 0)
        or l.published is distinct from max(c.number) filter (where c.state = 'published')
        or count(*) filter (where c.state = 'planned') > 1`,
  'a revocation list is not older than the one with the number before it': `
    select list_id, number from (
      select list_id, number, this_update, lag(this_update) over (partition by list_id order by number) as before
        from crl where state = 'published') as listed
     where this_update < before`,
  'the list that relying parties get is there, whole': `
    select l.id from crl_list l join crl c on c.list_id = l.id and c.number = l.published
     where c.sha256 is distinct from (
       select sha256(string_agg(p.octets, '' order by p.part)) from crl_part p
        where p.list_id = c.list_id and p.number = c.number)`,
  'what was suspended or revoked with a record of it is as the last record says': `
    select c.id from certificate c
      join lateral (select change from status_change s where s.certificate_id = c.id order by decided_at desc, id limit 1) s
        on true
     where c.state <> case s.change when 'revoke' then 'revoked' when 'suspend' then 'suspended' else 'issued' end`,
  'a key of the key service is a holder key, and one that may sign has its key in the token': `
    select h.key_id from holder_key h join key k on k.id = h.key_id
     where k.purpose <> 'holder' or k.seal is null or (h.state <> 'deleted' and k.state not in ('enabled', 'disabled'))
        or (h.state = 'deleted' and k.state = 'enabled')`,
  'a holder key that can be used belongs to somebody': `
    select id from key where purpose = 'holder' and state = 'enabled'
       and not exists (select from holder_key where key_id = key.id)`,
  'what is authorised without a credential is for a key of the key service, and for its client': `
    select a.id from authorisation a left join holder_key h on h.key_id = a.key_id and h.client_id = a.client_id
     where a.sad_hash is not null and (a.credential_id is null) <> (h.key_id is not null)`,
  'only a key of the key service makes its client wait, and only after it was wrong too often': `
    select a.key_id from activation_attempt a
     where a.next_at is not null
       and (a.failures < 6 or not exists (select from holder_key where key_id = a.key_id))`,
  'wrong secrets of all clients are at least those of each, and no key bears more than a hundred': `
    select h.key_id from holder_key h join activation_total t using (key_id)
     where t.failures > 100
        or t.failures < (select coalesce(max(failures), 0) from activation_attempt a where a.key_id = h.key_id)`,
  'what an Idempotency-Key stands for is a key of its client': `
    select r.key_id from idempotent_request r join holder_key h using (key_id) where h.client_id <> r.client_id`,
  'an issuer has one key that signs, and keys of the purpose and the name that are its own': `
    select i.id from credential_issuer i
      left join credential_issuer_key k on k.issuer_id = i.id left join key on key.id = k.key_id
     group by i.id, i.identifier
    having count(*) filter (where k.state = 'enabled') <> 1
        or bool_or(key.purpose <> 'credential-issuing' or split_part(k.verification_method, '#', 1) <> i.identifier)`,
  'an entry of a status list is in it, and there are no more than were taken': `
    select l.id from status_list l
      join (select list_id, count(*) as count, max(index) as last from status_entry group by list_id) e
        on e.list_id = l.id
     where e.count > l.taken or e.last >= l.length`,
  'what says the status of a credential was published once at least, in each form, and is good until it is made anew': `
    select l.id from status_list l left join status_document d on d.list_id = l.id
     group by l.id
    having count(d.form) <> case when l.octets is null then 0 else 3 end
        or (l.octets is null and exists (select from status_entry where list_id = l.id))
        or octet_length(l.octets) * 4 <> l.length or bool_or(d.expires_at <= l.refresh_at)`,
  'a status document is what its hash says': `
    select list_id from status_document where sha256 <> sha256(body)`,
  'what was published of an entry is what the entry says': `
    select e.list_id, e.index from status_entry e join status_list l on l.id = e.list_id
     where e.is_published
       and (get_byte(substring(l.octets from e.index / 4 + 1 for 1), 0) >> (2 * (e.index % 4))) & 3 <> e.status`,
  'a usable key is sealed and an activated one has its verifier': `
    select k.id from key k left join activation a on a.key_id = k.id
     where k.state = 'enabled' and (k.seal is null or (k.purpose in ('signing', 'seal', 'holder')) <> (a.key_id is not null))`,
}

/** PKCS#8 and PEM private keys, however they would be stored: text, or the octets of a bytea in hex. */
const PRIVATE_KEYS = [
  'PRIVATE KEY',
  '020100300d06092a864886f70d010101',
  '020100301306072a8648ce3d0201',
  '020100300506032b6570',
]

function secretsOf(tables: readonly string[]): string {
  // Some hundred rows at once: looking for hundreds of values in each of thousands of rows takes seconds.
  const parts = tables.map(
    (table) =>
      `select ${pg.escapeLiteral(table)} as table, string_agg(line, ' ') as text
         from (select t::text as line, row_number() over () / 200 as part from ${table} t) as lines group by part`,
  )
  return `
    with rows as materialized (${parts.join(' union all ')})
    select rows.table, n.needle from rows, unnest($1::text[]) as n(needle)
     where position(n.needle in rows.text) > 0
       -- A PIN's few digits come up in hashes by chance: there they stand amid other hexadecimal digits.
       and (n.needle !~ '^[0-9]{1,10}$' or rows.text ~ ('(^|[^0-9a-f])' || n.needle || '([^0-9a-f]|$)')) limit 1`
}
