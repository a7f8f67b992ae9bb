-- check: sales.without_administrator
-- severity: warning
-- table: public.sales
-- why: Where no user who can sign in is an administrator, nobody can invite, enable or disable users after the
--  migration.
-- fix: Make a user an administrator.
-- returns: one row, the first user (id, detail)

with

sales as (

    select id, administrator and not disabled as administers from public.sales

),

counted as (

    select
        min(id) as id,
        sum(case when administers then 1 else 0 end) as administrators

    from sales

)

select
    id,
    'no user who can sign in is an administrator' as detail

from counted

where administrators = 0
