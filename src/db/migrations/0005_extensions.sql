-- A SAD that is extended gives way to another one, in one transaction: its hash goes, so that it stands for nothing any
-- more, and its free occurrences are taken by the authorisation that replaces it: authorised_hash.attempt is then the id
-- of that authorisation. What the chain began with is sealed with each extension. A binary of an older schema refuses
-- what was extended: it finds its seal broken.
alter table authorisation
  add column origin_id uuid references authorisation,
  add column origin_count int,
  add column origin_expires_at timestamptz,
  add check (num_nulls(origin_id, origin_count, origin_expires_at) in (0, 3));
create index on authorisation (origin_id) where origin_id is not null;

grant update (sad_hash) on authorisation to intaglio_service;

insert into schema_version values (5, 2);
