-- The maintenance window (C8): what was taken away when it closed, so that opening gives back exactly that.

create table if not exists migration.window_state (
    is_closed boolean primary key default true check (is_closed),
    closed_at timestamptz not null default clock_timestamp()
);

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

select migration.deny_others('migration.window_state');

select migration.deny_others('migration.window_grants');
