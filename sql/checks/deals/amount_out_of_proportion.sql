-- check: deals.amount_out_of_proportion
-- severity: info
-- table: public.deals
-- why: An amount a thousand times that of nearly all other deals has too many zeros, or cents for units; it is most
--  of every total.
-- fix: Correct the amount where it is wrong.
-- returns: one row per deal (id, detail)

with

deals as (

    select id, amount from public.deals where amount > 0

),

usual as (

    select
        percentile_disc(0.95) within group (order by amount) as amount,
        count(*) as deals

    from deals

)

select
    deals.id,
    'amount is more than a thousand times the usual' as detail

from deals

cross join usual

where usual.deals >= 20 and div(deals.amount, 1000) > usual.amount
