-- model: activities_from_deal_notes
-- target: public.activities
-- mode: insert
-- driver: public.dealNotes.id
-- key: source_id, source_table
-- rows: same
-- why: A note on a deal is an interaction on the opportunity, with its customer; one without a customer is a reject,
--  since an activity is about a contact or an organisation.

with

notes as (

    select
        id,
        deal_id,
        type,
        text,
        date,
        sales_id,
        attachments,
        rtrim(split_part(text, chr(10), 1), chr(13)) as first_line,
        case when type like 'Call%' then 'Call' else type end as known_type
    from public."dealNotes"

),

deals as (

    select id, company_id from public.deals

),

sales as (

    select id from public.sales

),

activity_types as (

    select legacy_type, type from migration.activity_types

)

select
    -- ids
    deals.company_id as organization_id,
    notes.deal_id as opportunity_id,
    sales.id as created_by,
    notes.id as source_id,

    -- facts
    'dealNotes' as source_table,
    'interaction' as activity_type,
    coalesce(activity_types.type, 'check_in') as type,
    case
        when btrim(notes.first_line, chr(9) || ' ') <> '' then left(notes.first_line, 200)
        when btrim(notes.type, chr(9) || ' ') <> '' then left(notes.type, 200)
        else 'Note'
    end as subject,
    notes.text as description,
    notes.attachments,
    false as follow_up_required,

    -- dates
    notes.date as activity_date

from notes

left join deals
    on deals.id = notes.deal_id

left join sales
    on sales.id = notes.sales_id

left join activity_types
    on activity_types.legacy_type = notes.known_type
