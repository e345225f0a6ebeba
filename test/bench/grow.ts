/** A database as years of issuance leave it: certificates, and everything that is recorded of each. */
import type { TestService } from '../support/startService.ts'

/** Certificates that are made at once. */
const CHUNK = 50_000

/** So many more, as the newest one that was issued over a PKCS#10: its octets, under serial numbers of their own. */
export async function grow(
  service: TestService,
  count: number,
  progress: (done: number) => void,
): Promise<void> {
  for (let done = 0; done < count; done += CHUNK) {
    await service.sql(more(done, Math.min(CHUNK, count - done)))
    progress(Math.min(done + CHUNK, count))
  }
  await service.sql('vacuum analyze certificate, audit, authorisation, authorised_hash')
}

/**
 * One statement after another on one connection. Nothing that is referred to is looked up, for it is known to be there. Times
 * lie back, a second apart, as do the rows in their tables.
 */
const more = (before: number, count: number): string => `
  set session_replication_role = replica;
  set synchronous_commit = off;
  with sample as materialized (
      select * from certificate where spki is not null and state = 'issued' order by issued_at desc limit 1),
    fresh as materialized (
      select gen_random_uuid() as id, gen_random_uuid() as authorisation, gen_random_uuid() as attempt,
             now() - (${before + count} - n) * interval '1 second' - interval '1 day' as at, ${before} + n as n
        from generate_series(1, ${count}) as n),
    certificates as (
      insert into certificate (id, serial, profile, spki, issuer_id, instance, subject, subject_key, tbs, der, state,
                               not_before, not_after, created_at, issued_at)
      select f.id, '\\x4b'::bytea || substr(uuid_send(gen_random_uuid()), 2), s.profile, s.spki, s.issuer_id, s.instance,
             'CN=' || md5(f.id::text) || substr(s.subject, 35), 'cn=' || md5(f.id::text) || substr(s.subject_key, 35),
             s.tbs, s.der, 'issued', s.not_before, s.not_after, f.at, f.at
        from fresh f, sample s),
    permits as (
      insert into authorisation (id, key_id, bound, count, expires_at)
      select f.authorisation, c.key_id, true, 1, f.at from fresh f, sample s join certificate c on c.id = s.issuer_id),
    entries as materialized (
      select a.* from sample s join audit a on 'certificate:' || s.id = any(a.subjects)),
    occurrences as (
      insert into authorised_hash (authorisation_id, position, digest, attempt)
      select f.authorisation, h.position, h.digest, f.attempt
        from fresh f, entries e join authorised_hash h on h.attempt = e.signature_id where e.kind = 'intent')
    -- A body names its own row, its attempt and its certificate.
    insert into audit (id, at, kind, act, actor, subjects, signature_id, version, body, salt, recorded_at)
    select x.id, x.at, x.kind, x.act, x.actor, array_replace(x.subjects, 'certificate:' || x.like_id, 'certificate:' || x.certificate),
           case when x.signature_id is not null then x.attempt end, x.version,
           convert_to(replace(replace(replace(convert_from(x.body, 'utf8'), x.entry::text, x.id::text),
             coalesce(x.signature_id, x.entry)::text, x.attempt::text), x.like_id::text, x.certificate::text), 'utf8'),
           sha256(uuid_send(gen_random_uuid())), x.at
      from (select gen_random_uuid() as id, f.n, f.at, f.id as certificate, f.attempt, s.id as like_id, e.id as entry,
                   e.kind, e.act, e.actor, e.subjects, e.signature_id, e.version, e.body
              from fresh f, sample s, entries e) as x order by x.n`
