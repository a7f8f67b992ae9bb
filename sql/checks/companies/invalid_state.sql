-- check: companies.invalid_state
-- severity: info
-- table: public.companies
-- why: A state of the USA has two letters, and none has digits: columns slipped in an import, or the name was written
--  out.
-- fix: Correct companies."stateAbbr".
-- returns: one row per company (id, detail)

with

companies as (

    select
        id,
        btrim("stateAbbr", ' ') as state,
        lower(btrim(country, ' ')) as country
    from public.companies
    where "stateAbbr" ~ '\S'

)

select
    id,
    'stateAbbr is no abbreviation of a state' as detail

from companies

where state ~ '[0-9]'
    or (
        country in ('us', 'usa', 'u.s.', 'u.s.a.', 'united states', 'united states of america')
        and state !~ '^[A-Za-z]{2}$'
    )
