-- Certificates over keys that others hold: the public key stands in the row itself, for no token and no seal knows it.
alter table certificate
  alter column key_id drop not null,
  add column spki bytea,
  add constraint certificate_of_one_key check (num_nonnulls(key_id, spki) = 1);

-- The subject as people read it, the common name first, and the same in small letters, to be searched by: made so by the
-- service, for a database's locale may know no letters but ASCII's. Null for what older binaries issued.
alter table certificate
  add column subject text,
  add column subject_key text;
create index certificate_by_subject on certificate (subject_key text_pattern_ops, id) where subject_key is not null;

-- Which list of its issuer it belongs to: the serial's last octet decides, for good (src/pki/publication.ts).
alter table certificate add column crl_shard int not null
  generated always as (get_byte(serial, octet_length(serial) - 1) % 128) stored;

-- The process that plans it; when its lease has run out, what is still planned is ended.
alter table certificate add column instance uuid;
create index certificate_planned on certificate (created_at) where state = 'planned';

-- What was planned and perhaps signed, though never stored, can be revoked like what was issued.
alter table certificate drop constraint if exists certificate_check;
alter table certificate add constraint certificate_issued_is_stored check (state <> 'issued' or der is not null);

insert into schema_version values (18, 2);
