-- check: contacts.markup
-- severity: info
-- table: public.contacts
-- why: Markup in a name came from a web page or an attack; it is carried over, and shown as text.
-- fix: Remove it where it is no part of the name.
-- returns: one row per contact (id, detail)

with

contacts as (

    select id, concat_ws(' ', first_name, last_name, title) as texts from public.contacts

)

select
    id,
    'markup stands in first_name, last_name or title' as detail

from contacts

where texts ~* '<[a-z/!][^<>]*>'
