-- What a credential names its entry for. Of what it does not name, relying parties would not hear. Null: everything, as in a token
-- status list; or it was issued before this was written down.
alter table status_entry add column purposes text[]
  check (purposes <@ array['revocation', 'suspension'] and cardinality(purposes) > 0);

insert into schema_version values (28, 2);
