-- What a revocation list says of a certificate besides that it is revoked: why (RFC 5280, 5.3.1; nothing is suspended),
-- when it was asked for, and, in revoked_at, when it was decided.
alter table certificate
  add column revocation_reason text check (revocation_reason in
    ('unspecified', 'keyCompromise', 'affiliationChanged', 'superseded', 'cessationOfOperation', 'privilegeWithdrawn')),
  add column revocation_requested_at timestamptz;
grant update (revocation_reason, revocation_requested_at) on certificate to intaglio_service;
-- Lists of what is revoked are read in this order, page by page.
create index on certificate (revoked_at, id) where state = 'revoked';
create index on credential (certificate_id) where certificate_id is not null;

insert into schema_version values (12, 2);
