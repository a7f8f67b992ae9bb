-- check: contacts.invalid_phone
-- severity: info
-- table: public.contacts
-- why: A text that is no telephone number cannot be dialled.
-- fix: Correct the number in contacts.phone_jsonb, or take the entry out.
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
    'entries of phone_jsonb that are no number: ' || cast(count(*) as text) as detail

from numbers

where number !~ '^ *[+]?[0-9 ()./-]*[0-9][0-9 ()./-]{4,}$'
    and number !~* '^ *[+]?[0-9 ()./-]*[0-9][0-9 ()./-]{4,}([ ,;]*(x|ext|ext\.|#) *[0-9]+)? *$'
    and number ~ '[^ ]'

group by id
