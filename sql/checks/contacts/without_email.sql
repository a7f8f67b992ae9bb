-- check: contacts.without_email
-- severity: info
-- table: public.contacts
-- why: A contact without an e-mail address gets no invitation and no notice, and is not found by address.
-- fix: Nothing has to be done; enter the address where it is known.
-- returns: one row per contact (id, detail)

with

contacts as (

    select
        id,
        jsonb_typeof(email_jsonb) as shape,
        jsonb_array_length(case when jsonb_typeof(email_jsonb) = 'array' then email_jsonb end) as addresses
    from public.contacts

)

select
    id,
    'email_jsonb is empty' as detail

from contacts

where coalesce(shape, 'null') = 'null' or addresses = 0
