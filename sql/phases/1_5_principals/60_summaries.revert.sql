-- step: 60_summaries
-- why: The old views take their places again, as they were.

drop view public.opportunities_summary;

drop view public.contacts_summary;

drop view public.companies_summary;

do $$
declare
    noted record;
begin
    for noted in
        select relation, old_name from migration.renames where kind = 'security_invoker'
    loop
        if noted.old_name = 'unset' then
            execute format('alter view migration.%I reset (security_invoker)', noted.relation);
        else
            execute format('alter view migration.%I set (security_invoker = %s)', noted.relation, noted.old_name);
        end if;
        execute format('alter view migration.%I set schema public', noted.relation);
    end loop;
    delete from migration.renames where kind = 'security_invoker';
end
$$;
