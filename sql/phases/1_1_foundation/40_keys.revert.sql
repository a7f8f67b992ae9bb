-- step: 40_keys
-- why: The columns stand bare again.

drop index public.opportunity_notes_opportunity_id_idx;

drop index public.contacts_company_id_idx;

drop index public.opportunities_search_tsv_idx;

drop index public.opportunities_distributor_organization_id_idx;

drop index public.opportunities_principal_organization_id_idx;

drop index public.opportunities_customer_organization_id_idx;

alter table public.opportunities
    drop constraint opportunities_distributor_organization_id_fkey,
    drop constraint opportunities_principal_organization_id_fkey,
    drop constraint opportunities_customer_organization_id_fkey,
    drop constraint opportunities_probability_check;

drop index public.contacts_search_tsv_idx;

drop index public.companies_search_tsv_idx;

drop index public.companies_parent_company_id_idx;

alter table public.companies
    drop constraint companies_parent_company_id_fkey,
    drop constraint companies_parent_company_id_check,
    drop constraint companies_roles_check,
    drop constraint companies_priority_check;
