-- Answers about a certificate that were signed ahead (RFC 6960, 2.5): one for each hash that CertIDs are made with, for the
-- signature covers it. A cache: what is not here is signed when it is asked for.
create table ocsp_answer (
  certificate_id uuid not null references certificate,
  hash text not null check (hash in ('SHA-1', 'SHA-256')),
  -- The responder whose certificate the answer carries: when it is revoked, none of its answers is given any more.
  signer_id uuid not null references certificate,
  this_update timestamptz not null,
  next_update timestamptz not null,
  der bytea not null,
  primary key (certificate_id, hash)
) with (fillfactor = 80);
create index on ocsp_answer (next_update);

-- Certificates whose status changed, by the transaction that changed it, so that a replica that has answers in memory finds
-- all changes since it last looked: those of transactions that were under way then, too. Of the last hours only.
create table certificate_change (
  certificate_id uuid not null references certificate,
  xid xid8 not null default pg_current_xact_id(),
  at timestamptz not null default now()
);
create index on certificate_change (xid);
create index on certificate_change (at);

-- Whoever changes the status of a certificate takes its answers away, in the same transaction.
create function certificate_status_changed() returns trigger language plpgsql as $$
begin
  delete from ocsp_answer where certificate_id = new.id;
  insert into certificate_change (certificate_id) values (new.id);
  return null;
end $$;
create trigger certificate_status_changed after update of state, revoked_at, revocation_reason on certificate
  -- Nobody was told anything about one that is not issued yet.
  for each row when (old.state <> 'planned' and (old.state, old.revoked_at, old.revocation_reason)
                       is distinct from (new.state, new.revoked_at, new.revocation_reason))
  execute function certificate_status_changed();

-- Among millions of certificates, the few of authorities and responders.
create index on certificate (profile, not_before) where profile in ('issuing', 'ocsp');

-- Signatures that are counted and not audited. A process takes numbers before it asks the token, in blocks, so that there
-- are never more signatures than numbers; when it ends it gives back what it did not use.
create table signature_counter (
  key_id uuid not null references key,
  instance_id uuid not null,
  taken bigint not null,
  -- Of these, given out; as known when the row was last written.
  made bigint not null default 0,
  updated_at timestamptz not null default now(),
  primary key (key_id, instance_id),
  check (made between 0 and taken)
);

grant select, insert, update (signer_id, this_update, next_update, der), delete on ocsp_answer to intaglio_service;
grant select, insert, delete on certificate_change to intaglio_service;
grant select, insert, update (taken, made, updated_at) on signature_counter to intaglio_service;

insert into schema_version values (20, 2);
