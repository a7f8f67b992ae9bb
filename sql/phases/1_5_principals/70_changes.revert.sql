-- step: 70_changes
-- why: Nothing is noted any more; what was written since is in the archive by now.

do $$
declare
    listed record;
begin
    for listed in
        select tables.relname as relation, triggers.tgname as name
        from pg_catalog.pg_trigger as triggers
        inner join pg_catalog.pg_class as tables on tables.oid = triggers.tgrelid
        where triggers.tgfoid = 'migration.note_changes()'::regprocedure
        order by tables.relname, triggers.tgname
    loop
        execute format('drop trigger %I on public.%I', listed.name, listed.relation);
    end loop;
end
$$;

delete from migration.changes;
