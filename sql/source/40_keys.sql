-- Primary keys, the one unique key, foreign keys. Nothing else is indexed; tasks.sales_id, deals.contact_ids and
-- contacts.tags have no foreign key.

alter table public.companies add constraint companies_pkey primary key (id);
alter table public.contacts add constraint contacts_pkey primary key (id);
alter table public."contactNotes" add constraint "contactNotes_pkey" primary key (id);
alter table public."dealNotes" add constraint "dealNotes_pkey" primary key (id);
alter table public.deals add constraint deals_pkey primary key (id);
alter table public.sales add constraint sales_pkey primary key (id);
alter table public.tags add constraint tags_pkey primary key (id);
alter table public.tasks add constraint tasks_pkey primary key (id);

alter table public.sales add constraint uq__sales__user_id unique (user_id);

alter table public.sales
    add constraint sales_user_id_fkey foreign key (user_id) references auth.users (id);

alter table public.companies
    add constraint companies_sales_id_fkey foreign key (sales_id) references public.sales (id);

alter table public.contacts
    add constraint contacts_company_id_fkey foreign key (company_id) references public.companies (id)
        on update cascade on delete cascade,
    add constraint contacts_sales_id_fkey foreign key (sales_id) references public.sales (id);

alter table public."contactNotes"
    add constraint "contactNotes_contact_id_fkey" foreign key (contact_id) references public.contacts (id)
        on update cascade on delete cascade,
    add constraint "contactNotes_sales_id_fkey" foreign key (sales_id) references public.sales (id)
        on update cascade on delete cascade;

alter table public.deals
    add constraint deals_company_id_fkey foreign key (company_id) references public.companies (id)
        on update cascade on delete cascade,
    add constraint deals_sales_id_fkey foreign key (sales_id) references public.sales (id);

alter table public."dealNotes"
    add constraint "dealNotes_deal_id_fkey" foreign key (deal_id) references public.deals (id)
        on update cascade on delete cascade,
    add constraint "dealNotes_sales_id_fkey" foreign key (sales_id) references public.sales (id);

alter table public.tasks
    add constraint tasks_contact_id_fkey foreign key (contact_id) references public.contacts (id)
        on update cascade on delete cascade;
