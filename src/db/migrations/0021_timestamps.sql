-- Timestamps (RFC 3161): the serial number is here, for good, before a token is asked to sign; what nobody completed has
-- used it up all the same.
create table timestamp_token (
  -- Begins with the time, so that new ones stand together in the index.
  serial bytea primary key,
  -- Joins the audit intent and its result. Neither this nor the certificate is a foreign key: checking one locks a row that
  -- every timestamp of the unit would lock.
  attempt uuid not null,
  certificate_id uuid not null,
  hash text not null,
  imprint bytea not null,
  -- Null: none was made, or nobody knows.
  gen_time timestamptz,
  reserved_at timestamptz not null default now()
) with (fillfactor = 90);

grant select, insert, update (gen_time) on timestamp_token to intaglio_service;

insert into schema_version values (21, 2);
