-- check: companies.invalid_phone_number
-- severity: info
-- table: public.companies
-- why: A text that is no telephone number cannot be dialled.
-- fix: Correct the number, or set companies.phone_number to null.
-- returns: one row per company (id, detail)

with

companies as (

    select id, btrim(phone_number, ' ') as phone_number from public.companies

)

select
    id,
    'phone_number is not a telephone number' as detail

from companies

where phone_number <> '' and phone_number !~* '^[+]?[0-9 ()./-]*[0-9][0-9 ()./-]{4,}([ ,;]*(x|ext|ext\.|#) *[0-9]+)?$'
