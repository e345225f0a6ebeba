create role intaglio_owner login createrole;
create role intaglio_service login;
create database intaglio owner intaglio_owner;
revoke all on database intaglio from public;
grant connect on database intaglio to intaglio_service;
