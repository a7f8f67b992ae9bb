-- check: deals.without_company
-- severity: warning
-- table: public.deals
-- why: An opportunity without a company has no customer, so no participant, and its notes become rejects.
-- fix: Set deals.company_id.
-- returns: one row per deal (id, detail)

with

deals as (

    select id, company_id from public.deals

)

select
    id,
    'company_id is null' as detail

from deals

where company_id is null
