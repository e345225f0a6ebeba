-- Where a client may have authorization codes sent; none: it gets none (RFC 6749, 3.1.2.2).
alter table client add column redirect_uris text[] not null default '{}';
grant update (redirect_uris) on client to intaglio_service;

-- An authorisation that its holder made on the page has no bearer value until its code is redeemed, and one whose code
-- was redeemed twice is taken back.
alter table authorisation add column revoked_at timestamptz;
grant update (sad_hash, revoked_at) on authorisation to intaglio_service;

insert into schema_version values (6, 2);
