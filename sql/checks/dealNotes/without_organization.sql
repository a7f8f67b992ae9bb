-- check: dealNotes.without_organization
-- severity: warning
-- table: public.dealNotes
-- why: An interaction is about a contact or an organisation. A note on a deal without a company has neither: its
--  activity will be a reject; the note itself stays where it is.
-- fix: Set deals.company_id of the deal that the note is about.
-- returns: one row per note (id, detail)

with

notes as (

    select id, deal_id from public."dealNotes"

),

deals as (

    select id from public.deals where company_id is null

)

select
    notes.id,
    'deal ' || cast(deals.id as text) || ' has no company' as detail

from notes

inner join deals
    on deals.id = notes.deal_id
