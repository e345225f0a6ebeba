-- An occurrence is written once, when it is taken. That its attempt is still open is a row of its own, which whoever
-- closes it deletes: who deletes the row decides the outcome, and the outcome stands in the audit result.
create table attempt (
  id uuid primary key,
  -- No foreign key: the statement that inserts a row has just read the authorisation, and checking again would lock it.
  authorisation_id uuid not null,
  instance uuid not null,
  reserved_at timestamptz not null default now()
);
insert into attempt (id, authorisation_id, instance, reserved_at)
  select distinct on (attempt) attempt, authorisation_id, instance, reserved_at
    from authorised_hash where state = 'RESERVED' and attempt is not null;

-- Null: free. Under SCAL 1 the digest stays empty; what was signed stands in the audit intent.
alter table authorised_hash drop column state, drop column instance, drop column reserved_at,
  drop column signature_hash;
-- No column of it changes when an occurrence is taken, so taking one touches no index (a heap-only update).
create index on authorised_hash (authorisation_id, digest, position);

grant select, insert, delete on attempt to intaglio_service;
revoke update (digest) on authorised_hash from intaglio_service;

-- A binary of the first schema writes columns that are gone.
insert into schema_version values (2, 2);
