-- How authorities come into being: plans, who approved them, and what was done. All of it is evidence: nothing is deleted, and
-- a plan is the octets that were submitted.
create table ceremony (
  id uuid primary key,
  plan bytea not null,
  plan_sha256 bytea not null check (plan_sha256 = sha256(plan)),
  -- Null: the service's own plan, on a laptop and in tests.
  submitted_by uuid references operator,
  submitted_at timestamptz not null default now(),
  expires_at timestamptz not null,
  state text not null default 'open' check (state in ('open', 'running', 'done', 'abandoned')),
  -- The signed transcript, as it is handed out.
  transcript bytea,
  ended_at timestamptz,
  check ((state in ('done', 'abandoned')) = (ended_at is not null)),
  check ((state = 'done') = (transcript is not null))
);
create index on ceremony (submitted_at, id);

-- An approver's own signature over the plan's hash: anybody can verify it who has the approver's public key.
create table ceremony_approval (
  ceremony_id uuid not null references ceremony,
  operator_id uuid not null references operator,
  signature text not null,
  approved_at timestamptz not null default now(),
  primary key (ceremony_id, operator_id)
);

-- Each step before it is begun and after it is done, in order. Two who run one ceremony would meet at a position.
create table ceremony_event (
  ceremony_id uuid not null references ceremony,
  position int not null,
  step text not null,
  event text not null check (event in ('begun', 'done')),
  at timestamptz not null default clock_timestamp(),
  facts jsonb not null,
  primary key (ceremony_id, position)
);

grant select, insert, update (state, transcript, ended_at) on ceremony to intaglio_service;
grant select, insert on ceremony_approval, ceremony_event to intaglio_service;

insert into schema_version values (22, 2);
