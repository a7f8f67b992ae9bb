-- check: sales.invalid_email
-- severity: warning
-- table: public.sales
-- why: A user whose e-mail address cannot be one gets no notice of the migration and cannot sign in.
-- fix: Correct the address in auth.users; the trigger carries it to sales.
-- returns: one row per user (id, detail)

with

sales as (

    select id, btrim(email, ' ') as email from public.sales

)

select
    id,
    'email is not an address' as detail

from sales

where email !~ '^[^@\s,;<>"]+@[^@\s.,;<>"]+(\.[^@\s.,;<>"]+)+$'
