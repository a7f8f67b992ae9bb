-- check: contactNotes.repeated_note
-- severity: info
-- table: public.contactNotes
-- why: The same text for the same contact at the same moment came from an import that ran twice; its activity would
--  be there twice.
-- fix: Delete one of the two where they are one.
-- returns: one row per note but the first of those that are the same (id, detail)

with

-- read twice rather than kept: texts are wide
notes as not materialized (

    select id, contact_id, date, text from public."contactNotes" where date is not null and text <> ''

),

moments as (

    select
        contact_id,
        date

    from notes

    group by contact_id, date

    having count(*) > 1

),

twins as (

    select
        notes.id,
        min(notes.id) over (partition by notes.contact_id, notes.date, notes.text) as first_id

    from notes

    inner join moments
        on moments.contact_id = notes.contact_id and moments.date = notes.date

)

select
    id,
    'same as note ' || cast(first_id as text) as detail

from twins

where id <> first_id
