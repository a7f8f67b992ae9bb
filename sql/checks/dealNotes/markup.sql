-- check: dealNotes.markup
-- severity: info
-- table: public.dealNotes
-- why: Markup in a note came from a mail, a web page or an attack; it is carried over, and shown as text.
-- fix: Nothing has to be done; remove it where it hinders reading.
-- returns: one row per note (id, detail)

with

notes as (

    select id, text as texts from public."dealNotes"

)

select
    id,
    'markup stands in text' as detail

from notes

where texts ~* '<[a-z/!][^<>]*>'
