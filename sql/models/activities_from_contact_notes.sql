-- model: activities_from_contact_notes
-- target: public.activities
-- mode: insert
-- driver: public.contactNotes.id
-- key: source_id, source_table
-- rows: same
-- why: A note on a contact is an engagement that was a check-in; its attachments go along.

with

notes as (

    select
        id,
        contact_id,
        text,
        date,
        sales_id,
        attachments,
        rtrim(split_part(text, chr(10), 1), chr(13)) as first_line
    from public."contactNotes"

),

contacts as (

    select id, company_id from public.contacts

),

sales as (

    select id from public.sales

)

select
    -- ids
    notes.contact_id,
    contacts.company_id as organization_id,
    sales.id as created_by,
    notes.id as source_id,

    -- facts
    'contactNotes' as source_table,
    'engagement' as activity_type,
    'check_in' as type,
    case
        when btrim(notes.first_line, chr(9) || ' ') <> '' then left(notes.first_line, 200)
        else 'Note'
    end as subject,
    notes.text as description,
    notes.attachments,
    false as follow_up_required,

    -- dates
    notes.date as activity_date

from notes

left join contacts
    on contacts.id = notes.contact_id

left join sales
    on sales.id = notes.sales_id
