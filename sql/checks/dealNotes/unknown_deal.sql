-- check: dealNotes.unknown_deal
-- severity: blocker
-- table: public.dealNotes
-- why: A note that points to a deal that is gone breaks a foreign key, which the migration cannot load.
-- fix: Set dealNotes.deal_id to a deal that exists, or to null where that is allowed; then validate the foreign key.
-- returns: one row per note (id, detail)

with

notes as (

    select id, deal_id from public."dealNotes" where deal_id is not null

),

deals as (

    select id from public.deals

)

select
    notes.id,
    'deal ' || cast(notes.deal_id as text) || ' does not exist' as detail

from notes

left join deals
    on deals.id = notes.deal_id

where deals.id is null
