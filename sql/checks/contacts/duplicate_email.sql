-- check: contacts.duplicate_email
-- severity: warning
-- table: public.contacts
-- why: Contacts who share an address are likely one person; memberships, activities and advocacy would be split
--  between them.
-- fix: Merge the contacts, or give each an address of its own.
-- returns: one row per contact but the first of those with one address (id, detail)

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
),

shared as (

    select
        id,
        min(id) over (partition by address) as first_id

    from addresses

    where address <> ''

)

select
    id,
    'shares an address with contact ' || cast(min(first_id) as text) as detail

from shared

where id <> first_id

group by id
