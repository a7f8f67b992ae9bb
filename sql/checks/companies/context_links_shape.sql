-- check: companies.context_links_shape
-- severity: warning
-- table: public.companies
-- why: companies.context_links is a list of web addresses; a client that reads another shape shows nothing or stops.
-- fix: Rewrite companies.context_links as a list of addresses that begin with http.
-- returns: one row per company (id, detail)

with

companies as (

    select
        id,
        json_typeof(context_links) as shape,
        case when json_typeof(context_links) = 'array' then context_links end as listed
    from public.companies
    where context_links is not null

),

links as (

    select
        id,
        json_array_elements(listed) as entry

    from companies

)

select
    id,
    'context_links is of type ' || shape || ', not a list' as detail

from companies

where shape not in ('array', 'null')

union all

select
    id,
    'entries of context_links that are no web address: ' || cast(count(*) as text) as detail

from links

where cast(entry as text) !~* '^"https?:[\\/]{2,4}[^\s"]+"$'

group by id
