-- check: companies.duplicate_website
-- severity: info
-- table: public.companies
-- why: Companies with one website are often one organisation entered twice, or branches of one.
-- fix: Nothing has to be done where they are branches; name the parent in organizations.csv, or move contacts and
--  deals to one.
-- returns: one row per company but the first of those with one website (id, detail)

with

companies as (

    select
        id,
        regexp_replace(lower(btrim(website, ' ')), '^(https?://)?(www\.)?|/+$', '', 'g') as folded
    from public.companies
    where website <> ''

),

shared as (

    select
        folded,
        min(id) as first_id

    from companies

    where folded <> ''

    group by folded

    having count(*) > 1

)

select
    companies.id,
    'same website as company ' || cast(shared.first_id as text) as detail

from companies

inner join shared
    on shared.folded = companies.folded

where companies.id <> shared.first_id
