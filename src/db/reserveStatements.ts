/**
 * The two statements that take occurrences, all or nothing for each request. Parameters: request, position and digest of
 * each input; the instance; authorisation and attempt of each request; the columns of the audit intents. Each answers
 * one row for each request whose authorisation there is: its number, from 1, and a verdict.
 */
import { AUDIT_INSERT, auditUnnest } from './audit.ts'

/**
 * What forbids the use of an authorisation now, by the database's clock, or 'live'.
 * @param unknown what makes it one that stands for nothing
 */
export const verdictWhere = (
  unknown: string,
): string => `case when ${unknown} or a.key_id <> c.key_id then 'permit_unknown'
                when a.expires_at <= now() then 'permit_expired'
                when c.state <> 'enabled' or k.state <> 'enabled' or cl.state <> 'enabled' then 'credential_disabled'
                when ce.state = 'revoked' then 'certificate_revoked'
                when ce.state = 'suspended' then 'certificate_suspended'
                when ce.state <> 'issued' or ce.not_before > now() or ce.not_after <= now() then 'certificate_expired'
                else 'live' end`

/** What a verdict looks at, of an authorisation `a`. */
export const VERDICT_JOINS = `join credential c on c.id = a.credential_id
      join key k on k.id = a.key_id
      join certificate ce on ce.id = c.certificate_id
      join client cl on cl.id = a.client_id and cl.id = c.client_id`

const NOTHING = 'a.sad_hash is null or a.revoked_at is not null'

/** Whether each request's authorisation may be used now, and what says no. */
const judgedBy = (verdict: string, joins: string): string => `judged as materialized (
    select asked.*, a.bound, ${verdict} as verdict
      from unnest($5::uuid[], $6::uuid[]) with ordinality as asked(authorisation_id, attempt, request)
      join authorisation a on a.id = asked.authorisation_id
      ${joins})`
const JUDGED = judgedBy(verdictWhere(NOTHING), VERDICT_JOINS)

/**
 * What forbids the use of one without a credential, `a`: the key's state and the client's decide. The key is found by its id
 * alone, so that no plan reads all keys of a client.
 */
export const keyVerdict = (unknown = 'false'): string =>
  `case when ${unknown} or h.client_id <> a.client_id then 'permit_unknown'
                when a.expires_at <= now() then 'permit_expired'
                when h.state <> 'enabled' or k.state <> 'enabled' or cl.state <> 'enabled' then 'credential_disabled'
                else 'live' end`

const KEY_JUDGED = judgedBy(
  keyVerdict(NOTHING),
  `join holder_key h on h.key_id = a.key_id
      join key k on k.id = a.key_id
      join client cl on cl.id = a.client_id
     where a.credential_id is null`,
)

/** What is written for the attempts that won, and the answer. */
const RECORDED = `opened as (
    insert into attempt (id, authorisation_id, instance)
    select j.attempt, j.authorisation_id, $4::uuid from judged j join won using (attempt) returning 1),
  intent as (
    ${AUDIT_INSERT} from ${auditUnnest(7)} join won on won.attempt = entry.signature_id returning 1)
  select j.request::int,
         case when won.attempt is not null then 'reserved'
              when j.verdict <> 'live' then j.verdict else 'digest_not_authorised' end as verdict
    from judged j left join won using (attempt)`

/**
 * Takes the occurrences that were dealt, where each is free. One that another transaction took while this one ran fails
 * the whole statement, by a division by zero, so that nothing of it is written.
 */
const take = (judged: string): string => `with ${judged},
  tried as materialized (
    select j.request, j.attempt, h.ctid as occurrence
      from unnest($1::int[], $2::int[], $3::bytea[]) as t(request, position, digest)
      join judged j on j.request = t.request and j.verdict = 'live'
      left join authorised_hash h on h.authorisation_id = j.authorisation_id and h.position = t.position
                                 and h.attempt is null and (h.digest = t.digest or not j.bound)),
  whole as materialized (
    select request, attempt, count(*) as count from tried
     group by request, attempt having bool_and(occurrence is not null)),
  taken as (
    update authorised_hash h set attempt = t.attempt from tried t
     where h.ctid = t.occurrence and h.attempt is null and t.request in (select request from whole)
    returning h.attempt),
  won as materialized (
    select whole.attempt from whole left join (select attempt, count(*) as count from taken group by attempt) t
     using (attempt) where 1 / (t.count is not distinct from whole.count)::int = 1),
  ${RECORDED}`

/** For one request whose dealt occurrences were not all free: finds others, locks them in order, and takes them. */
const search = (judged: string): string => `with ${judged},
  asking as (
    select t.idx, j.attempt, j.authorisation_id, case when j.bound then t.digest else ''::bytea end as wants,
           row_number() over (partition by case when j.bound then t.digest else ''::bytea end order by t.idx) as turn
      from unnest($1::int[], $2::int[], $3::bytea[]) with ordinality as t(request, position, digest, idx)
      join judged j on j.request = t.request and j.verdict = 'live'),
  free as materialized (
    select needed.wants, f.position, row_number() over (partition by needed.wants order by f.position) as turn
      from (select authorisation_id, wants, count(*) as occurrences from asking
             group by authorisation_id, wants order by wants) needed
      cross join lateral (
        select h.position from authorised_hash h
         where h.authorisation_id = needed.authorisation_id and h.digest = needed.wants and h.attempt is null
         order by h.position limit needed.occurrences for update of h) f),
  dealt as materialized (select asking.*, free.position from asking left join free using (wants, turn)),
  taken as (
    update authorised_hash h set attempt = d.attempt from dealt d
     where h.authorisation_id = d.authorisation_id and h.position = d.position and h.attempt is null
       and not exists (select from dealt where position is null)
    returning h.attempt),
  won as materialized (select distinct attempt from taken),
  ${RECORDED}`

export const TAKE = take(JUDGED)
export const SEARCH = search(JUDGED)
export const KEY_TAKE = take(KEY_JUDGED)
export const KEY_SEARCH = search(KEY_JUDGED)
