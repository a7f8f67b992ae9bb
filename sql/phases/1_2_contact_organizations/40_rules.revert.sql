-- step: 40_rules
-- why: Company and memberships go their own ways again.

drop trigger companies_take_contacts_along on public.companies;

drop trigger contacts_follow_on_update on public.contacts;

drop trigger contacts_follow_on_insert on public.contacts;

drop trigger contact_organizations_follow_on_delete on public.contact_organizations;

drop trigger contact_organizations_follow_on_update on public.contact_organizations;

drop trigger contact_organizations_follow_on_insert on public.contact_organizations;

drop trigger contact_organizations_yield_on_update on public.contact_organizations;

drop trigger contact_organizations_yield_on_insert on public.contact_organizations;

drop trigger contact_organizations_touch_updated_at on public.contact_organizations;

drop trigger contact_preferred_principals_touch_updated_at on public.contact_preferred_principals;

drop trigger check_principal_organization_on_update on public.contact_preferred_principals;

drop trigger check_principal_organization on public.contact_preferred_principals;

drop function public.company_takes_its_contacts_along();

drop function public.membership_follows_contact();

drop function public.contact_follows_membership();

drop function public.company_follows(bigint, bigint);

drop function public.membership_follows(bigint);

drop function public.yield_primary_membership();

drop function public.validate_principal_organization();
