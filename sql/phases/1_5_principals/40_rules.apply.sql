-- step: 40_rules
-- why: A product belongs to a principal, and only a principal and a distributor have a relationship.

create trigger check_principal_organization
before insert on public.products
for each row when (new.deleted_at is null)
execute function public.validate_principal_organization('principal_id');

create trigger check_principal_organization_on_update
before update on public.products
for each row when (
    new.deleted_at is null and (old.deleted_at is not null or old.principal_id is distinct from new.principal_id)
) execute function public.validate_principal_organization('principal_id');

create trigger products_touch_updated_at
before update on public.products
for each row execute function public.touch_updated_at();

create trigger check_principal_organization
before insert on public.principal_distributor_relationships
for each row when (new.deleted_at is null)
execute function public.validate_principal_organization('principal_id');

create trigger check_principal_organization_on_update
before update on public.principal_distributor_relationships
for each row when (
    new.deleted_at is null and (old.deleted_at is not null or old.principal_id is distinct from new.principal_id)
) execute function public.validate_principal_organization('principal_id');

create trigger check_distributor_organization
before insert on public.principal_distributor_relationships
for each row when (new.deleted_at is null)
execute function public.validate_distributor_organization('distributor_id');

create trigger check_distributor_organization_on_update
before update on public.principal_distributor_relationships
for each row when (
    new.deleted_at is null and (old.deleted_at is not null or old.distributor_id is distinct from new.distributor_id)
) execute function public.validate_distributor_organization('distributor_id');

create trigger principal_distributor_relationships_touch_updated_at
before update on public.principal_distributor_relationships
for each row execute function public.touch_updated_at();
