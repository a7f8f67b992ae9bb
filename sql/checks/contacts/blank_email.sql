-- check: contacts.blank_email
-- severity: info
-- table: public.contacts
-- why: The form leaves an entry without an address behind when it is not filled in; lists show an empty line.
-- fix: Take the entry out of contacts.email_jsonb; `crm-migrate fixes` writes the statement.
-- returns: one row per contact (id, detail)

with

-- what the application writes, and writes well, is passed over as text; five checks begin with it
contacts as (

    select id, email_jsonb
    from public.contacts
    where cast(email_jsonb as text)
        !~ '^\[((, )?\{"type": "(Work|Home|Other)", "email": "[a-z0-9._%+-]+@[a-z0-9-]+(\.[a-z0-9-]+)+"\})*\]$'

),

addresses as (

    select
        id,
        jsonb_array_elements_text(jsonb_path_query_array(email_jsonb, '$[*].email')) as address
    from contacts
    where cast(email_jsonb as text) like '[%'

)

select
    id,
    'blank entries of email_jsonb: ' || cast(count(*) as text) as detail

from addresses

where address !~ '\S'

group by id
