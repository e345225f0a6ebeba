-- Whose certificates are believed: by their public key, so that a renewed certificate of the same key needs nothing new.
create table client_certificate (
  id uuid primary key,
  -- SHA-256 of the SubjectPublicKeyInfo.
  spki_hash bytea not null check (octet_length(spki_hash) = 32),
  client_id text references client,
  operator_id uuid references operator,
  -- As the certificate that was registered says; for people to recognise it, and for nothing else.
  subject text not null,
  added_at timestamptz not null default now(),
  removed_at timestamptz,
  check ((client_id is null) <> (operator_id is null))
);
-- A key is one party's.
create unique index on client_certificate (spki_hash) where removed_at is null;
create index on client_certificate (client_id, added_at);
create index on client_certificate (operator_id, added_at);

-- A client that was given a certificate is let in by certificates only, also when the last one is removed.
alter table client add column authentication text not null default 'secret'
  check (authentication in ('secret', 'certificate'));

grant select, insert, update (removed_at) on client_certificate to intaglio_service;
grant update (authentication) on client to intaglio_service;

insert into schema_version values (3, 2);
