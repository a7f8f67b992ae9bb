-- step: 40_keys
-- why: Every rule is there and validated, every index can be used.

with

expected as (

    select unnest(array[
        'companies_priority_check',
        'companies_roles_check',
        'companies_parent_company_id_check',
        'companies_parent_company_id_fkey',
        'opportunities_probability_check',
        'opportunities_customer_organization_id_fkey',
        'opportunities_principal_organization_id_fkey',
        'opportunities_distributor_organization_id_fkey'
    ]) as name

),

expected_indexes as (

    select unnest(array[
        'companies_parent_company_id_idx',
        'companies_search_tsv_idx',
        'contacts_company_id_idx',
        'contacts_search_tsv_idx',
        'opportunity_notes_opportunity_id_idx',
        'opportunities_customer_organization_id_idx',
        'opportunities_principal_organization_id_idx',
        'opportunities_distributor_organization_id_idx',
        'opportunities_search_tsv_idx'
    ]) as name

)

select
    'constraint ' || expected.name as object,
    'is missing or not validated' as problem

from expected

left join pg_catalog.pg_constraint as constraints
    on constraints.conname = expected.name and constraints.convalidated

where constraints.conname is null

union all

select
    'index ' || expected_indexes.name as object,
    'is missing or invalid' as problem

from expected_indexes

left join pg_catalog.pg_index as indexes
    on indexes.indexrelid = to_regclass('public.' || expected_indexes.name) and indexes.indisvalid

where indexes.indexrelid is null
