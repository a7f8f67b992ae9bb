-- step: 30_keys
-- why: The tables stand without keys again.

drop index public.contact_preferred_principals_created_by_idx;

drop index public.contact_preferred_principals_principal_organization_id_idx;

drop index public.contact_preferred_principals_contact_id_idx;

drop index public.contact_preferred_principals_living_pair_key;

alter table public.contact_preferred_principals
    drop constraint contact_preferred_principals_created_by_fkey,
    drop constraint contact_preferred_principals_principal_organization_id_fkey,
    drop constraint contact_preferred_principals_contact_id_fkey,
    drop constraint contact_preferred_principals_pkey;

drop index public.contact_organizations_created_by_idx;

drop index public.contact_organizations_organization_id_idx;

drop index public.contact_organizations_contact_id_idx;

drop index public.contact_organizations_living_primary_key;

drop index public.contact_organizations_living_pair_key;

alter table public.contact_organizations
    drop constraint contact_organizations_created_by_fkey,
    drop constraint contact_organizations_organization_id_fkey,
    drop constraint contact_organizations_contact_id_fkey,
    drop constraint contact_organizations_pkey;
