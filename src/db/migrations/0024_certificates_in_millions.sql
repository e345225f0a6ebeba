-- Among millions of certificates, the few of the service itself: asked for with each one that is issued.
drop index certificate_profile_not_before_idx;
create index certificate_of_services on certificate (profile, not_before, id)
  where profile in ('root', 'issuing', 'ocsp', 'tsu');
-- And among as many keys, those of authorities, whatever became of them.
create index key_of_authorities on key (id) where purpose = 'ca';

insert into schema_version values (24, 2);
