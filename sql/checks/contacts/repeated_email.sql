-- check: contacts.repeated_email
-- severity: info
-- table: public.contacts
-- why: One address twice in a contact counts once wherever people are found by address.
-- fix: Take the second entry out of contacts.email_jsonb.
-- returns: one row per contact (id, detail)

with

contacts as (

    select
        id,
        jsonb_array_elements(case when jsonb_typeof(email_jsonb) = 'array' then email_jsonb end) as entry
    from public.contacts
    where email_jsonb is not null

),

addresses as (

    select
        id,
        lower(btrim((entry ->> 'email'), ' ')) as address

    from contacts
)

select
    id,
    'addresses that email_jsonb repeats: ' || cast(count(*) - count(distinct address) as text) as detail

from addresses

where address <> ''

group by id

having count(*) > count(distinct address)
