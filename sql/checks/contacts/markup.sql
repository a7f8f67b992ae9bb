-- check: contacts.markup
-- severity: info
-- table: public.contacts
-- why: Markup in a name came from a web page or an attack; it is carried over, and shown as text.
-- fix: Remove it where it is no part of the name.
-- returns: one row per contact (id, detail)

with

-- one look for all that may be wrong with a text; three checks begin with it, and each looks closer
contacts as (

    select id, first_name, last_name, title, background
    from public.contacts
    where concat_ws(' ', first_name, last_name, title, background) ~ '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f<ÃÂâ�]'

)

select
    id,
    'markup stands in first_name, last_name or title' as detail

from contacts

where concat_ws(' ', first_name, last_name, title) ~* '<[a-z/!][^<>]*>'
