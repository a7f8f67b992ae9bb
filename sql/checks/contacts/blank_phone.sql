-- check: contacts.blank_phone
-- severity: info
-- table: public.contacts
-- why: The form leaves an entry without a number behind when it is not filled in; lists show an empty line.
-- fix: Take the entry out of contacts.phone_jsonb; `crm-migrate fixes` writes the statement.
-- returns: one row per contact (id, detail)

with

contacts as (

    select
        id,
        jsonb_array_elements_text(jsonb_path_query_array(phone_jsonb, '$[*].number')) as number
    from public.contacts
    where cast(phone_jsonb as text) like '[%'

)

select
    id,
    'blank entries of phone_jsonb: ' || cast(count(*) as text) as detail

from contacts

where number !~ '\S'

group by id
