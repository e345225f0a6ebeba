-- Keys that are to be destroyed: decided together with what ends them, done afterwards, so that nothing is forgotten
-- where the token is away or the service dies. The row goes when the key has gone.
create table key_destruction (
  key_id uuid primary key references key,
  -- Joins the audit intent and its result.
  attempt uuid not null unique,
  requested_at timestamptz not null default now()
);
grant select, insert, delete on key_destruction to intaglio_service;

insert into schema_version values (13, 2);
