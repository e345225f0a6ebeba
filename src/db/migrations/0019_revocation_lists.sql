-- Certificates may be suspended: nothing is signed with one, and lists have it with certificateHold until it is reinstated
-- or revoked (RFC 5280, 5.3.1). suspended_at stays when a suspended one is revoked: from then on nobody could rely on it.
alter table certificate drop constraint if exists certificate_state_check;
alter table certificate add constraint certificate_state_check
  check (state in ('planned', 'issued', 'suspended', 'revoked', 'void'));
alter table certificate drop constraint if exists certificate_revocation_reason_check;
alter table certificate add constraint certificate_revocation_reason_check check (revocation_reason in
  ('unspecified', 'keyCompromise', 'cACompromise', 'affiliationChanged', 'superseded', 'cessationOfOperation',
   'privilegeWithdrawn'));
-- What was planned, perhaps signed, and never stored can be revoked like what was issued.
alter table certificate drop constraint if exists certificate_check;
alter table certificate add column suspended_at timestamptz;
alter table certificate add constraint certificate_suspended_at_check
  check (case state when 'suspended' then suspended_at is not null when 'revoked' then true else suspended_at is null end);
grant update (suspended_at) on certificate to intaglio_service;

-- What lists are made of, in the order of their entries: all of an issuer's, and a shard of them (src/pki/publication.ts).
-- Everything of an entry is in the index: serials are random, and so would be the reading of a million rows.
create index certificate_listed on certificate (issuer_id, serial)
  include (state, revocation_reason, suspended_at, revoked_at) where state in ('suspended', 'revoked');
create index certificate_listed_by_shard on certificate
  (issuer_id, (get_byte(serial, octet_length(serial) - 1) & 127), serial)
  include (state, revocation_reason, suspended_at, revoked_at) where state in ('suspended', 'revoked');

-- Each change of a certificate's status: who, why, when it was asked for, decided and published. What is not published yet
-- is what the next lists are made for.
create table status_change (
  id uuid primary key,
  certificate_id uuid not null references certificate,
  issuer_id uuid not null references certificate,
  -- Null: the issuer's certificates stand in no shard.
  shard int check (shard between 0 and 127),
  change text not null check (change in ('revoke', 'suspend', 'reinstate')),
  reason text,
  actor text not null,
  -- When the request came in, as an operator entered it where it came by phone; else when it was decided.
  requested_at timestamptz not null,
  decided_at timestamptz not null default now(),
  -- When the first list that knows of it was published: the issuer's whole one, and the shard.
  in_whole_at timestamptz,
  in_shard_at timestamptz,
  check (requested_at <= decided_at),
  check ((change = 'revoke') = (reason is not null))
);
create index on status_change (certificate_id, decided_at);
create index on status_change (decided_at, id);
create index status_change_not_in_whole on status_change (issuer_id) where in_whole_at is null;
create index status_change_not_in_shard on status_change (issuer_id, shard)
  where in_shard_at is null and shard is not null;
grant select, insert, update (in_whole_at, in_shard_at) on status_change to intaglio_service;

-- Revocation lists: of each issuer the whole one (shard null), and shards where it has any.
create table crl_list (
  id uuid primary key default gen_random_uuid(),
  issuer_id uuid not null references certificate,
  shard int check (shard between 0 and 127),
  -- The last number that was given to one, published or not.
  number bigint not null default 0,
  -- The one that relying parties get.
  published bigint,
  -- When the next one is due though nothing changed, and the soonest one where something did.
  refresh_at timestamptz,
  earliest_at timestamptz,
  -- After a failure: until then it is not tried again.
  retry_at timestamptz,
  -- Who is at the next one; when its lease ran out, it is anybody's.
  instance uuid,
  unique nulls not distinct (issuer_id, shard),
  check (published <= number),
  check ((published is null) = (refresh_at is null))
);
grant select, insert, update (number, published, refresh_at, earliest_at, retry_at, instance) on crl_list to intaglio_service;

-- Each number that was ever given (RFC 5280, 5.2.3: they only grow). void: none was published under it.
create table crl (
  list_id uuid not null references crl_list,
  number bigint not null check (number > 0),
  state text not null check (state in ('planned', 'published', 'void')),
  planned_at timestamptz not null default now(),
  this_update timestamptz,
  next_update timestamptz,
  entries int,
  octets bigint,
  sha256 bytea,
  published_at timestamptz,
  primary key (list_id, number),
  check (state <> 'published' or (this_update < next_update and entries >= 0 and octets > 0
                                  and octet_length(sha256) = 32 and published_at is not null))
);
create index on crl (list_id) where state = 'planned';
grant select, insert, update (state, this_update, next_update, entries, octets, sha256, published_at) on crl
  to intaglio_service;

-- The octets of the newest ones, in parts, so that nobody has to hold a large list twice.
create table crl_part (
  list_id uuid not null,
  number bigint not null,
  part int not null,
  octets bytea not null,
  primary key (list_id, number, part),
  foreign key (list_id, number) references crl
);
-- Serials are random: compressing them costs time and saves nothing.
alter table crl_part alter column octets set storage external;
grant select, insert, delete on crl_part to intaglio_service;

insert into schema_version values (19, 2);
