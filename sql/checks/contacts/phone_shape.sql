-- check: contacts.phone_shape
-- severity: warning
-- table: public.contacts
-- why: contacts.phone_jsonb is a list of objects with number and type; views and functions of the target pass over
--  whatever else stands there.
-- fix: Rewrite contacts.phone_jsonb as [{"number": …, "type": …}].
-- returns: one row per contact (id, detail)

with

-- what the application writes, and writes well, is passed over as text; four checks begin with it
contacts as (

    select id, phone_jsonb
    from public.contacts
    where cast(phone_jsonb as text)
        !~ '^\[((, )?\{"type": "(Work|Home|Other)", "number": "[+]?[0-9 ()./-]*[0-9][0-9 ()./-]{4,}"\})*\]$'

),

shapes as (

    select
        id,
        jsonb_typeof(phone_jsonb) as shape,
        case when jsonb_typeof(phone_jsonb) = 'array' then phone_jsonb end as listed

    from contacts

),

entries as (

    select
        id,
        jsonb_array_elements(listed) as entry

    from shapes

)

select
    id,
    'phone_jsonb is of type ' || shape || ', not a list' as detail

from shapes

where shape not in ('array', 'null')

union all

select
    id,
    'entries of phone_jsonb without number: ' || cast(count(*) as text) as detail

from entries

where jsonb_typeof(entry) <> 'object' or jsonb_typeof((entry -> 'number')) is distinct from 'string'

group by id
