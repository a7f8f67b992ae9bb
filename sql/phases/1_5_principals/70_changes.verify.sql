-- step: 70_changes
-- why: Every way of writing into every table is noted.

with

tables as (

    select unnest(array[
        'companies',
        'contacts',
        'opportunities',
        'contactNotes',
        'opportunityNotes',
        'tasks',
        'tags',
        'sales',
        'contact_organizations',
        'contact_preferred_principals',
        'opportunity_participants',
        'opportunity_products',
        'activities',
        'interaction_participants',
        'products',
        'principal_distributor_relationships'
    ]) as relation

),

expected as (

    select
        tables.relation,
        names.name
    from tables
    cross join unnest(
        array['zz_note_inserts', 'zz_note_updates', 'zz_note_deletes', 'zz_note_truncates']
    ) as names (name)

)

select
    format('trigger %s on public.%I', expected.name, expected.relation) as object,
    'is missing or disabled' as problem

from expected

left join pg_catalog.pg_trigger as triggers
    on triggers.tgrelid = to_regclass(format('public.%I', expected.relation))
        and triggers.tgname = expected.name
        and triggers.tgfoid = to_regprocedure('migration.note_changes()')
        and triggers.tgenabled <> 'D'

where triggers.tgname is null
