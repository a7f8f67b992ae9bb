-- step: 60_summaries
-- why: The summaries keep their columns, first and unchanged, and count what is new. The old views wait in schema
--  migration, where the new ones build on them and the way back finds them; whatever a customer added to them survives.
--  Run with the caller's rights, contacts_summary no longer shows every contact to anon.

insert into migration.renames (kind, relation, old_name, new_name)
select
    'security_invoker',
    classes.relname,
    coalesce((
        select options.option_value
        from pg_catalog.pg_options_to_table(classes.reloptions) as options
        where options.option_name = 'security_invoker'
    ), 'unset'),
    'on'
from pg_catalog.pg_class as classes
where classes.oid in ('public.companies_summary'::regclass, 'public.contacts_summary'::regclass);

alter view public.companies_summary set schema migration;

alter view migration.companies_summary set (security_invoker = on);

alter view public.contacts_summary set schema migration;

alter view migration.contacts_summary set (security_invoker = on);

do $$
-- Their columns are read from the catalogue, since a customer may have added some.
declare
    listed text;
begin
    select string_agg('legacy.' || quote_ident(attributes.attname), ', ' order by attributes.attnum)
    into strict listed
    from pg_catalog.pg_attribute as attributes
    where attributes.attrelid = 'migration.companies_summary'::regclass and attributes.attnum > 0;
    execute 'create view public.companies_summary with (security_invoker = on) as select ' || listed || $view$,
        (
            select count(*) from public.contact_organizations as memberships
            where memberships.organization_id = legacy.id and memberships.deleted_at is null
        ) as nb_members,
        (
            select count(*) from public.opportunity_participants as participants
            where participants.organization_id = legacy.id and participants.deleted_at is null
        ) as nb_participations,
        (
            select count(*) from public.activities as activities
            where activities.organization_id = legacy.id and activities.deleted_at is null
        ) as nb_activities
    from migration.companies_summary as legacy
    inner join public.companies as companies on companies.id = legacy.id
    where companies.deleted_at is null
    $view$;

    select string_agg('legacy.' || quote_ident(attributes.attname), ', ' order by attributes.attnum)
    into strict listed
    from pg_catalog.pg_attribute as attributes
    where attributes.attrelid = 'migration.contacts_summary'::regclass and attributes.attnum > 0;
    execute 'create view public.contacts_summary with (security_invoker = on) as select ' || listed || $view$,
        (
            select count(*) from public.contact_organizations as memberships
            where memberships.contact_id = legacy.id and memberships.deleted_at is null
        ) as nb_organizations,
        (
            select count(*) from public.activities as activities
            where activities.contact_id = legacy.id and activities.deleted_at is null
        ) as nb_activities
    from migration.contacts_summary as legacy
    inner join public.contacts as contacts on contacts.id = legacy.id
    where contacts.deleted_at is null
    $view$;
end
$$;

comment on view public.companies_summary is
    'Companies with the counts that old clients know, then members, participations, activities.';
comment on column public.companies_summary.nb_members is 'How many contacts are or were members of it.';
comment on column public.companies_summary.nb_participations is 'In how many opportunities it takes part, by role.';
comment on column public.companies_summary.nb_activities is 'How many activities were with it.';

comment on view public.contacts_summary is 'Contacts as old clients know them, then organisations and activities.';
comment on column public.contacts_summary.nb_organizations is 'How many organisations it belongs or belonged to.';
comment on column public.contacts_summary.nb_activities is 'How many activities were with it.';

-- The columns of a deal first, in their old order; stage among them is the enumeration, the old word comes after them.
create view public.opportunities_summary with (security_invoker = on) as
select
    -- what a deal has
    opportunities.id,
    opportunities.name,
    opportunities.company_id,
    opportunities.contact_ids,
    opportunities.category,
    opportunities.stage,
    opportunities.description,
    opportunities.amount,
    opportunities.created_at,
    opportunities.updated_at,
    opportunities.archived_at,
    opportunities.expected_closing_date,
    opportunities.sales_id,
    opportunities."index",
    opportunities.legacy_stage,

    -- ids
    opportunities.customer_organization_id,
    opportunities.principal_organization_id,
    opportunities.distributor_organization_id,

    -- facts
    opportunities.status,
    opportunities.priority,
    opportunities.probability,
    opportunities.stage in ('closed_won', 'closed_lost') as is_deal,
    opportunities.next_action,

    -- names
    customers.name as customer_organization_name,
    principals.name as principal_organization_name,
    distributors.name as distributor_organization_name,
    array(
        select concat_ws(' ', contacts.first_name, contacts.last_name)
        from public.contacts as contacts
        where contacts.id = any (opportunities.contact_ids) and contacts.deleted_at is null
        order by contacts.id
    ) as contact_names,

    -- counts
    (
        select count(*) from public.opportunity_participants as participants
        where participants.opportunity_id = opportunities.id and participants.deleted_at is null
    ) as nb_participants,
    (
        select count(*) from public.opportunity_products as products
        where products.opportunity_id = opportunities.id and products.deleted_at is null
    ) as nb_products,
    (
        select count(*) from public.activities as activities
        where activities.opportunity_id = opportunities.id and activities.deleted_at is null
    ) as nb_interactions,
    (
        select count(*) from public."opportunityNotes" as notes where notes.opportunity_id = opportunities.id
    ) as nb_notes,

    -- dates
    opportunities.estimated_close_date,
    opportunities.actual_close_date,
    opportunities.next_action_date,

    -- flags
    coalesce(customers.deleted_at is not null, false) as customer_deleted

from public.opportunities as opportunities

left join public.companies as customers
    on customers.id = opportunities.customer_organization_id

left join public.companies as principals
    on principals.id = opportunities.principal_organization_id

left join public.companies as distributors
    on distributors.id = opportunities.distributor_organization_id

where opportunities.deleted_at is null;

comment on view public.opportunities_summary is
    'Living opportunities with the names and counts a list needs; is_deal says that it is won or lost.';
comment on column public.opportunities_summary.stage is 'Stage of the pipeline, as new clients know it.';
comment on column public.opportunities_summary.legacy_stage is 'Stage as old clients know it.';
comment on column public.opportunities_summary.is_deal is 'True where it is won or lost.';
comment on column public.opportunities_summary.contact_names is 'Names of its living contacts, by their ids.';
comment on column public.opportunities_summary.nb_participants is 'How many participations are living.';
comment on column public.opportunities_summary.nb_products is 'How many products it lists.';
comment on column public.opportunities_summary.nb_interactions is 'How many interactions took place on it.';
comment on column public.opportunities_summary.nb_notes is 'How many notes it has.';
comment on column public.opportunities_summary.customer_deleted is
    'True where the customer was deleted softly; its opportunities stay.';

select migration.deny_others('public.companies_summary');

select migration.deny_others('public.contacts_summary');

select migration.deny_others('public.opportunities_summary');
