-- check: contacts.email_shape
-- severity: warning
-- table: public.contacts
-- why: contacts.email_jsonb is a list of objects with email and type; views and functions of the target pass over
--  whatever else stands there.
-- fix: Rewrite contacts.email_jsonb as [{"email": …, "type": …}].
-- returns: one row per contact (id, detail)

with

-- what the application writes, and writes well, is passed over as text; five checks begin with it
contacts as (

    select id, email_jsonb
    from public.contacts
    where cast(email_jsonb as text)
        !~ '^\[((, )?\{"type": "(Work|Home|Other)", "email": "[a-z0-9._%+-]+@[a-z0-9-]+(\.[a-z0-9-]+)+"\})*\]$'

),

shapes as (

    select
        id,
        jsonb_typeof(email_jsonb) as shape,
        case when jsonb_typeof(email_jsonb) = 'array' then email_jsonb end as listed

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
    'email_jsonb is of type ' || shape || ', not a list' as detail

from shapes

where shape not in ('array', 'null')

union all

select
    id,
    'entries of email_jsonb without email: ' || cast(count(*) as text) as detail

from entries

where jsonb_typeof(entry) <> 'object' or jsonb_typeof((entry -> 'email')) is distinct from 'string'

group by id
