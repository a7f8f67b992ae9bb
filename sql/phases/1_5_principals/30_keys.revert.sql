-- step: 30_keys
-- why: The tables stand without keys again.

drop index public.opportunity_products_product_id_idx;

alter table public.opportunity_products
    drop constraint opportunity_products_product_id_fkey;

drop index public.principal_distributor_relationships_created_by_idx;

drop index public.principal_distributor_relationships_distributor_id_idx;

drop index public.principal_distributor_relationships_principal_id_idx;

drop index public.principal_distributor_relationships_active_pair_key;

alter table public.principal_distributor_relationships
    drop constraint principal_distributor_relationships_created_by_fkey,
    drop constraint principal_distributor_relationships_distributor_id_fkey,
    drop constraint principal_distributor_relationships_principal_id_fkey,
    drop constraint principal_distributor_relationships_pkey;

drop index public.products_created_by_idx;

drop index public.products_principal_id_idx;

drop index public.products_living_sku_key;

alter table public.products
    drop constraint products_created_by_fkey,
    drop constraint products_principal_id_fkey,
    drop constraint products_pkey;
