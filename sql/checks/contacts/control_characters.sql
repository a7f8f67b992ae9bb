-- check: contacts.control_characters
-- severity: warning
-- table: public.contacts
-- why: Control characters come from broken imports; they break exports, and JSON that is built by hand.
-- fix: Remove them: regexp_replace(column, '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]', '', 'g').
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
    'a control character stands in first_name, last_name, title or background' as detail

from contacts

where concat_ws(' ', first_name, last_name, title, background) ~ '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]'
