-- step: 30_keys
-- why: Keys, references and indexes after the rows; uniqueness is that of living rows.

alter table public.products
    add constraint products_pkey primary key (id),
    add constraint products_principal_id_fkey foreign key (principal_id)
    references public.companies (id) on update cascade on delete cascade,
    add constraint products_created_by_fkey foreign key (created_by)
    references public.sales (id) on update cascade on delete set null;

create unique index products_living_sku_key
on public.products (principal_id, sku)
where deleted_at is null;

create index products_principal_id_idx
on public.products (principal_id);

create index products_created_by_idx
on public.products (created_by);

alter table public.principal_distributor_relationships
    add constraint principal_distributor_relationships_pkey primary key (id),
    add constraint principal_distributor_relationships_principal_id_fkey foreign key (principal_id)
    references public.companies (id) on update cascade on delete cascade,
    add constraint principal_distributor_relationships_distributor_id_fkey foreign key (distributor_id)
    references public.companies (id) on update cascade on delete cascade,
    add constraint principal_distributor_relationships_created_by_fkey foreign key (created_by)
    references public.sales (id) on update cascade on delete set null;

create unique index principal_distributor_relationships_active_pair_key
on public.principal_distributor_relationships (principal_id, distributor_id)
where relationship_status = 'active' and deleted_at is null;

create index principal_distributor_relationships_principal_id_idx
on public.principal_distributor_relationships (principal_id);

create index principal_distributor_relationships_distributor_id_idx
on public.principal_distributor_relationships (distributor_id);

create index principal_distributor_relationships_created_by_idx
on public.principal_distributor_relationships (created_by);

alter table public.opportunity_products
    add constraint opportunity_products_product_id_fkey foreign key (product_id)
    references public.products (id) on update cascade on delete set null;

create index opportunity_products_product_id_idx on public.opportunity_products (product_id);

-- Once for all loads of a table.
analyze public.products;

analyze public.principal_distributor_relationships;
