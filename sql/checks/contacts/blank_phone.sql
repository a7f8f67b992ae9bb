-- check: contacts.blank_phone
-- severity: info
-- table: public.contacts
-- why: The form leaves an entry without a number behind when it is not filled in; lists show an empty line.
-- fix: Take the entry out of contacts.phone_jsonb; `crm-migrate fixes` writes the statement.
-- returns: one row per contact (id, detail)

with

-- what the application writes, and writes well, is passed over as text; four checks begin with it
contacts as (

    select id, phone_jsonb
    from public.contacts
    where cast(phone_jsonb as text)
        !~ '^\[((, )?\{"type": "(Work|Home|Other)", "number": "[+]?[0-9 ()./-]*[0-9][0-9 ()./-]{4,}"\})*\]$'

),

numbers as (

    select
        id,
        jsonb_array_elements_text(jsonb_path_query_array(phone_jsonb, '$[*].number')) as number
    from contacts
    where cast(phone_jsonb as text) like '[%'

)

select
    id,
    'blank entries of phone_jsonb: ' || cast(count(*) as text) as detail

from numbers

where number !~ '\S'

group by id
