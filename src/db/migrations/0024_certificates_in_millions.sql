-- Among millions of certificates, the few of the service itself: asked for with each one that is issued.
drop index certificate_profile_not_before_idx;
create index certificate_of_services on certificate (profile, not_before, id)
  where profile in ('root', 'issuing', 'ocsp', 'tsu');
-- And among as many keys, those of authorities, whatever became of them.
create index key_of_authorities on key (id) where purpose = 'ca';

-- What certificates are searched by stands beside what they are found in the order of: a page of the few among a million that
-- are suspended, say, is found without reading the certificates themselves.
alter table certificate add constraint certificate_serial unique (serial) include (state, profile, not_after);
alter table certificate drop constraint certificate_serial_key;
drop index certificate_by_subject;
create index certificate_by_subject on certificate (subject_key text_pattern_ops, id) include (state, profile, not_after)
  where subject_key is not null;

insert into schema_version values (24, 2);
