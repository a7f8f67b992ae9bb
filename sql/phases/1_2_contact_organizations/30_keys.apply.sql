-- step: 30_keys
-- why: Keys, references and indexes after the rows; uniqueness is that of living rows.

alter table public.contact_organizations
    add constraint contact_organizations_pkey primary key (id),
    add constraint contact_organizations_contact_id_fkey foreign key (contact_id)
    references public.contacts (id) on update cascade on delete cascade,
    add constraint contact_organizations_organization_id_fkey foreign key (organization_id)
    references public.companies (id) on update cascade on delete cascade,
    add constraint contact_organizations_created_by_fkey foreign key (created_by)
    references public.sales (id) on update cascade on delete set null;

create unique index contact_organizations_living_pair_key
on public.contact_organizations (contact_id, organization_id)
where deleted_at is null;

create unique index contact_organizations_living_primary_key
on public.contact_organizations (contact_id)
where is_primary_contact and deleted_at is null;

create index contact_organizations_contact_id_idx
on public.contact_organizations (contact_id);

create index contact_organizations_organization_id_idx
on public.contact_organizations (organization_id);

create index contact_organizations_created_by_idx
on public.contact_organizations (created_by);

alter table public.contact_preferred_principals
    add constraint contact_preferred_principals_pkey primary key (id),
    add constraint contact_preferred_principals_contact_id_fkey foreign key (contact_id)
    references public.contacts (id) on update cascade on delete cascade,
    add constraint contact_preferred_principals_principal_organization_id_fkey foreign key (principal_organization_id)
    references public.companies (id) on update cascade on delete cascade,
    add constraint contact_preferred_principals_created_by_fkey foreign key (created_by)
    references public.sales (id) on update cascade on delete set null;

create unique index contact_preferred_principals_living_pair_key
on public.contact_preferred_principals (contact_id, principal_organization_id)
where deleted_at is null;

create index contact_preferred_principals_contact_id_idx
on public.contact_preferred_principals (contact_id);

create index contact_preferred_principals_principal_organization_id_idx
on public.contact_preferred_principals (principal_organization_id);

create index contact_preferred_principals_created_by_idx
on public.contact_preferred_principals (created_by);

-- Once for all loads of a table.
analyze public.contact_organizations;

analyze public.contact_preferred_principals;
