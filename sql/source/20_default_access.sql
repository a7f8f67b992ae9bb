-- Supabase lets every API role at everything that appears in public; row-level security alone holds them back.
-- Before the tables, since default privileges work only on what is created after them. Needs the three API roles.

grant usage on schema public, auth, storage to anon, authenticated, service_role;

alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
alter default privileges in schema public grant all on sequences to anon, authenticated, service_role;
alter default privileges in schema public grant all on routines to anon, authenticated, service_role;
