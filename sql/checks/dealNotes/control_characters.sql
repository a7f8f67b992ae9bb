-- check: dealNotes.control_characters
-- severity: warning
-- table: public.dealNotes
-- why: Control characters come from broken imports; they break exports, and JSON that is built by hand.
-- fix: Remove them: regexp_replace(column, '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]', '', 'g').
-- returns: one row per note (id, detail)

with

notes as (

    select id, text as texts from public."dealNotes"

)

select
    id,
    'a control character stands in text' as detail

from notes

where texts ~ '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]'
