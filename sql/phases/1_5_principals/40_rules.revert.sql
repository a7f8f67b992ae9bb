-- step: 40_rules
-- why: Nothing asks for the roles any more.

drop trigger principal_distributor_relationships_touch_updated_at on public.principal_distributor_relationships;

drop trigger check_distributor_organization_on_update on public.principal_distributor_relationships;

drop trigger check_distributor_organization on public.principal_distributor_relationships;

drop trigger check_principal_organization_on_update on public.principal_distributor_relationships;

drop trigger check_principal_organization on public.principal_distributor_relationships;

drop trigger products_touch_updated_at on public.products;

drop trigger check_principal_organization_on_update on public.products;

drop trigger check_principal_organization on public.products;

drop trigger companies_keep_distributor on public.companies;

drop trigger companies_keep_principal on public.companies;

drop function public.keep_organization_role();
