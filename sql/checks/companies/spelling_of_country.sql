-- check: companies.spelling_of_country
-- severity: info
-- table: public.companies
-- why: One country in several spellings falls apart in every list and filter.
-- fix: Write it as most companies have it.
-- returns: one row per company (id, detail)

with

companies as (

    select
        id,
        country,
        lower(translate(btrim(country, ' '), '.', '')) as folded
    from public.companies
    where country ~ '\S'

),

spellings as (

    select
        country,
        folded,
        count(*) as uses

    from companies

    group by country, folded

),

ranked as (

    select
        country,
        row_number() over (partition by folded order by uses desc, country) as place

    from spellings

)

select
    companies.id,
    'country is spelt otherwise by more companies' as detail

from companies

inner join ranked
    on ranked.country = companies.country

where ranked.place > 1
