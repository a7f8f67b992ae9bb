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
    where cast(email_jsonb as text) like '[%'

),

-- hardly a contact has several
several as (

    select id from contacts group by id having count(*) > 1

),

addresses as (

    select
        contacts.id,
        case
            when contacts.address like ' %' or contacts.address like '% ' then lower(btrim(contacts.address, ' '))
            else lower(contacts.address)
        end as address

    from several

    inner join contacts
        on contacts.id = several.id

),

repeated as (

    select
        id,
        count(*) - 1 as times

    from addresses

    where address <> ''

    group by id, address

    having count(*) > 1

)

select
    id,
    'addresses that email_jsonb repeats: ' || cast(sum(times) as text) as detail

from repeated

group by id
