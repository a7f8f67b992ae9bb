-- The change log: what was written since a migration, one row a written row, so that verification tells users' work
-- from what went wrong, and the way back knows what to keep.

create table if not exists migration.changes (
    relation text not null,
    key bigint not null,
    first_operation text not null,
    last_operation text not null,
    written_by text not null,
    first_at timestamptz not null default clock_timestamp(),
    last_at timestamptz not null default clock_timestamp(),
    identity jsonb,
    constraint migration_changes_pkey primary key (relation, key),
    constraint migration_changes_operation_check check (
        first_operation in ('INSERT', 'UPDATE', 'DELETE') and last_operation in ('INSERT', 'UPDATE', 'DELETE')
    )
);

comment on table migration.changes is
    'What was written since the migration, by relation and id; written_by is the role that did it last. Of a row of a
    new table that is gone, identity tells by what it is found again; nothing else of it is kept.';

create or replace function migration.note_changes() returns trigger
    language plpgsql
    security definer
    set search_path = ''
as $$
-- One upsert a statement. The role is that of the session, not that of a rule that wrote on its behalf. The owner alone
-- can write for somebody else (what comes back from the archive) or for nobody (a reject that is taken in late).
declare
    role_set constant text := current_setting('role');
    writer text := case role_set when 'none' then session_user else role_set end;
    owner_name constant text := current_user;
    written_for constant text := current_setting('crm.written_for', true);
begin
    if written_for <> '' and writer = owner_name then
        if written_for = 'nobody' then
            return null;
        end if;
        writer := written_for;
    end if;
    if tg_op = 'INSERT' then
        insert into migration.changes as changes (relation, key, first_operation, last_operation, written_by)
        select tg_table_name, rows_after.id, 'INSERT', 'INSERT', writer from rows_after group by rows_after.id
        on conflict (relation, key) do update
        set last_operation = 'INSERT', written_by = excluded.written_by, last_at = excluded.last_at, identity = null;
    elsif tg_op = 'UPDATE' then
        -- No join of the two: a plan that was made for one row would be kept for a hundred thousand.
        insert into migration.changes as changes (relation, key, first_operation, last_operation, written_by)
        select tg_table_name, touched.id, touched.operation, touched.operation, writer
        from (
            select
                both_sides.id,
                case
                    when not bool_or(both_sides.is_new) then 'DELETE' when bool_and(both_sides.is_new) then 'INSERT'
                    else 'UPDATE'
                end as operation
            from (
                select rows_after.id, true as is_new from rows_after
                union all
                select rows_before.id, false from rows_before
            ) as both_sides
            group by both_sides.id
        ) as touched
        on conflict (relation, key) do update
        set last_operation = excluded.last_operation, written_by = excluded.written_by, last_at = excluded.last_at;
    elsif tg_op = 'DELETE' then
        insert into migration.changes as changes (relation, key, first_operation, last_operation, written_by, identity)
        select
            tg_table_name,
            rows_before.id,
            'DELETE',
            'DELETE',
            writer,
            (
                select jsonb_object_agg(named.name, to_jsonb(rows_before) -> named.name)
                from unnest(tg_argv) as named (name)
            )
        from rows_before
        on conflict (relation, key) do update
        set
            last_operation = 'DELETE',
            written_by = excluded.written_by,
            last_at = excluded.last_at,
            identity = coalesce(changes.identity, excluded.identity);
    else
        execute format($truncated$
            insert into migration.changes as changes
                (relation, key, first_operation, last_operation, written_by, identity)
            select $1, emptied.id, 'DELETE', 'DELETE', $2, (
                select jsonb_object_agg(named.name, to_jsonb(emptied) -> named.name) from unnest($3) as named (name)
            )
            from %I.%I as emptied
            on conflict (relation, key) do update
            set
                last_operation = 'DELETE',
                written_by = excluded.written_by,
                last_at = excluded.last_at,
                identity = coalesce(changes.identity, excluded.identity)
        $truncated$, tg_table_schema, tg_table_name) using tg_table_name::text, writer, tg_argv;
    end if;
    return null;
end
$$;

comment on function migration.note_changes() is 'Notes in migration.changes which rows a statement has written.';

select migration.deny_others('migration.changes');

select migration.deny_callers('migration.note_changes()');
