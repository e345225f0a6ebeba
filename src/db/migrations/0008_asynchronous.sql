-- A request for signatures that was accepted and is answered later. Its occurrences are taken, and its audit intent is
-- written, in the transaction that accepts it; an attempt is open only while a process is at it.
create table asynchronous_signature (
  -- The attempt's id in the audit log, and what the client asks for the result by.
  id uuid primary key,
  client_id text not null references client,
  credential_id text not null references credential,
  authorisation_id uuid not null references authorisation,
  scheme text not null,
  state text not null default 'accepted' check (state in ('accepted', 'begun', 'signed', 'failed')),
  -- What is to be signed, until it is.
  inputs bytea[],
  signatures bytea[],
  -- Why not: a refusal's code.
  failure text,
  validity_ms int not null,
  response_uri text,
  accepted_at timestamptz not null default now(),
  -- When the row goes, with the result; null: there is none yet.
  expires_at timestamptz,
  check ((state in ('accepted', 'begun')) = (inputs is not null)),
  check ((state in ('accepted', 'begun')) = (expires_at is null)),
  check ((state = 'signed') = (signatures is not null)),
  check ((state = 'failed') = (failure is not null))
);
create index on asynchronous_signature (expires_at);
create index on asynchronous_signature (client_id);

grant select, insert, delete, update (state, inputs, signatures, failure, expires_at) on asynchronous_signature
  to intaglio_service;

-- Where a client may have itself notified; none: nowhere. An address that ends in / stands for all below it.
alter table client add column response_uris text[] not null default '{}';
grant update (response_uris) on client to intaglio_service;

insert into schema_version values (8, 2);
