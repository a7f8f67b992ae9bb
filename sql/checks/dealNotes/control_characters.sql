-- check: dealNotes.control_characters
-- severity: warning
-- table: public.dealNotes
-- why: Control characters come from broken imports; they break exports, and JSON that is built by hand.
-- fix: Remove them: regexp_replace(column, '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]', '', 'g').
-- returns: one row per note (id, detail)

with

-- one look for all that may be wrong with a text; three checks begin with it, and each looks closer
notes as (

    select id, text
    from public."dealNotes"
    where text ~ '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f<ÃÂâ�]'

)

select
    id,
    'a control character stands in text' as detail

from notes

where text ~ '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]'
