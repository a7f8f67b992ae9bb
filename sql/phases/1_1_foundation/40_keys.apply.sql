-- step: 40_keys
-- why: Rules, references and indexes come after the rows, which is faster and leaves no row unchecked.
--  Deletes that worked before still work: a parent, principal or distributor that goes is forgotten, no hindrance.

alter table public.companies
    add constraint companies_priority_check check (priority in ('A', 'B', 'C', 'D')),
    add constraint companies_roles_check check (
        (organization_type <> 'customer' or not (is_principal or is_distributor))
        and (organization_type <> 'principal' or is_principal)
        and (organization_type <> 'distributor' or is_distributor)
    ),
    add constraint companies_parent_company_id_check check (parent_company_id <> id),
    add constraint companies_parent_company_id_fkey foreign key (parent_company_id)
    references public.companies (id) on update cascade on delete set null;

create index companies_parent_company_id_idx on public.companies (parent_company_id)
where parent_company_id is not null;

create index companies_search_tsv_idx on public.companies using gin (search_tsv);

create index contacts_search_tsv_idx on public.contacts using gin (search_tsv);

alter table public.opportunities
    add constraint opportunities_probability_check check (probability between 0 and 100),
    add constraint opportunities_customer_organization_id_fkey foreign key (customer_organization_id)
    references public.companies (id) on update cascade on delete cascade,
    add constraint opportunities_principal_organization_id_fkey foreign key (principal_organization_id)
    references public.companies (id) on update cascade on delete set null,
    add constraint opportunities_distributor_organization_id_fkey foreign key (distributor_organization_id)
    references public.companies (id) on update cascade on delete set null;

create index opportunities_customer_organization_id_idx on public.opportunities (customer_organization_id);

-- Most opportunities have neither: an index of those that do serves as well, and a bulk update pays less.
create index opportunities_principal_organization_id_idx on public.opportunities (principal_organization_id)
where principal_organization_id is not null;

create index opportunities_distributor_organization_id_idx on public.opportunities (distributor_organization_id)
where distributor_organization_id is not null;

create index opportunities_search_tsv_idx on public.opportunities using gin (search_tsv);

-- What the summaries count by, and what a soft delete of a company looks for.
create index contacts_company_id_idx on public.contacts (company_id);

create index opportunity_notes_opportunity_id_idx on public."opportunityNotes" (opportunity_id);
