-- check: contacts.invalid_email
-- severity: warning
-- table: public.contacts
-- why: An e-mail address that cannot be one reaches nobody.
-- fix: Correct the address in contacts.email_jsonb, or take the entry out.
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
        btrim((entry ->> 'email'), ' ') as address

    from contacts
)

select
    id,
    'entries of email_jsonb that are no address: ' || cast(count(*) as text) as detail

from addresses

where address <> '' and address !~ '^[^@\s,;<>"]+@[^@\s.,;<>"]+(\.[^@\s.,;<>"]+)+$'

group by id
