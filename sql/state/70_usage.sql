-- Who still uses the old names (E3). A view leaves no trace in PostgreSQL's statistics, a table does: whatever reads,
-- updates or deletes through public.deals or public."dealNotes" looks once a statement into a partition that never
-- holds a row, one for each role, and PostgreSQL counts those scans, also in a transaction that may only read.

create table if not exists migration.use_counters (
    relation text not null,
    role text not null,
    marker text not null unique,
    calls bigint not null default 0,
    counted_since timestamptz not null default clock_timestamp(),
    seen_at timestamptz not null default clock_timestamp(),
    used_at timestamptz,
    constraint migration_use_counters_pkey primary key (relation, role)
);

comment on table migration.use_counters is
    'What PostgreSQL''s statistics said last of each partition: calls so far, since when they are counted without a gap,
    and when the last one was, or was noticed. An empty role stands for all that have no partition of their own.
    pg_nobody, which no role can be called, counts what looks into every partition and is no use, such as pg_dump.';

create table if not exists migration.usage (
    day date not null,
    relation text not null,
    role text not null,
    application text not null,
    source text not null,
    count bigint not null,
    last_at timestamptz not null,
    constraint migration_usage_pkey primary key (day, relation, role, application, source),
    constraint migration_usage_source_check check (source in ('counter', 'session'))
);

comment on table migration.usage is
    'Use of the old names by UTC day. counter: statements, by the role they ran as. session: sessions that were seen with
    an old name, by login role and application. No text of a statement is kept.';

do $$
declare
    viewed text;
    parent text;
    reader text;
    marker text;
begin
    foreach viewed in array array['deals', 'dealNotes'] loop
        parent := 'uses_of_' || viewed;
        if to_regclass(format('migration.%I', parent)) is null then
            -- A role's name is compared in collation C; with another one here, every partition would be looked into.
            execute format(
                'create table migration.%I (reader text collate "C" not null) partition by list (reader)', parent
            );
            execute format(
                'comment on table migration.%I is %L', parent,
                'Never holds a row; PostgreSQL counts who looks into it. Everybody may, through the view alone.'
            );
            perform migration.deny_others(format('migration.%I', parent)::regclass);
            execute format('grant select on table migration.%I to public', parent);
        end if;
        for reader in
            select listed.name from unnest(array['', 'crm-migrate', 'pg_nobody']) as listed (name)
            union
            select roles.rolname::text
            from pg_catalog.pg_class as classes
            cross join lateral pg_catalog.aclexplode(
                coalesce(classes.relacl, pg_catalog.acldefault('r', classes.relowner))
            ) as privileges
            inner join pg_catalog.pg_roles as roles on roles.oid = privileges.grantee
            where classes.oid = to_regclass(format('public.%I', viewed)) and privileges.privilege_type = 'SELECT'
            order by 1 desc
        loop
            continue when exists (
                select from migration.use_counters as counters
                where counters.relation = viewed and counters.role = reader
            );
            marker := format('%s_%s', parent, left(md5(reader), 12));
            execute format(
                'create table migration.%I partition of migration.%I %s', marker, parent,
                case reader when '' then 'default' else format('for values in (%L)', reader) end
            );
            perform migration.deny_others(format('migration.%I', marker)::regclass);
            insert into migration.use_counters (relation, role, marker) values (viewed, reader, marker);
            -- The default partition is looked through for rows of the new one, which is no use.
            update migration.use_counters as counters
            set calls = counters.calls + 1
            where counters.relation = viewed and counters.role = '' and reader <> '';
        end loop;
    end loop;
end
$$;

select migration.deny_others('migration.use_counters');

select migration.deny_others('migration.usage');
