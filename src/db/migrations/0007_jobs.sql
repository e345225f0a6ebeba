-- What is done after the transaction that asks for it, at least once, by whichever replica comes first.
create table job (
  id uuid primary key,
  kind text not null,
  -- Whose job it is: one that has much to do, or answers slowly, keeps nobody else waiting.
  lane text not null,
  -- Ids and addresses; nothing secret, nothing personal.
  payload jsonb not null,
  -- dead: given up; an operator may have it done again.
  state text not null default 'waiting' check (state in ('waiting', 'running', 'done', 'dead')),
  run_at timestamptz not null default now(),
  -- Of whoever is at it; when its lease ran out, the job is anybody's again.
  instance uuid,
  attempts int not null default 0,
  give_up_at timestamptz not null,
  -- One of our own words, never the other side's.
  last_error text,
  created_at timestamptz not null default now(),
  ended_at timestamptz,
  check ((state = 'running') = (instance is not null)),
  check ((state in ('done', 'dead')) = (ended_at is not null))
);
create index on job (kind, lane, run_at) where state = 'waiting';
create index on job (kind) where state = 'running';
create index on job (kind, ended_at) where ended_at is not null;
create index on job (kind, created_at, id);

grant select, insert, delete, update (state, run_at, instance, attempts, give_up_at, last_error, ended_at) on job
  to intaglio_service;

insert into schema_version values (7, 2);
