-- Whether a client's authorization requests are taken only as they were pushed (RFC 9126, 5): then nobody who merely knows
-- its id can begin one. A binary of an older schema takes them either way.
alter table client add column require_pushed boolean not null default true;
grant update (require_pushed) on client to intaglio_service;

insert into schema_version values (10, 2);
