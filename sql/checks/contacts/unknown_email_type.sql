-- check: contacts.unknown_email_type
-- severity: info
-- table: public.contacts
-- why: The application knows Work, Home and Other; another type shows as it is and cannot be chosen again.
-- fix: Nothing has to be done; choose one of the types where it matters.
-- returns: one row per contact (id, detail)

with

-- what the application writes, and writes well, is passed over as text; five checks begin with it
contacts as (

    select id, email_jsonb
    from public.contacts
    where cast(email_jsonb as text)
        !~ '^\[((, )?\{"type": "(Work|Home|Other)", "email": "[a-z0-9._%+-]+@[a-z0-9-]+(\.[a-z0-9-]+)+"\})*\]$'

),

entries as (

    select
        id,
        jsonb_array_elements_text(jsonb_path_query_array(email_jsonb, '$[*].type')) as type
    from contacts
    where cast(email_jsonb as text) like '[%'

)

select
    id,
    'entries of email_jsonb with another type: ' || cast(count(*) as text) as detail

from entries

where type not in ('Work', 'Home', 'Other', '')

group by id
