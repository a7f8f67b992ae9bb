-- check: deals.large_amount
-- severity: warning
-- table: public.deals
-- why: Browsers hold whole numbers up to 2^53; the amount is carried over exactly, and shown and saved again
--  wrongly.
-- fix: Correct the amount.
-- returns: one row per deal (id, detail)

with

deals as (

    select id, amount from public.deals

)

select
    id,
    'amount is beyond 2^53' as detail

from deals

where amount not between -9007199254740992 and 9007199254740992
