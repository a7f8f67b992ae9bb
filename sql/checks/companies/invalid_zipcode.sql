-- check: companies.invalid_zipcode
-- severity: info
-- table: public.companies
-- why: A zip code that cannot be one does not reach the place; a leading zero that a spreadsheet took away is the
--  usual reason.
-- fix: Correct companies.zipcode.
-- returns: one row per company (id, detail)

with

companies as (

    select
        id,
        btrim(zipcode, ' ') as zipcode,
        lower(btrim(country, ' ')) as country
    from public.companies
    where zipcode ~ '\S'

)

select
    id,
    'zipcode is none, or none of this country' as detail

from companies

where zipcode !~ '[0-9]'
    or length(zipcode) > 12
    or (
        country in ('us', 'usa', 'u.s.', 'u.s.a.', 'united states', 'united states of america')
        and zipcode !~ '^[0-9]{5}([ -]?[0-9]{4})?$'
    )
    or (
        country in ('germany', 'deutschland', 'france', 'italy', 'italia', 'spain', 'españa')
        and zipcode !~ '^([A-Za-z]{1,2}[ -]?)?[0-9]{5}( cedex.*)?$'
    )
