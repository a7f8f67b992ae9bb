-- check: sales.blank_name
-- severity: info
-- table: public.sales
-- why: A user whose name is blank shows up as nobody in what he created.
-- fix: Write the user's first and last name.
-- returns: one row per user (id, detail)

with

sales as (

    select id, first_name, last_name from public.sales

)

select
    id,
    'first_name or last_name is blank' as detail

from sales

where first_name !~ '\S' or last_name !~ '\S'
