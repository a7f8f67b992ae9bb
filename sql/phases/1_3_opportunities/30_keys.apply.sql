-- step: 30_keys
-- why: Keys, references and indexes after the rows; uniqueness is that of living rows.

alter table public.opportunity_participants
    add constraint opportunity_participants_pkey primary key (id),
    add constraint opportunity_participants_opportunity_id_fkey foreign key (opportunity_id)
    references public.opportunities (id) on update cascade on delete cascade,
    add constraint opportunity_participants_organization_id_fkey foreign key (organization_id)
    references public.companies (id) on update cascade on delete cascade,
    add constraint opportunity_participants_created_by_fkey foreign key (created_by)
    references public.sales (id) on update cascade on delete set null;

create unique index opportunity_participants_living_role_key
on public.opportunity_participants (opportunity_id, organization_id, role)
where deleted_at is null;

create unique index opportunity_participants_living_customer_key
on public.opportunity_participants (opportunity_id)
where role = 'customer' and deleted_at is null;

create unique index opportunity_participants_living_principal_key
on public.opportunity_participants (opportunity_id)
where role = 'principal' and deleted_at is null;

create unique index opportunity_participants_living_primary_key
on public.opportunity_participants (opportunity_id, role)
where is_primary and deleted_at is null;

create index opportunity_participants_opportunity_id_idx
on public.opportunity_participants (opportunity_id);

create index opportunity_participants_organization_id_idx
on public.opportunity_participants (organization_id);

create index opportunity_participants_created_by_idx
on public.opportunity_participants (created_by);

alter table public.opportunity_products
    add constraint opportunity_products_pkey primary key (id),
    add constraint opportunity_products_opportunity_id_fkey foreign key (opportunity_id)
    references public.opportunities (id) on update cascade on delete cascade,
    add constraint opportunity_products_created_by_fkey foreign key (created_by)
    references public.sales (id) on update cascade on delete set null;

create index opportunity_products_opportunity_id_idx
on public.opportunity_products (opportunity_id);

create index opportunity_products_created_by_idx
on public.opportunity_products (created_by);

-- Once for all loads of a table.
analyze public.opportunity_participants;
