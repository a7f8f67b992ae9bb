-- step: 30_keys
-- why: The tables stand without keys again.

drop index public.opportunities_founding_interaction_id_idx;

alter table public.opportunities
    drop constraint opportunities_founding_interaction_id_fkey;

drop index public.interaction_participants_created_by_idx;

drop index public.interaction_participants_organization_id_idx;

drop index public.interaction_participants_contact_id_idx;

drop index public.interaction_participants_activity_id_idx;

alter table public.interaction_participants
    drop constraint interaction_participants_created_by_fkey,
    drop constraint interaction_participants_organization_id_fkey,
    drop constraint interaction_participants_contact_id_fkey,
    drop constraint interaction_participants_activity_id_fkey,
    drop constraint interaction_participants_pkey;

drop index public.activities_activity_date_idx;

drop index public.activities_created_by_idx;

drop index public.activities_opportunity_id_idx;

drop index public.activities_organization_id_idx;

drop index public.activities_contact_id_idx;

drop index public.activities_source_key;

alter table public.activities
    drop constraint activities_created_by_fkey,
    drop constraint activities_opportunity_id_fkey,
    drop constraint activities_organization_id_fkey,
    drop constraint activities_contact_id_fkey,
    drop constraint activities_pkey;
