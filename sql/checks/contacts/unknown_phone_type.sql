-- check: contacts.unknown_phone_type
-- severity: info
-- table: public.contacts
-- why: The application knows Work, Home and Other; another type shows as it is and cannot be chosen again.
-- fix: Nothing has to be done; choose one of the types where it matters.
-- returns: one row per contact (id, detail)

with

-- what the application writes, and writes well, is passed over as text; four checks begin with it
contacts as (

    select id, phone_jsonb
    from public.contacts
    where cast(phone_jsonb as text)
        !~ '^\[((, )?\{"type": "(Work|Home|Other)", "number": "[+]?[0-9 ()./-]*[0-9][0-9 ()./-]{4,}"\})*\]$'

),

entries as (

    select
        id,
        jsonb_array_elements_text(jsonb_path_query_array(phone_jsonb, '$[*].type')) as type
    from contacts
    where cast(phone_jsonb as text) like '[%'

)

select
    id,
    'entries of phone_jsonb with another type: ' || cast(count(*) as text) as detail

from entries

where type not in ('Work', 'Home', 'Other', '')

group by id
