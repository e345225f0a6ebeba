-- Wrong secrets on a page of ours are counted apart from those of clients, under a name that is no client's.
alter table activation_attempt drop constraint activation_attempt_client_id_fkey;

insert into schema_version values (15, 2);
