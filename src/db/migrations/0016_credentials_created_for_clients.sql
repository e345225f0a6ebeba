-- How many credentials one person may have for a client before the client can have no more made by credentials/create;
-- 0: it can have none made. A binary of an older schema makes none for anybody.
alter table client add column creation_limit int not null default 0 check (creation_limit between 0 and 100);
grant update (creation_limit) on client to intaglio_service;

-- A credential that its holder let be made for a client, from the PIN on the page until it is handed over. Until then the
-- credential is pending, so that nothing shows it and nothing signs with it; what it is made of waits here.
create table credential_creation (
  credential_id text primary key references credential,
  client_id text not null references client,
  -- SHA-256 of the consent's id: one consent makes one credential, however often its page is sent.
  consent_hash bytea not null unique check (octet_length(consent_hash) = 32),
  -- Decided before the key is made, so that whatever becomes of the process, it is known which key to destroy.
  key_id uuid not null unique,
  certificate_id uuid references certificate,
  seal bytea,
  -- What was not handed over by then ends.
  expires_at timestamptz not null,
  handed_at timestamptz,
  check ((certificate_id is null) = (seal is null)),
  check (handed_at is null or seal is not null)
);
create index on credential_creation (expires_at);
grant select, insert, update (certificate_id, seal, expires_at, handed_at), delete on credential_creation
  to intaglio_service;

insert into schema_version values (16, 2);
