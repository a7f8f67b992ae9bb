-- check: contacts.avatar_shape
-- severity: warning
-- table: public.contacts
-- why: contacts.avatar is an object with src; a client that reads another shape shows nothing or stops.
-- fix: Set contacts.avatar to null, or to {"src": …}.
-- returns: one row per contact (id, detail)

with

-- what the application writes is passed over as text; only the rest is looked into
contacts as (

    select
        id,
        avatar,
        jsonb_typeof(avatar) as shape
    from public.contacts
    where cast(avatar as text) !~ '^\{((, )?"[a-z]+": "[^"\\]*")*\}$'

)

select
    id,
    case when shape = 'object' then 'avatar has a src that is no text' else 'avatar is of type ' || shape end as detail

from contacts

where shape not in ('object', 'null') or jsonb_typeof((avatar -> 'src')) not in ('string', 'null')
