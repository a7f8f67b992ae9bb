-- step: 50_rules
-- why: Nothing follows by itself any more.

drop trigger zz_contacts_search_on_update on public.contacts;

drop trigger zz_contacts_search_on_insert on public.contacts;

drop trigger companies_refuse_cycle_on_update on public.companies;

drop trigger companies_refuse_cycle_on_insert on public.companies;

drop trigger zz_companies_search_on_update on public.companies;

drop trigger zz_companies_search_on_insert on public.companies;

drop trigger opportunities_touch_updated_at on public.opportunities;

drop trigger zz_opportunities_search_on_update on public.opportunities;

drop trigger zz_opportunities_search_on_insert on public.opportunities;

drop trigger zz_opportunities_follow_on_update on public.opportunities;

drop trigger zz_opportunities_follow_on_insert on public.opportunities;

do $$
begin
    if exists (select from pg_catalog.pg_attrdef where adrelid = 'public.deals'::regclass) then
        alter view public.deals alter column stage drop default;
        alter table public.opportunities alter column legacy_stage drop default;
    end if;
end
$$;

drop function public.refuse_company_cycle();

drop function public.contact_search();

drop function public.company_search();

drop function public.opportunity_search();

drop function public.opportunity_follows();

drop function public.touch_updated_at();

drop function public.probability_of(public.opportunity_stage);

drop function public.legacy_stage_of(public.opportunity_stage);

drop function public.status_of(text);

drop function public.stage_of(text);
