-- check: dealNotes.repeated_note
-- severity: info
-- table: public.dealNotes
-- why: The same text for the same deal at the same moment came from an import that ran twice; its activity would be
--  there twice.
-- fix: Delete one of the two where they are one.
-- returns: one row per note but the first of those that are the same (id, detail)

with

-- read twice rather than kept: texts are wide
notes as not materialized (

    select id, deal_id, date, text from public."dealNotes" where date is not null and text <> ''

),

moments as (

    select
        deal_id,
        date

    from notes

    group by deal_id, date

    having count(*) > 1

),

twins as (

    select
        notes.id,
        min(notes.id) over (partition by notes.deal_id, notes.date, notes.text) as first_id

    from notes

    inner join moments
        on moments.deal_id = notes.deal_id and moments.date = notes.date

)

select
    id,
    'same as note ' || cast(first_id as text) as detail

from twins

where id <> first_id
