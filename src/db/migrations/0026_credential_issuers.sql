-- Who issues credentials by a rule of the service: an identity of a client, with keys of the purpose credential-issuing.
create table credential_issuer (
  id uuid primary key,
  client_id text not null references client,
  -- What its credentials name as their issuer: a DID.
  identifier text not null unique check (length(identifier) between 1 and 500),
  state text not null default 'enabled' check (state in ('enabled', 'disabled')),
  created_at timestamptz not null default now()
);
create index on credential_issuer (client_id, id);
grant select, insert, update (state) on credential_issuer to intaglio_service;

-- Its keys. rotated: what it signed stays good, and it signs nothing more.
create table credential_issuer_key (
  key_id uuid primary key references key,
  issuer_id uuid not null references credential_issuer,
  -- What proofs name: a DID URL.
  verification_method text not null unique check (length(verification_method) between 1 and 500),
  scheme text not null,
  state text not null default 'enabled' check (state in ('enabled', 'rotated')),
  -- Over whose key it is, for which client and name: who writes to this database alone makes nobody sign as another.
  seal bytea not null,
  created_at timestamptz not null default now()
);
create index on credential_issuer_key (issuer_id, created_at);
grant select, insert, update (state) on credential_issuer_key to intaglio_service;

-- Lists of the status of an issuer's credentials. The one with the highest number takes new entries.
create table status_list (
  id uuid primary key,
  issuer_id uuid not null references credential_issuer,
  number int not null check (number >= 0),
  -- Bitstring Status List 1.0, 2.1: 131,072 at least.
  length int not null check (length >= 131072 and length % 8 = 0),
  -- By which positions become indices: in an order that says nothing of when.
  shuffle bytea not null check (octet_length(shuffle) = 32),
  -- Positions that were given out. One is given out once, whatever becomes of who took it.
  taken int not null default 0,
  -- What was published last: two bits an entry. Null: nothing was, and nothing is given out.
  octets bytea,
  -- When it is published again though nothing changed.
  refresh_at timestamptz,
  -- After a failure: until then it is not tried again.
  retry_at timestamptz,
  -- Who is at the next one; when its lease ran out, it is anybody's.
  instance uuid,
  unique (issuer_id, number),
  check (taken between 0 and length),
  check ((octets is null) = (refresh_at is null))
);
-- Compressing them is done for relying parties, and once.
alter table status_list alter column octets set storage external;
create index on status_list (refresh_at nulls first);
grant select, insert, update (taken, octets, refresh_at, retry_at, instance) on status_list to intaglio_service;

-- Entries: no index of a list twice.
create table status_entry (
  list_id uuid not null references status_list,
  index int not null check (index >= 0),
  -- The id of the credential that has it, where that has one.
  credential_id text check (length(credential_id) between 1 and 2000),
  -- As in a token status list: 0 valid, 1 invalid for good, 2 suspended.
  status smallint not null default 0 check (status in (0, 1, 2)),
  -- Whether what relying parties get says so.
  is_published boolean not null default true,
  created_at timestamptz not null default now(),
  changed_at timestamptz,
  primary key (list_id, index)
);
create index status_entry_credential on status_entry (credential_id) where credential_id is not null;
create index status_entry_unpublished on status_entry (list_id, index) include (status) where not is_published;
grant select, insert, update (status, is_published, changed_at) on status_entry to intaglio_service;

-- What relying parties get.
create table status_document (
  list_id uuid not null references status_list,
  form text not null check (form in ('revocation', 'suspension', 'token')),
  media_type text not null,
  body bytea not null,
  -- SHA-256 of the body.
  sha256 bytea not null check (octet_length(sha256) = 32),
  published_at timestamptz not null,
  expires_at timestamptz not null check (expires_at > published_at),
  primary key (list_id, form)
);
alter table status_document alter column body set storage external;
grant select, insert, update (media_type, body, sha256, published_at, expires_at) on status_document to intaglio_service;

insert into schema_version values (26, 2);
