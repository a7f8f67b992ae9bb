-- check: dealNotes.markup
-- severity: info
-- table: public.dealNotes
-- why: Markup in a note came from a mail, a web page or an attack; it is carried over, and shown as text.
-- fix: Nothing has to be done; remove it where it hinders reading.
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
    'markup stands in text' as detail

from notes

where text ~* '<[a-z/!][^<>]*>'
