-- What a customer builds on top of an Atomic CRM; as the owner of its tables.

alter table public.deals
    add column "Größe in m²" numeric(10, 2) default 1.5,
    add column "order" integer generated always as (coalesce("index", 0) * 10) stored,
    add column "say ""hi""" text collate "C" check ("say ""hi""" <> 'bye'),
    add column external_key uuid,
    add constraint deals_external_key_key unique (external_key),
    add constraint "deals_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" check (amount is distinct from 666),
    add constraint amount_in_sight check (amount < 9000000000000000000) not valid;
alter table public."dealNotes" add column pinned boolean not null default false;
alter table public.contacts add column "Kürzel" varchar(3);
alter table public.companies add column meta jsonb not null default '{}';
alter table public.deals alter column description set storage external;
alter table public.deals alter column stage set statistics 500;
alter table public.deals set (fillfactor = 80, autovacuum_enabled = false);
alter table public."dealNotes" replica identity full;

create index deals_company_and_stage on public.deals (company_id, stage) where archived_at is null;
create index "deals_Über ""name""" on public.deals (lower(name) text_pattern_ops desc nulls last) include (amount);
create index notes_by_day on public."dealNotes" using brin (date);
create statistics public.deals_together (dependencies) on stage, category from public.deals;
cluster public.deals using deals_pkey;

create table public.invoices (
    id bigint generated always as identity primary key,
    deal_id bigint not null constraint invoices_deal references public.deals on update cascade on delete restrict,
    note_id bigint references public."dealNotes" deferrable initially deferred
);
create table public.deals_archive (like public.deals including all);

create view public.big_deals with (security_barrier = on) as
select deals.*, companies.name as company_name
from public.deals left join public.companies on companies.id = deals.company_id
where deals.amount > 1000 and deals.stage <> 'lost';
create view public.over_views as select name, company_name from public.big_deals where "order" > 0 with check option;
create view public.over_summaries as
select contacts.email_fts, companies.nb_deals
from public.contacts_summary as contacts
left join public.companies_summary as companies on companies.id = contacts.company_id;
create materialized view public.deals_by_stage as
select stage, count(*) as deals, sum(amount) as amount from public.deals group by stage;
create unique index deals_by_stage_key on public.deals_by_stage (stage);
create rule remember as on delete to public.tags do also notify tags;

create function public.value_of(deal public.deals) returns bigint language sql stable
as 'select coalesce(deal.amount, 0)';
create function public.deals_of(company bigint) returns setof public.deals language plpgsql stable security definer
set search_path = public
as $$ begin return query select * from deals where company_id = company; end $$;
create function public.stamp() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger stamp before insert or update of stage, amount on public.deals
for each row when (new.stage is not null) execute function public.stamp();
create trigger asleep after delete on public.deals for each statement execute function public.stamp();
alter table public.deals disable trigger asleep;
alter table public."dealNotes" enable row level security;
create constraint trigger late after insert on public."dealNotes" deferrable initially deferred
for each row execute function public.stamp();
alter table public."dealNotes" enable always trigger late;

create policy "Deals of the open day" on public.deals as restrictive for all to authenticated, anon
using (coalesce(current_setting('app.closed', true), '') <> 'yes');
create policy "Everyone's deals, ""quoted""" on public.deals for select using (true);
alter table public.tasks force row level security;

grant select (id, stage, "Größe in m²"), update (stage) on public.deals to anon with grant option;
grant select on public.big_deals, public.deals_by_stage, public.over_views to anon;
revoke delete on public.deals from authenticated;
revoke all on sequence public.deals_id_seq from anon;
grant usage on sequence public.deals_id_seq to anon with grant option;
revoke execute on function public.deals_of(bigint) from public;
grant insert (deal_id, text), references (deal_id) on public."dealNotes" to anon;

create publication feed for table public.deals, public."dealNotes", public.companies with (publish = 'insert, update');
create publication parts for table public.deals (id, name, stage) where (id > 0), public.tags;

comment on table public.deals is 'Our deals, ''quoted''';
comment on column public.deals.stage is 'Ours: where it stands';
comment on column public."dealNotes".deal_id is 'Ours: which deal';
comment on constraint deals_pkey on public.deals is 'Ours: the key';
comment on constraint "dealNotes_deal_id_fkey" on public."dealNotes" is 'Ours: the reference';
comment on index public.deals_company_and_stage is 'Ours: the board';
comment on sequence public.deals_id_seq is 'Ours: the numbers';
comment on trigger stamp on public.deals is 'Ours: the stamp';
comment on policy "Deals Delete Policy" on public.deals is 'Ours: who deletes';
comment on view public.contacts_summary is 'Ours: the list';
comment on column public.companies_summary.nb_deals is 'Ours: the count';
comment on view public.big_deals is 'Ours: the big ones';
comment on materialized view public.deals_by_stage is 'Ours: the chart';
comment on function public.deals_of(bigint) is 'Ours: of a company';
comment on statistics public.deals_together is 'Ours: what goes together';
