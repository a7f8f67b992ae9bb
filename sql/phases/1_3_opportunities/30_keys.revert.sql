-- step: 30_keys
-- why: The tables stand without keys again.

drop index public.opportunity_products_created_by_idx;

drop index public.opportunity_products_opportunity_id_idx;

alter table public.opportunity_products
    drop constraint opportunity_products_created_by_fkey,
    drop constraint opportunity_products_opportunity_id_fkey,
    drop constraint opportunity_products_pkey;

drop index public.opportunity_participants_created_by_idx;

drop index public.opportunity_participants_organization_id_idx;

drop index public.opportunity_participants_opportunity_id_idx;

drop index public.opportunity_participants_living_primary_key;

drop index public.opportunity_participants_living_principal_key;

drop index public.opportunity_participants_living_customer_key;

drop index public.opportunity_participants_living_role_key;

alter table public.opportunity_participants
    drop constraint opportunity_participants_created_by_fkey,
    drop constraint opportunity_participants_organization_id_fkey,
    drop constraint opportunity_participants_opportunity_id_fkey,
    drop constraint opportunity_participants_pkey;
