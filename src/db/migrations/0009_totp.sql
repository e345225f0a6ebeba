-- What a holder gives besides the PIN, sealed with the credential; null: nothing. A binary of an older schema refuses a
-- credential that has one: it finds its seal broken.
alter table credential add column second_factor text;

-- Time-based one-time passwords (RFC 6238). The seed is derived by the token over (credential_id, version) and stored
-- nowhere; no version is given twice, so that what was reset never comes back.
create table totp (
  credential_id text not null references credential,
  version int not null check (version >= 1),
  -- SHA-256 of what the page that showed the seed holds, until a first code confirms it or it expires.
  confirmation_hash bytea unique,
  tries int not null default 0,
  expires_at timestamptz not null,
  confirmed_at timestamptz,
  ended_at timestamptz,
  -- The last step that a code was accepted for: none is accepted for it again, nor for one before it.
  last_step bigint not null default 0,
  created_at timestamptz not null default now(),
  primary key (credential_id, version)
) with (fillfactor = 80);

grant update (second_factor) on credential to intaglio_service;
grant select, insert, update (confirmation_hash, tries, confirmed_at, ended_at, last_step) on totp to intaglio_service;

insert into schema_version values (9, 2);
