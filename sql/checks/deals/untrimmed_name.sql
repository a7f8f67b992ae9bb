-- check: deals.untrimmed_name
-- severity: info
-- table: public.deals
-- why: Blanks around a name hide it from whoever looks for it by its beginning, and sort it to the wrong place.
-- fix: Remove the blanks; `crm-migrate fixes` writes the statement.
-- returns: one row per deal (id, detail)

with

deals as (

    select id, name from public.deals

)

select
    id,
    'name begins or ends with a blank' as detail

from deals

where (name like ' %' or name like '% ') and name ~ '\S'
