-- model: companies
-- target: public.companies
-- mode: update
-- driver: public.companies.id
-- key: id
-- rows: same
-- uncompared: search_tsv
-- why: A company's part in the business: what the analyst says; else customer where it has a deal, prospect where not.

with

companies as (

    select id, name, sector, website, address, city from public.companies

),

organizations as (

    select company_id, organization_type, is_principal, is_distributor, parent_company_id, segment, priority
    from migration.organizations

),

deals as (

    select company_id from public.deals

)

select
    -- ids
    companies.id,
    organizations.parent_company_id,

    -- facts
    coalesce(
        organizations.organization_type,
        case
            when organizations.is_principal then 'principal'
            when organizations.is_distributor then 'distributor'
            when exists (select 1 from deals where deals.company_id = companies.id) then 'customer'
            else 'prospect'
        end
    ) as organization_type,
    coalesce(organizations.is_principal, organizations.organization_type = 'principal', false) as is_principal,
    coalesce(organizations.is_distributor, organizations.organization_type = 'distributor', false) as is_distributor,
    coalesce(organizations.segment, 'Standard') as segment,
    coalesce(organizations.priority, 'C') as priority,
    public.search_document(
        concat_ws(' ', companies.name, companies.sector, companies.website, companies.address, companies.city)
    ) as search_tsv

from companies

left join organizations
    on organizations.company_id = companies.id
