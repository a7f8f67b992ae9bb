-- step: 50_rules
-- why: From now on old and new names follow each other, whoever writes: stage and legacy_stage, customer and
--  company_id; probability, closing date and full text follow what they are made of. The mappings of this run are
--  written into functions, so that the rules hold when schema migration is gone one day.

do $$
-- The standard bodies of these functions are bound when they are created: no search_path can lead them astray, and the
-- planner can inline them, which keeps a bulk update cheap.
declare
    stages text;
    statuses text;
    legacy_stages text;
    chances text;
begin
    select
        string_agg(format(
            ' when legacy_stage = %L then %L::public.opportunity_stage', mapped.legacy_stage, mapped.stage
        ), ''),
        string_agg(format(
            ' when legacy_stage = %L then %L::public.opportunity_status', mapped.legacy_stage, mapped.status
        ), '')
    into stages, statuses
    from migration.stages as mapped;

    -- Back to an old word: the first that stands for the stage in stages.csv; else that of the nearest earlier stage of
    -- an open pipeline; else the stage's own name.
    select string_agg(
        format(' when stage = %L then %L', known.stage, coalesce(own.word, earlier.word, known.stage::text)), ''
    )
    into strict legacy_stages
    from unnest(enum_range(null::public.opportunity_stage)) as known (stage)
    left join lateral (
        select mapped.legacy_stage as word
        from migration.stages as mapped
        where mapped.stage = known.stage::text
        order by mapped.ctid
        limit 1
    ) as own on true
    left join lateral (
        select mapped.legacy_stage as word
        from migration.stages as mapped
        where known.stage <= 'negotiation' and mapped.stage::public.opportunity_stage < known.stage
        order by mapped.stage::public.opportunity_stage desc, mapped.ctid
        limit 1
    ) as earlier on true;

    select string_agg(format(' when stage = %L then %L::smallint', listed.stage, listed.probability), '')
    into chances
    from migration.probabilities as listed;

    execute 'create function public.stage_of(legacy_stage text) returns public.opportunity_stage
        language sql immutable parallel safe
        return case when legacy_stage is null then null' || coalesce(stages, '')
        || ' else ''lead''::public.opportunity_stage end';
    execute 'create function public.status_of(legacy_stage text) returns public.opportunity_status
        language sql immutable parallel safe
        return case when legacy_stage is null then null' || coalesce(statuses, '')
        || ' else ''active''::public.opportunity_status end';
    execute 'create function public.legacy_stage_of(stage public.opportunity_stage) returns text
        language sql immutable parallel safe
        return case' || legacy_stages || ' end';
    execute 'create function public.probability_of(stage public.opportunity_stage) returns smallint
        language sql immutable parallel safe
        return case when stage is null then null::smallint' || coalesce(chances, '') || ' end';
end
$$;

comment on function public.stage_of(text) is
    'The stage that a deal''s text stands for, by stages.csv; lead where unknown.';

comment on function public.status_of(text) is 'The status that a deal''s text stands for, by stages.csv.';

comment on function public.legacy_stage_of(public.opportunity_stage) is 'What old clients call a stage.';

comment on function public.probability_of(public.opportunity_stage) is
    'Chance of winning in percent at a stage, by probabilities.csv.';

create function public.touch_updated_at() returns trigger
    language plpgsql
    set search_path = ''
as $$
begin
    if new.updated_at is not distinct from old.updated_at then
        new.updated_at := now();
    end if;
    return new;
end
$$;

comment on function public.touch_updated_at() is 'Sets updated_at, unless the client sets it itself.';

-- The rules below run as their owner, as referential actions do: they hold whatever rights the writer has elsewhere.

create function public.opportunity_follows() returns trigger
    language plpgsql
    security definer
    set search_path = ''
as $$
begin
    if tg_op = 'INSERT' then
        new.customer_organization_id := coalesce(new.customer_organization_id, new.company_id);
        new.company_id := new.customer_organization_id;
        if new.legacy_stage is not null and new.stage = 'lead' then
            -- An old client knows the old word alone, and the stage is but its default.
            new.stage := public.stage_of(new.legacy_stage::text);
            if new.status = 'active' then
                new.status := public.status_of(new.legacy_stage::text);
            end if;
        elsif new.legacy_stage is not null and public.stage_of(new.legacy_stage::text) is distinct from new.stage then
            new.legacy_stage := public.legacy_stage_of(new.stage);
        end if;
        if new.probability is null then
            new.probability := public.probability_of(new.stage);
        elsif new.probability is distinct from public.probability_of(new.stage) then
            new.stage_manual := true;
        end if;
        if new.stage in ('closed_won', 'closed_lost') and new.actual_close_date is null then
            new.actual_close_date := cast(new.updated_at at time zone 'UTC' as date);
        end if;
        return new;
    end if;

    if new.customer_organization_id is distinct from old.customer_organization_id then
        new.company_id := new.customer_organization_id;
    elsif new.company_id is distinct from old.company_id then
        new.customer_organization_id := new.company_id;
    end if;

    if new.status is distinct from old.status and new.status_manual = old.status_manual then
        new.status_manual := true;
    end if;
    if new.stage is distinct from old.stage then
        if public.stage_of(new.legacy_stage::text) is distinct from new.stage then
            new.legacy_stage := public.legacy_stage_of(new.stage);
        end if;
    elsif new.legacy_stage is distinct from old.legacy_stage then
        new.stage := coalesce(public.stage_of(new.legacy_stage::text), new.stage);
        if not new.status_manual then
            new.status := coalesce(public.status_of(new.legacy_stage::text), new.status);
        end if;
    end if;

    if new.probability is distinct from old.probability
        and new.probability is distinct from public.probability_of(new.stage)
        and new.stage_manual = old.stage_manual
    then
        new.stage_manual := true;
    elsif not new.stage_manual and (new.stage <> old.stage or old.stage_manual) then
        new.probability := public.probability_of(new.stage);
    end if;

    if new.stage <> old.stage
        and new.actual_close_date is not distinct from old.actual_close_date
        and (new.stage in ('closed_won', 'closed_lost')) <> (old.stage in ('closed_won', 'closed_lost'))
    then
        new.actual_close_date := case
            when new.stage in ('closed_won', 'closed_lost') then cast(
                case when new.updated_at is distinct from old.updated_at then new.updated_at else now() end
                at time zone 'UTC' as date
            )
        end;
    end if;
    return new;
end
$$;

comment on function public.opportunity_follows() is
    'Keeps stage and legacy_stage, customer and company_id, probability, status and closing date of a row in step.';

create function public.opportunity_search() returns trigger
    language plpgsql
    security definer
    set search_path = ''
as $$
begin
    new.search_tsv := public.search_document(
        concat_ws(' ', new.name, new.description, new.category, new.next_action)
    );
    return new;
end
$$;

comment on function public.opportunity_search() is 'Keeps the full text of an opportunity.';

create function public.company_search() returns trigger
    language plpgsql
    security definer
    set search_path = ''
as $$
begin
    new.search_tsv := public.search_document(
        concat_ws(' ', new.name, new.sector, new.website, new.address, new.city)
    );
    return new;
end
$$;

comment on function public.company_search() is 'Keeps the full text of a company.';

create function public.contact_search() returns trigger
    language plpgsql
    security definer
    set search_path = ''
as $$
begin
    new.search_tsv := public.search_document(
        concat_ws(' ', new.first_name, new.last_name, new.title, new.department, new.background)
    );
    return new;
end
$$;

comment on function public.contact_search() is 'Keeps the full text of a contact.';

create function public.refuse_company_cycle() returns trigger
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    ancestor bigint := new.parent_company_id;
begin
    -- Each ancestor is locked on the way up: a session that adds the other half of a cycle waits, or cannot go on.
    while ancestor is not null and ancestor <> new.id loop
        select companies.parent_company_id into ancestor from public.companies where companies.id = ancestor for share;
    end loop;
    if ancestor = new.id then
        raise exception 'company % cannot belong to company %: it would belong to itself', new.id, new.parent_company_id
        using errcode = 'check_violation', hint = 'Choose a parent that is not below the company.';
    end if;
    return null;
end
$$;

comment on function public.refuse_company_cycle() is 'A hierarchy of companies cannot loop.';

select migration.deny_callers('public.stage_of(text)');

select migration.deny_callers('public.status_of(text)');

select migration.deny_callers('public.legacy_stage_of(public.opportunity_stage)');

select migration.deny_callers('public.probability_of(public.opportunity_stage)');

select migration.deny_callers('public.touch_updated_at()');

select migration.deny_callers('public.opportunity_follows()');

select migration.deny_callers('public.opportunity_search()');

select migration.deny_callers('public.company_search()');

select migration.deny_callers('public.contact_search()');

select migration.deny_callers('public.refuse_company_cycle()');

do $$
-- An opportunity without a stage is a lead, a deal without one was refused and still is: through the view nothing is
-- filled in. Where the customer had a default of their own, it goes on working for both. A plain null would not be
-- kept as a default, so that the table's own would be taken.
begin
    if exists (
        select from pg_catalog.pg_attribute as attributes
        inner join pg_catalog.pg_type as types on types.oid = attributes.atttypid
        where attributes.attrelid = 'public.opportunities'::regclass and attributes.attname = 'legacy_stage'
            and types.typcategory = 'S' and not attributes.atthasdef
    ) then
        execute format(
            'alter table public.opportunities alter column legacy_stage set default %L', public.legacy_stage_of('lead')
        );
        alter view public.deals alter column stage set default nullif('', '');
    end if;
end
$$;

-- Triggers fire in the order of their names: these see what a customer's own have made of the row.

create trigger zz_opportunities_follow_on_insert
before insert on public.opportunities
for each row execute function public.opportunity_follows();

create trigger zz_opportunities_follow_on_update
before update on public.opportunities
for each row when (
    old.stage is distinct from new.stage
    or old.legacy_stage is distinct from new.legacy_stage
    or old.status is distinct from new.status
    or old.probability is distinct from new.probability
    or old.stage_manual is distinct from new.stage_manual
    or old.company_id is distinct from new.company_id
    or old.customer_organization_id is distinct from new.customer_organization_id
) execute function public.opportunity_follows();

create trigger zz_opportunities_search_on_insert
before insert on public.opportunities
for each row execute function public.opportunity_search();

create trigger zz_opportunities_search_on_update
before update on public.opportunities
for each row when (
    old.name is distinct from new.name
    or old.description is distinct from new.description
    or old.category is distinct from new.category
    or old.next_action is distinct from new.next_action
) execute function public.opportunity_search();

create trigger opportunities_touch_updated_at
before update on public.opportunities
for each row execute function public.touch_updated_at();

create trigger zz_companies_search_on_insert
before insert on public.companies
for each row execute function public.company_search();

create trigger zz_companies_search_on_update
before update on public.companies
for each row when (
    old.name is distinct from new.name
    or old.sector is distinct from new.sector
    or old.website is distinct from new.website
    or old.address is distinct from new.address
    or old.city is distinct from new.city
) execute function public.company_search();

create trigger companies_refuse_cycle_on_insert
after insert on public.companies
for each row when (new.parent_company_id is not null) execute function public.refuse_company_cycle();

create trigger companies_refuse_cycle_on_update
after update on public.companies
for each row when (
    new.parent_company_id is not null and old.parent_company_id is distinct from new.parent_company_id
) execute function public.refuse_company_cycle();

create trigger zz_contacts_search_on_insert
before insert on public.contacts
for each row execute function public.contact_search();

create trigger zz_contacts_search_on_update
before update on public.contacts
for each row when (
    old.first_name is distinct from new.first_name
    or old.last_name is distinct from new.last_name
    or old.title is distinct from new.title
    or old.department is distinct from new.department
    or old.background is distinct from new.background
) execute function public.contact_search();
