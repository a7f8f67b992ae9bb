-- model: opportunities
-- target: public.opportunities
-- mode: update
-- driver: public.deals.id
-- key: id
-- rows: same
-- uncompared: search_tsv
-- why: A deal's stage, dates and company in the words of an opportunity. The rules are data: mappings/stages.csv turns
--  'won' into 'closed_won', mappings/probabilities.csv gives a stage its probability. An unknown stage becomes a lead.

with

deals as (

    select
        id,
        company_id,
        name,
        description,
        category,
        stage,
        updated_at,
        expected_closing_date
    from public.deals

),

stages as (

    select legacy_stage, stage, status from migration.stages

),

probabilities as (

    select stage, probability from migration.probabilities

),

opportunity_roles as (

    select opportunity_id, principal_id, distributor_id from migration.opportunity_roles

)

select
    -- ids
    deals.id,
    deals.company_id as customer_organization_id,
    opportunity_roles.principal_id as principal_organization_id,
    opportunity_roles.distributor_id as distributor_organization_id,
    deals.company_id as original_company_id,

    -- facts
    coalesce(stages.stage, 'lead') as stage,
    coalesce(stages.status, 'active') as status,
    probabilities.probability,
    public.search_document(concat_ws(' ', deals.name, deals.description, deals.category)) as search_tsv,

    -- dates
    cast(deals.expected_closing_date at time zone 'UTC' as date) as estimated_close_date,
    case
        when stages.stage in ('closed_won', 'closed_lost') then cast(deals.updated_at at time zone 'UTC' as date)
    end as actual_close_date

from deals

left join stages
    on stages.legacy_stage = deals.stage

left join probabilities
    on probabilities.stage = coalesce(stages.stage, 'lead')

left join opportunity_roles
    on opportunity_roles.opportunity_id = deals.id
