-- check: companies.duplicate_name
-- severity: warning
-- table: public.companies
-- why: Two organisations of one name split contacts, opportunities and roles that belong to one customer or
--  principal.
-- fix: Move contacts and deals to the first company and delete this one, or tell them apart by name.
-- returns: one row per company but the first of those with one name (id, detail)

with

companies as (

    select id, lower(btrim(name, ' ')) as folded from public.companies

),

twins as (

    select
        id,
        folded,
        min(id) over (partition by folded) as first_id

    from companies

    where folded <> ''

)

select
    id,
    'same name as company ' || cast(first_id as text) as detail

from twins

where id <> first_id
