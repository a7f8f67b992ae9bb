-- check: deals.negative_amount
-- severity: warning
-- table: public.deals
-- why: A negative amount lowers every total of the pipeline.
-- fix: Correct the sign, or enter what it means as a note.
-- returns: one row per deal (id, detail)

with

deals as (

    select id, amount from public.deals

)

select
    id,
    'amount is negative' as detail

from deals

where amount < 0
