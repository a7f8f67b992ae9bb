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
        jsonb_array_elements_text(jsonb_path_query_array(email_jsonb, '$[*].email')) as address
    from public.contacts
    where cast(email_jsonb as text) like '[%}, {%'

),

addresses as (

    select
        id,
        lower(btrim(address, ' ')) as address

    from contacts
)

select
    id,
    'addresses that email_jsonb repeats: ' || cast(count(*) - count(distinct address) as text) as detail

from addresses

where address <> ''

group by id

having count(*) > count(distinct address)
