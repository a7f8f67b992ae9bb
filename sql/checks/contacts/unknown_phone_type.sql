-- check: contacts.unknown_phone_type
-- severity: info
-- table: public.contacts
-- why: The application knows Work, Home and Other; another type shows as it is and cannot be chosen again.
-- fix: Nothing has to be done; choose one of the types where it matters.
-- returns: one row per contact (id, detail)

with

contacts as (

    select
        id,
        jsonb_array_elements_text(jsonb_path_query_array(phone_jsonb, '$[*].type')) as type
    from public.contacts
    where cast(phone_jsonb as text) like '[%'

)

select
    id,
    'entries of phone_jsonb with another type: ' || cast(count(*) as text) as detail

from contacts

where type not in ('Work', 'Home', 'Other', '')

group by id
