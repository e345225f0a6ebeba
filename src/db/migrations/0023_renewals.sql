-- Which certificate another one replaces, how and why (EN 319 411-1, 6.3.6 and 6.3.7).
alter table certificate
  add column replaces_id uuid references certificate,
  add column replaces_by text check (replaces_by in ('renewal', 're-key')),
  add column replaces_reason text check (replaces_reason in ('expiry', 'request', 'policy', 'compromise')),
  add constraint certificate_replaces check (num_nonnulls(replaces_id, replaces_by, replaces_reason) in (0, 3));
-- By one at a time: of several who replace a certificate at once, one does. What came to nothing, and what was revoked,
-- lets another one have its place.
create unique index certificate_replaced_once on certificate (replaces_id)
  where replaces_id is not null and state in ('planned', 'issued', 'suspended');
create index certificate_replaces_id on certificate (replaces_id) where replaces_id is not null;

-- Certificates over one key: found by the key of ours (certificate_key_id_idx), or by the hash of others' keys.
create index certificate_by_outside_key on certificate (sha256(spki)) where spki is not null;
create index credential_by_key on credential (key_id) where key_id is not null;

-- Public keys whose private half is, or may be, in other hands: never certified again. Whoever revokes a certificate for it
-- adds its key, by the same statement, a binary of an older schema too.
create table compromised_key (
  spki_sha256 bytea primary key check (octet_length(spki_sha256) = 32),
  since timestamptz not null default now()
);
grant select, insert on compromised_key to intaglio_service;
insert into compromised_key (spki_sha256, since)
select sha256(coalesce(c.spki, k.spki)), min(c.revoked_at)
  from certificate c left join key k on k.id = c.key_id
 where c.state = 'revoked' and c.revocation_reason = 'keyCompromise' and coalesce(c.spki, k.spki) is not null
 group by 1;
create function certificate_key_compromised() returns trigger language plpgsql as $$
begin
  insert into compromised_key (spki_sha256)
  select sha256(spki) from (select coalesce(new.spki, (select k.spki from key k where k.id = new.key_id)) as spki) as of_it
   where spki is not null
  on conflict do nothing;
  return null;
end $$;
create trigger certificate_key_compromised after update of revocation_reason on certificate
  for each row when (new.state = 'revoked' and new.revocation_reason = 'keyCompromise')
  execute function certificate_key_compromised();

-- A link by which the holder of a credential that is there makes it another key: the certificate that is replaced by it,
-- and why. Null: the first key of a pending credential.
alter table enrolment
  add column replaces_id uuid references certificate,
  add column replaces_reason text,
  add constraint enrolment_replaces check ((replaces_id is null) = (replaces_reason is null));

-- A key that is made to replace another one, from before it is made until it is certified: what its process leaves behind
-- when it dies is destroyed.
create table rekeying (
  key_id uuid primary key,
  certificate_id uuid not null references certificate,
  -- The process that is at it.
  instance uuid not null,
  begun_at timestamptz not null default now()
);
create index on rekeying (begun_at);
grant select, insert, delete on rekeying to intaglio_service;

insert into schema_version values (23, 2);
