-- step: 30_columns
-- why: Every new column is there.

with

expected as (

    select relation, unnest(string_to_array(names, ' ')) as name
    from (
        values
        (
            'companies',
            'organization_type is_principal is_distributor parent_company_id segment priority deleted_at search_tsv'
        ),
        ('contacts', 'department deleted_at search_tsv company_id_backup'),
        (
            'opportunities',
            'stage status priority probability estimated_close_date actual_close_date customer_organization_id '
            || 'principal_organization_id distributor_organization_id founding_interaction_id stage_manual '
            || 'status_manual next_action next_action_date competition decision_criteria deleted_at search_tsv '
            || 'original_company_id legacy_stage'
        )
    ) as listed (relation, names)

)

select
    format('column public.%s.%s', expected.relation, expected.name) as object,
    'is missing' as problem

from expected

left join pg_catalog.pg_attribute as attributes
    on attributes.attrelid = to_regclass('public.' || expected.relation)
        and attributes.attname = expected.name
        and not attributes.attisdropped

where attributes.attname is null
