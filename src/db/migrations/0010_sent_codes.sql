-- Where messages reach a person, as a URI: mailto:, tel:. Erased with the rest.
alter table person_detail add column contact text;
grant update (contact) on person_detail to intaglio_service;

-- One-time codes that were sent. The code is derived by the token over the row and stored nowhere: who alters a row has
-- another code, and nobody was sent that one.
create table sent_code (
  id uuid primary key,
  credential_id text not null references credential,
  -- Who asked for it, and may use it.
  client_id text not null references client,
  person_id uuid not null references person,
  expires_at timestamptz not null,
  used_at timestamptz,
  created_at timestamptz not null default now()
);
create index on sent_code (credential_id, created_at);
create index on sent_code (client_id, created_at);
create index on sent_code (person_id, created_at);

grant select, insert, update (used_at), delete on sent_code to intaglio_service;

insert into schema_version values (10, 2);
