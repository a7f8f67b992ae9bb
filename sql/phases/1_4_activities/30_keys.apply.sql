-- step: 30_keys
-- why: Keys, references and indexes after the rows; a source row has at most one activity.

alter table public.activities
    add constraint activities_pkey primary key (id),
    add constraint activities_contact_id_fkey foreign key (contact_id)
    references public.contacts (id) on update cascade on delete cascade,
    add constraint activities_organization_id_fkey foreign key (organization_id)
    references public.companies (id) on update cascade on delete cascade,
    add constraint activities_opportunity_id_fkey foreign key (opportunity_id)
    references public.opportunities (id) on update cascade on delete cascade,
    add constraint activities_created_by_fkey foreign key (created_by)
    references public.sales (id) on update cascade on delete set null;

create unique index activities_source_key
on public.activities (source_table, source_id);

create index activities_contact_id_idx
on public.activities (contact_id);

create index activities_organization_id_idx
on public.activities (organization_id);

create index activities_opportunity_id_idx
on public.activities (opportunity_id);

create index activities_created_by_idx
on public.activities (created_by);

create index activities_activity_date_idx
on public.activities (activity_date);

alter table public.interaction_participants
    add constraint interaction_participants_pkey primary key (id),
    add constraint interaction_participants_activity_id_fkey foreign key (activity_id)
    references public.activities (id) on update cascade on delete cascade,
    add constraint interaction_participants_contact_id_fkey foreign key (contact_id)
    references public.contacts (id) on update cascade on delete cascade,
    add constraint interaction_participants_organization_id_fkey foreign key (organization_id)
    references public.companies (id) on update cascade on delete cascade,
    add constraint interaction_participants_created_by_fkey foreign key (created_by)
    references public.sales (id) on update cascade on delete set null;

create index interaction_participants_activity_id_idx
on public.interaction_participants (activity_id);

create index interaction_participants_contact_id_idx
on public.interaction_participants (contact_id);

create index interaction_participants_organization_id_idx
on public.interaction_participants (organization_id);

create index interaction_participants_created_by_idx
on public.interaction_participants (created_by);

alter table public.opportunities
    add constraint opportunities_founding_interaction_id_fkey foreign key (founding_interaction_id)
    references public.activities (id) on update cascade on delete set null;

create index opportunities_founding_interaction_id_idx on public.opportunities (founding_interaction_id)
where founding_interaction_id is not null;

-- Once for all loads of a table.
analyze public.activities;
