-- A credential of mode 'oob' is authorised by its holder on a page, out of band: whoever asked is given a handle, and asks
-- by it what became of the wish.
alter table credential drop constraint credential_mode_check;
alter table credential add constraint credential_mode_check check (mode in ('explicit', 'oauth2code', 'oob'));

create table approval (
  id uuid primary key,
  -- SHA-256 of what the client has, and of what stands in the holder's link.
  handle_hash bytea not null unique,
  link_hash bytea not null unique,
  client_id text not null references client,
  credential_id text not null references credential,
  person_id uuid not null references person,
  -- What the holder is shown, and what is activated then.
  asked jsonb not null,
  state text not null default 'pending' check (state in ('pending', 'approved', 'denied', 'given')),
  -- What the holder activated; it has no bearer value before the client asks.
  authorisation_id uuid references authorisation,
  expires_at timestamptz not null,
  created_at timestamptz not null default now(),
  check ((state in ('approved', 'given')) = (authorisation_id is not null))
);
create index on approval (credential_id, created_at);
create index on approval (client_id, created_at);
create index on approval (person_id, created_at);

grant select, insert, update (state, authorisation_id), delete on approval to intaglio_service;

insert into schema_version values (11, 2);
