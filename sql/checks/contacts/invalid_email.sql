-- check: contacts.invalid_email
-- severity: warning
-- table: public.contacts
-- why: An e-mail address that cannot be one reaches nobody.
-- fix: Correct the address in contacts.email_jsonb, or take the entry out.
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
    'entries of email_jsonb that are no address: ' || cast(count(*) as text) as detail

from addresses

where address !~ '^ *[^@\s,;<>"]+@[^@\s.,;<>"]+(\.[^@\s.,;<>"]+)+ *$' and address ~ '[^ ]'

group by id
