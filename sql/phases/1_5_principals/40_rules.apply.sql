-- step: 40_rules
-- why: A product belongs to a principal, and only a principal and a distributor have a relationship; a company stays
--  one as long as something living says that it is.

create function public.keep_organization_role() returns trigger
    language plpgsql
    security definer
    set search_path = ''
as $$
-- The trigger's argument is the role that the company would lose.
declare
    lost constant text := tg_argv[0];
    held text;
begin
    select listed.what into held
    from (
        select 1 as place, 'opportunity ' || participants.opportunity_id as what
        from public.opportunity_participants as participants
        where participants.organization_id = new.id and participants.role = lost and participants.deleted_at is null
        union all
        select 2, 'product ' || products.id
        from public.products as products
        where lost = 'principal' and products.principal_id = new.id and products.deleted_at is null
        union all
        select 3, 'relationship ' || relationships.id
        from public.principal_distributor_relationships as relationships
        where new.id = case lost
            when 'principal' then relationships.principal_id else relationships.distributor_id
        end and relationships.deleted_at is null
        union all
        select 4, 'contact ' || advocacies.contact_id || ' as advocate'
        from public.contact_preferred_principals as advocacies
        where lost = 'principal' and advocacies.principal_organization_id = new.id and advocacies.deleted_at is null
    ) as listed
    order by listed.place
    limit 1;
    if held is not null then
        raise exception 'company % stays a %: % has it as such', new.id, lost, held
        using errcode = 'check_violation', hint = 'Give its opportunities, products, relationships and advocates away, '
            'or delete them softly, first.';
    end if;
    return null;
end
$$;

comment on function public.keep_organization_role() is
    'A company stays a principal or distributor as long as something living has it as such.';

select migration.deny_callers('public.keep_organization_role()');

create trigger companies_keep_principal
after update on public.companies
for each row when (old.is_principal and not new.is_principal)
execute function public.keep_organization_role('principal');

create trigger companies_keep_distributor
after update on public.companies
for each row when (old.is_distributor and not new.is_distributor)
execute function public.keep_organization_role('distributor');

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
