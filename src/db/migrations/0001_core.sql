-- Ids are random. Times are timestamptz. Every expiry is decided by this clock. Nothing here is key material: keys are
-- handles and public halves, PINs are verifiers that only the token can check, bearer values are SHA-256.

-- Which schema this is, and the oldest binary (by the schema number it was built for) that may still run on it. Each
-- migration adds its row, so that replicas of two versions run side by side and one that is too old refuses to start.
create table schema_version (
  version int primary key,
  oldest_binary int not null
);
insert into schema_version values (1, 1);

-- Who asks ---------------------------------------------------------------------------------------------------------
create table client (
  id text primary key check (id ~ '^[A-Za-z0-9_-]{1,64}$'),
  name text not null,
  state text not null default 'enabled' check (state in ('enabled', 'disabled')),
  -- The secret is derived by the token over (id, version) and stored nowhere; raising the version changes it.
  secret_version int not null default 1,
  created_at timestamptz not null default now()
);

create table person (
  id uuid primary key,
  state text not null default 'enabled' check (state in ('enabled', 'disabled')),
  created_at timestamptz not null default now()
);

-- The erasable half: audit rows name person.id only, so a row here can go without breaking a proof.
create table person_detail (
  person_id uuid primary key references person,
  given_name text not null,
  surname text not null,
  country text not null check (country ~ '^[A-Z]{2}$'),
  -- EN 319 412-1 semantics identifier, such as PNOGR-…; absent: a pseudonymous one is made from the person's id.
  serial_number text
);

create table operator (
  id uuid primary key,
  name text not null,
  public_key jsonb not null,
  thumbprint text not null unique,
  roles text[] not null,
  state text not null default 'enabled' check (state in ('enabled', 'disabled')),
  created_at timestamptz not null default now()
);

-- Each signed operator request is accepted once.
create table operator_request (
  id_hash bytea primary key,
  expires_at timestamptz not null
);
create index on operator_request (expires_at);

-- Keys and certificates --------------------------------------------------------------------------------------------
create table key (
  id uuid primary key,
  token_serial text not null,
  cka_id bytea not null,
  key_type text not null,
  purpose text not null,
  spki bytea,
  seal bytea,
  -- planned: the intent is here before the token is asked; what stays planned is destroyed at the next start.
  state text not null check (state in ('planned', 'enabled', 'disabled', 'destroyed')),
  created_at timestamptz not null default now(),
  destroyed_at timestamptz,
  unique (token_serial, cka_id),
  check (state = 'planned' or state = 'destroyed' or (spki is not null and seal is not null))
);
create index on key (purpose) where state = 'enabled';

create table activation (
  key_id uuid primary key references key,
  salt bytea not null,
  memory_kib int not null,
  passes int not null,
  lanes int not null,
  secrets int not null,
  verifier bytea not null,
  seal bytea not null
);

create table certificate (
  id uuid primary key,
  serial bytea not null unique,
  profile text not null,
  key_id uuid not null references key,
  -- Null: self-signed.
  issuer_id uuid references certificate,
  -- To-be-signed octets, stored before the token signs; der is stored after, and holds exactly these.
  tbs bytea,
  der bytea,
  state text not null check (state in ('planned', 'issued', 'revoked', 'void')),
  not_before timestamptz not null,
  not_after timestamptz not null,
  created_at timestamptz not null default now(),
  issued_at timestamptz,
  revoked_at timestamptz,
  check (state in ('planned', 'void') or der is not null)
);
create index on certificate (key_id);

create table credential (
  id text primary key check (id ~ '^[A-Za-z0-9_-]{1,100}$'),
  person_id uuid not null references person,
  client_id text not null references client,
  key_type text not null,
  key_id uuid references key,
  certificate_id uuid references certificate,
  scal int not null check (scal in (1, 2)),
  mode text not null check (mode in ('explicit', 'oauth2code')),
  multisign int not null check (multisign >= 1),
  description text not null default '',
  seal bytea,
  -- pending: its holder has not set a PIN yet, so there is no key. ended: the key is gone for good.
  state text not null check (state in ('pending', 'enabled', 'disabled', 'ended')),
  created_at timestamptz not null default now(),
  check (state in ('pending', 'ended') or (key_id is not null and certificate_id is not null and seal is not null))
);
create index on credential (client_id, id);
create index on credential (person_id);

create table enrolment (
  id uuid primary key,
  code_hash bytea not null unique,
  credential_id text not null references credential,
  expires_at timestamptz not null,
  -- A claim that did not end in use falls back after a while, so that a crash does not cost the holder the link.
  claimed_at timestamptz,
  used_at timestamptz,
  created_at timestamptz not null default now()
);

-- Activation attempts: counted before the secret is looked at, given back on success -----------------------------------
create table activation_attempt (
  key_id uuid not null references key,
  client_id text not null references client,
  failures int not null default 0,
  updated_at timestamptz not null default now(),
  primary key (key_id, client_id)
) with (fillfactor = 80);

create table activation_total (
  key_id uuid primary key references key,
  failures int not null default 0
) with (fillfactor = 80);

-- Authorisations: one row per authorised hash occurrence ---------------------------------------------------------------
create table authorisation (
  id uuid primary key,
  -- Null: a service rule's permit, which never leaves the process.
  sad_hash bytea unique,
  client_id text references client,
  credential_id text references credential,
  key_id uuid not null references key,
  hash text,
  -- false: SCAL 1, the digests are not known yet.
  bound boolean not null,
  count int not null,
  expires_at timestamptz not null,
  seal bytea,
  created_at timestamptz not null default now(),
  check (sad_hash is null or (client_id is not null and credential_id is not null and seal is not null))
);
create index on authorisation (expires_at);

create table authorised_hash (
  authorisation_id uuid not null references authorisation,
  position int not null,
  -- Empty under SCAL 1 until it is reserved: the digests are not known before.
  digest bytea not null,
  -- AUTHORIZED → RESERVED → CONSUMED, or back to AUTHORIZED when the token definitely refused, or UNKNOWN for ever.
  state text not null check (state in ('AUTHORIZED', 'RESERVED', 'CONSUMED', 'UNKNOWN')),
  attempt uuid,
  instance uuid,
  reserved_at timestamptz,
  signature_hash bytea,
  primary key (authorisation_id, position),
  check (state <> 'CONSUMED' or (signature_hash is not null and digest <> '' and attempt is not null))
) with (fillfactor = 60);
-- A reservation finds the free occurrences of a digest here, however many others the authorisation has.
create index on authorised_hash (authorisation_id, digest, position) where state = 'AUTHORIZED';
create index on authorised_hash (reserved_at) where state = 'RESERVED';

-- OAuth: what the mounted provider stores, ids hashed, no bearer value in the payload ----------------------------------
create table oauth_object (
  model text not null,
  id_hash bytea not null,
  payload jsonb not null,
  client_id text,
  grant_hash bytea,
  uid_hash bytea,
  user_code_hash bytea,
  consumed_at timestamptz,
  expires_at timestamptz,
  primary key (model, id_hash)
);
create index on oauth_object (grant_hash) where grant_hash is not null;
create index on oauth_object (uid_hash) where uid_hash is not null;
create index on oauth_object (user_code_hash) where user_code_hash is not null;
create index on oauth_object (expires_at);

-- Running --------------------------------------------------------------------------------------------------------------
-- One attempt ever for a PIN version that a token rejected. 'trying' is written before each login.
create table token_login (
  token_serial text not null,
  pin_version int not null,
  state text not null check (state in ('untried', 'trying', 'accepted', 'rejected')),
  holder uuid not null,
  since timestamptz not null default now(),
  primary key (token_serial, pin_version)
);

-- A process and its lease; what a dead process left RESERVED is closed as 'outcome unknown'.
create table instance (
  id uuid primary key,
  version text not null,
  started_at timestamptz not null default now(),
  lease_until timestamptz not null
);

-- The audit log: append-only; the order is given later, when a log seals it --------------------------------------------
create table audit (
  id uuid primary key,
  at timestamptz not null,
  kind text not null check (kind in ('intent', 'result', 'act')),
  act text not null,
  actor text not null,
  subjects text[] not null,
  -- The attempt that an intent and its result belong to.
  signature_id uuid,
  version smallint not null,
  -- The canonical octets that a leaf commits to, with 32 random octets beside them.
  body bytea not null,
  salt bytea not null check (octet_length(salt) = 32),
  recorded_at timestamptz not null default now()
);
create index on audit (recorded_at, id);
create index on audit (signature_id) where signature_id is not null;

create function audit_is_append_only() returns trigger language plpgsql as $$
begin
  raise exception 'the audit log is append-only';
end $$;
create trigger audit_append_only before update or delete or truncate on audit
  for each statement execute function audit_is_append_only();

-- The service's own role ------------------------------------------------------------------------------------------------
do $$ begin
  if not exists (select from pg_roles where rolname = 'intaglio_service') then
    create role intaglio_service nologin;
  end if;
end $$;
grant usage on schema public to intaglio_service;
-- What is inserted stays as it is but for the columns named here; what has neither update nor delete is for ever.
grant select, insert, update (state, secret_version) on client to intaglio_service;
grant select, insert, update (state) on person to intaglio_service;
grant select, insert, delete on person_detail to intaglio_service;
grant select, insert, update (state, roles) on operator to intaglio_service;
grant select, insert, delete on operator_request to intaglio_service;
grant select, insert, update (state, spki, seal, destroyed_at) on key to intaglio_service;
grant select, insert on activation to intaglio_service;
grant select, insert, update (state, der, issued_at, revoked_at) on certificate to intaglio_service;
grant select, insert, update (state, key_id, certificate_id, multisign, seal) on credential to intaglio_service;
grant select, insert, update (claimed_at, used_at, expires_at) on enrolment to intaglio_service;
grant select, insert, update (failures, updated_at) on activation_attempt to intaglio_service;
grant select, insert, update (failures) on activation_total to intaglio_service;
grant select, insert on authorisation to intaglio_service;
grant select, insert, update (state, digest, attempt, instance, reserved_at, signature_hash) on authorised_hash
  to intaglio_service;
grant select, insert, update, delete on oauth_object, instance to intaglio_service;
grant select, insert, update (state, holder, since) on token_login to intaglio_service;
grant select on schema_version to intaglio_service;
grant select, insert on audit to intaglio_service;
