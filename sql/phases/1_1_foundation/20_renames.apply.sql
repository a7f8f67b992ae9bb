-- step: 20_renames
-- why: The table behind a deal is an opportunity from now on; sequences, constraints, indexes and policies follow, and
--  views under the old names answer old clients and the models alike.

alter table public.deals rename to opportunities;

alter table public.opportunities rename column stage to legacy_stage;

alter table public."dealNotes" rename to "opportunityNotes";

alter table public."opportunityNotes" rename column deal_id to opportunity_id;

do $$
-- Names that begin with the table's old name follow it. Each is noted, so that the way back restores exactly these.
-- A name that would grow beyond 63 bytes stays: PostgreSQL would cut it, and two could become one.
declare
    followed record;
    moved record;
begin
    for moved in
        select 'public.opportunities'::regclass as relation, 'deals' as old_name, 'opportunities' as new_name
        union all
        select 'public."opportunityNotes"'::regclass, 'dealNotes', 'opportunityNotes'
    loop
        for followed in
            select 'constraint' as kind, constraints.conname as old_name
            from pg_catalog.pg_constraint as constraints
            where constraints.conrelid = moved.relation
            union all
            select 'index', classes.relname
            from pg_catalog.pg_index as indexes
            inner join pg_catalog.pg_class as classes on classes.oid = indexes.indexrelid
            where indexes.indrelid = moved.relation
                and not exists (
                    select from pg_catalog.pg_constraint as owners where owners.conindid = indexes.indexrelid
                    and owners.conrelid = indexes.indrelid
                )
            union all
            select 'sequence', classes.relname
            from pg_catalog.pg_depend as dependencies
            inner join pg_catalog.pg_class as classes on classes.oid = dependencies.objid and classes.relkind = 'S'
            where dependencies.refobjid = moved.relation
                and dependencies.classid = 'pg_catalog.pg_class'::regclass
                and dependencies.refclassid = 'pg_catalog.pg_class'::regclass
                and dependencies.deptype in ('a', 'i')
        loop
            continue when not starts_with(followed.old_name, moved.old_name || '_');
            continue when octet_length(followed.old_name) + octet_length(moved.new_name)
                - octet_length(moved.old_name) > 63;
            insert into migration.renames (kind, relation, old_name, new_name)
            values (
                followed.kind,
                moved.new_name,
                followed.old_name,
                moved.new_name || substr(followed.old_name, length(moved.old_name) + 1)
            );
        end loop;
    end loop;

    insert into migration.renames (kind, relation, old_name, new_name)
    select
        'policy',
        classes.relname,
        policies.polname,
        replace(
            replace(replace(replace(policies.polname, 'Deals', 'Opportunities'), 'Deal', 'Opportunity'),
            'deals', 'opportunities'), 'deal', 'opportunity'
        )
    from pg_catalog.pg_policy as policies
    inner join pg_catalog.pg_class as classes on classes.oid = policies.polrelid
    where policies.polrelid in ('public.opportunities'::regclass, 'public."opportunityNotes"'::regclass)
        and policies.polname ~ '[Dd]eal'
        and octet_length(policies.polname) < 40;

    for followed in
        select kind, relation, old_name, new_name from migration.renames
    loop
        case followed.kind
            when 'constraint' then
                execute format('alter table public.%I rename constraint %I to %I',
                    followed.relation, followed.old_name, followed.new_name);
            when 'index' then
                execute format('alter index public.%I rename to %I', followed.old_name, followed.new_name);
            when 'sequence' then
                execute format('alter sequence public.%I rename to %I', followed.old_name, followed.new_name);
            when 'policy' then
                execute format('alter policy %I on public.%I rename to %I',
                    followed.old_name, followed.relation, followed.new_name);
        end case;
    end loop;
end
$$;

-- Soft deletes are hidden by views, so this column is there before the first one.
alter table public.opportunities
    add column deleted_at timestamptz;

comment on column public.opportunities.deleted_at is 'When it was deleted softly.';

do $$
-- The old names answer as views: the same columns in the same order, a customer's own included. What comes after
-- `not exists` is always true; each statement looks there once, and PostgreSQL counts who (sql/state/70_usage.sql).
declare
    listed text;
    counted constant text := $counted$not exists (
        select from migration.%I as uses
        where uses.reader = case
            when starts_with(current_setting('application_name'), 'crm-migrate ') then 'crm-migrate'
            else cast(current_user as text)
        end
    )$counted$;
begin
    select string_agg(
        case attributes.attname
            when 'legacy_stage' then 'legacy_stage as stage'
            else quote_ident(attributes.attname)
        end, ', ' order by attributes.attnum)
    into strict listed
    from pg_catalog.pg_attribute as attributes
    where attributes.attrelid = 'public.opportunities'::regclass
        and attributes.attnum > 0 and not attributes.attisdropped and attributes.attname <> 'deleted_at';
    execute 'create view public.deals with (security_invoker = on) as select ' || listed
        || ' from public.opportunities where deleted_at is null and ' || format(counted, 'uses_of_deals');

    select string_agg(
        case attributes.attname
            when 'opportunity_id' then 'opportunity_id as deal_id'
            else quote_ident(attributes.attname)
        end, ', ' order by attributes.attnum)
    into strict listed
    from pg_catalog.pg_attribute as attributes
    where attributes.attrelid = 'public."opportunityNotes"'::regclass
        and attributes.attnum > 0 and not attributes.attisdropped;
    execute 'create view public."dealNotes" with (security_invoker = on) as select ' || listed
        || ' from public."opportunityNotes" where ' || format(counted, 'uses_of_dealNotes');
end
$$;

comment on view public.deals is 'The opportunities as old clients know them: readable and writable as the table was.';

comment on view public."dealNotes" is
    'The notes of opportunities as old clients know them: readable and writable as the table was.';

select migration.deny_others('public.deals');

select migration.deny_others('public."dealNotes"');
