-- step: 20_renames
-- why: Every name goes back to what it was.

drop view public."dealNotes";

drop view public.deals;

alter table public.opportunities
    drop column deleted_at;

do $$
declare
    followed record;
begin
    for followed in
        select kind, relation, old_name, new_name from migration.renames
    loop
        case followed.kind
            when 'constraint' then
                execute format('alter table public.%I rename constraint %I to %I',
                    followed.relation, followed.new_name, followed.old_name);
            when 'index' then
                execute format('alter index public.%I rename to %I', followed.new_name, followed.old_name);
            when 'sequence' then
                execute format('alter sequence public.%I rename to %I', followed.new_name, followed.old_name);
            when 'policy' then
                execute format('alter policy %I on public.%I rename to %I',
                    followed.new_name, followed.relation, followed.old_name);
        end case;
    end loop;
    delete from migration.renames;
end
$$;

alter table public."opportunityNotes" rename column opportunity_id to deal_id;

alter table public."opportunityNotes" rename to "dealNotes";

alter table public.opportunities rename column legacy_stage to stage;

alter table public.opportunities rename to deals;
