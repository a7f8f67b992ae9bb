-- check: contacts.incomplete_name
-- severity: info
-- table: public.contacts
-- why: The application asks for both names; imports bring contacts with one.
-- fix: Write the other name where it is known.
-- returns: one row per contact (id, detail)

with

contacts as (

    select
        id,
        coalesce(first_name, '') ~ '\S' as has_first_name,
        coalesce(last_name, '') ~ '\S' as has_last_name
    from public.contacts

)

select
    id,
    case when has_first_name then 'last_name is blank' else 'first_name is blank' end as detail

from contacts

where has_first_name <> has_last_name
