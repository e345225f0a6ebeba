-- Keys of the key service: a client's own, each in the token and opened by its holder's secrets, certified by nobody. A row
-- is never removed: an id that was given to one key is not given to another.
create table holder_key (
  key_id uuid primary key references key,
  client_id text not null references client,
  -- URL of the verification method (Controlled Identifiers 1.0, 2.2).
  id text not null check (length(id) between 1 and 1500),
  -- What the client called it: the id, or the part of it before '#'.
  identifier text not null check (length(identifier) between 1 and 500),
  -- By which it signs, and how its public half is written.
  scheme text not null,
  form text not null check (form in ('JsonWebKey', 'Multikey')),
  -- What opens it: a row of src/signing/keyActivation.ts.
  activation text not null default 'secrets',
  -- rotated: another key has taken its place; it signs no more, and its public half is shown all the same.
  state text not null default 'enabled' check (state in ('enabled', 'disabled', 'rotated', 'deleted')),
  created_at timestamptz not null default now(),
  unique (client_id, id)
) with (fillfactor = 80);
create index on holder_key (client_id, identifier) where state = 'enabled';
create index on holder_key (client_id, created_at, key_id);
grant select, insert, update (state) on holder_key to intaglio_service;

-- What came of a request that its client may send again (Idempotency-Key). Only its key's is remembered, by SHA-256, with
-- that of the request without its secrets, which are asked of the key itself.
create table idempotent_request (
  client_id text not null references client,
  name_hash bytea not null check (octet_length(name_hash) = 32),
  request_hash bytea not null check (octet_length(request_hash) = 32),
  key_id uuid not null references holder_key,
  expires_at timestamptz not null,
  primary key (client_id, name_hash)
);
create index on idempotent_request (expires_at);
grant select, insert, update (expires_at), delete on idempotent_request to intaglio_service;

-- Nobody lifts the lock of such a key: who was wrong too often in a row waits, each time longer. Null: does not wait.
alter table activation_attempt add column next_at timestamptz;
grant update (next_at) on activation_attempt to intaglio_service;

-- An authorisation without a credential is one to use a key of the key service.
alter table authorisation drop constraint authorisation_check;
alter table authorisation add constraint authorisation_check
  check (sad_hash is null or (client_id is not null and seal is not null));

-- A binary of an older schema finds no credential behind such an authorisation, and refuses it.
insert into schema_version values (25, 2);
