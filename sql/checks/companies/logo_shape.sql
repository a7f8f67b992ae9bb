-- check: companies.logo_shape
-- severity: warning
-- table: public.companies
-- why: companies.logo is an object with src; a client that reads another shape shows nothing or stops.
-- fix: Set companies.logo to null, or to {"src": …}.
-- returns: one row per company (id, detail)

with

-- what the application writes is passed over as text; only the rest is looked into
companies as (

    select
        id,
        logo,
        jsonb_typeof(logo) as shape
    from public.companies
    where cast(logo as text) !~ '^\{((, )?"[a-z]+": "[^"\\]*")*\}$'

)

select
    id,
    case when shape = 'object' then 'logo has a src that is no text' else 'logo is of type ' || shape end as detail

from companies

where shape not in ('object', 'null') or jsonb_typeof((logo -> 'src')) not in ('string', 'null')
