-- The maintenance window (C8): what was taken away when it closed, so that opening gives back exactly that.

create table if not exists migration.window_state (
    is_closed boolean primary key default true check (is_closed),
    closed_at timestamptz not null default clock_timestamp()
);

alter table migration.window_state add column if not exists run_id text, add column if not exists until timestamptz;

comment on table migration.window_state is 'One row while the window is closed, none while it is open.';

create table if not exists migration.window_grants (
    relation oid not null,
    relation_name text not null,
    relation_kind text not null,
    column_number smallint not null,
    column_name text not null,
    grantee oid not null,
    grantor oid not null,
    by_owner boolean not null,
    privilege text not null,
    grantable boolean not null,
    primary key (relation, column_number, grantee, grantor, privilege)
);

comment on table migration.window_grants is
    'Write privileges that were taken away. A relation is found by its oid, which outlives a rename; by its name, if it
    was dropped and made again. Column 0 is the whole table, grantee 0 is public.';

create table if not exists migration.window_others (
    kind text not null,
    object oid not null,
    name text not null,
    grantee oid not null,
    grantor oid not null,
    by_owner boolean not null,
    privilege text not null,
    grantable boolean not null,
    given boolean not null,
    primary key (kind, object, grantee, grantor, privilege, given)
);

alter table migration.window_others
    add column if not exists column_number smallint not null default 0,
    add column if not exists column_name text not null default '';

do $$
begin
    if exists (
        select from pg_catalog.pg_constraint
        where conrelid = 'migration.window_others'::regclass and conname = 'window_others_pkey'
            and cardinality(conkey) = 6
    ) then
        alter table migration.window_others
            drop constraint window_others_pkey,
            add constraint window_others_pkey
                primary key (kind, object, column_number, grantee, grantor, privilege, given);
    end if;
end
$$;

comment on table migration.window_others is
    'The same for functions, tables and views elsewhere, the schema and the database; given: what was granted for the
    time of the window, to be taken back when it opens. Column 0 is the whole object.';

create or replace view public.migration_status as
-- Read with its owner's rights: those who ask have none in schema migration, and learn no more than this.
select
    case
        when windows.closed_at is not null then 'read_only'
        when runs.status = 'completed' then 'done'
        else 'open'
    end as state,
    case
        when windows.closed_at is null then ''
        when windows.until is null then 'read-only for maintenance'
        when windows.until < clock_timestamp() then 'read-only, for longer than announced'
        else 'read-only until ' || to_char(windows.until at time zone 'UTC', 'HH24:MI') || ' UTC'
    end as message,
    coalesce(windows.closed_at, runs.finished_at) as since,
    windows.until
from (values (1)) as one_row (number)
left join migration.window_state as windows on true
left join lateral (
    select status, finished_at from migration.runs order by started_at desc, run_id desc limit 1
) as runs on true;

comment on view public.migration_status is
    'For the application: may users write, and if not, until when. One row; state is open, read_only or done.';

select migration.deny_others('public.migration_status');

do $$
declare
    reader text;
begin
    for reader in
        select quote_ident(rolname) from pg_catalog.pg_roles where rolname in ('anon', 'authenticated', 'service_role')
    loop
        execute format('grant select on table public.migration_status to %s', reader);
    end loop;
end
$$;

select migration.deny_others('migration.window_others');

select migration.deny_others('migration.window_state');

select migration.deny_others('migration.window_grants');
