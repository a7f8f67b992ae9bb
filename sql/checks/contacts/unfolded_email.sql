-- check: contacts.unfolded_email
-- severity: info
-- table: public.contacts
-- why: Blanks around an address and capitals in it hide it from whoever looks for it as it is usually written.
-- fix: Write it in small letters without blanks; `crm-migrate fixes` writes the statement.
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
    'addresses with capitals or blanks around them: ' || cast(count(*) as text) as detail

from addresses

where address ~ '[A-Z]|^ +[^ ]|[^ ] +$'

group by id
