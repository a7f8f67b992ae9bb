-- check: companies.untrimmed_name
-- severity: info
-- table: public.companies
-- why: Blanks around a name hide it from whoever looks for it by its beginning, and sort it to the wrong place.
-- fix: Remove the blanks; `crm-migrate fixes` writes the statement.
-- returns: one row per company (id, detail)

with

companies as (

    select id, name from public.companies

)

select
    id,
    'name begins or ends with a blank' as detail

from companies

where (name like ' %' or name like '% ') and name ~ '\S'
