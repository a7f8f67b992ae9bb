-- check: contacts.invalid_phone
-- severity: info
-- table: public.contacts
-- why: A text that is no telephone number cannot be dialled.
-- fix: Correct the number in contacts.phone_jsonb, or take the entry out.
-- returns: one row per contact (id, detail)

with

contacts as (

    select
        id,
        jsonb_array_elements(case when jsonb_typeof(phone_jsonb) = 'array' then phone_jsonb end) as entry
    from public.contacts
    where phone_jsonb is not null

),

numbers as (

    select
        id,
        btrim((entry ->> 'number'), ' ') as number

    from contacts
)

select
    id,
    'entries of phone_jsonb that are no number: ' || cast(count(*) as text) as detail

from numbers

where number <> '' and number !~* '^[+]?[0-9 ()./-]*[0-9][0-9 ()./-]{4,}([ ,;]*(x|ext|ext\.|#) *[0-9]+)?$'

group by id
