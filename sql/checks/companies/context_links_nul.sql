-- check: companies.context_links_nul
-- severity: warning
-- table: public.companies
-- why: The text \u0000 is legal in json and not in jsonb: it is carried over, and whatever casts the column to jsonb
--  stops.
-- fix: Take \u0000 out of companies.context_links.
-- returns: one row per company (id, detail)

with

companies as (

    select id, cast(context_links as text) as context_links from public.companies

)

select
    id,
    'context_links holds \u0000' as detail

from companies

where context_links ~ '(^|[^\\])(\\\\)*\\u0000'
