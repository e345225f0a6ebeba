-- Whether a client's authorization requests are taken only as they were pushed (RFC 9126, 5): then nobody who merely knows
-- its id can begin one. A binary of an older schema takes them either way.
alter table client add column require_pushed boolean not null default true;
grant update (require_pushed) on client to intaglio_service;

-- Public keys by which clients say who they are (RFC 7523, private_key_jwt). A client that was given one is let in by keys
-- only, also when the last one is removed. A binary of an older schema lets such a client in by nothing.
create table client_key (
  id uuid primary key,
  client_id text not null references client,
  -- RFC 7638, by SHA-256.
  thumbprint bytea not null check (octet_length(thumbprint) = 32),
  -- A public JWK (RFC 7517).
  jwk jsonb not null,
  added_at timestamptz not null default now(),
  removed_at timestamptz
);
-- A key is one party's.
create unique index on client_key (thumbprint) where removed_at is null;
create index on client_key (client_id, added_at);
grant select, insert, update (removed_at) on client_key to intaglio_service;

alter table client drop constraint client_authentication_check;
alter table client add constraint client_authentication_check check (authentication in ('secret', 'certificate', 'key'));

-- What works once, by SHA-256, for as long as it would be believed: ids of assertions and of proofs.
create table seen_once (
  digest bytea primary key check (octet_length(digest) = 32),
  expires_at timestamptz not null
);
create index on seen_once (expires_at);
grant select, insert, update (expires_at), delete on seen_once to intaglio_service;

insert into schema_version values (14, 2);
