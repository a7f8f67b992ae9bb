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
        jsonb_array_elements_text(jsonb_path_query_array(email_jsonb, '$[*].email')) as address
    from public.contacts
    where cast(email_jsonb as text) like '[%'

),

-- trimming is dear, and hardly an address needs it
addresses as not materialized (

    select
        id,
        lower(case when address like ' %' or address like '% ' then btrim(address, ' ') else address end) as address

    from contacts

    where address <> ''

),

shared as (

    select
        address,
        min(id) as first_id

    from addresses

    where address <> ''

    group by address

    having min(id) <> max(id)

)

select
    addresses.id,
    'shares an address with contact ' || cast(min(shared.first_id) as text) as detail

from addresses

inner join shared
    on shared.address = addresses.address

where addresses.id <> shared.first_id

group by addresses.id
