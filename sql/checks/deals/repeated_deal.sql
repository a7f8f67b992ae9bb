-- check: deals.repeated_deal
-- severity: info
-- table: public.deals
-- why: Deals of one company with one name, stage and amount are often one deal entered twice; totals count it twice.
-- fix: Delete one of the two where they are one.
-- returns: one row per deal but the first of those that are the same (id, detail)

with

deals as (

    select
        id,
        company_id,
        stage,
        coalesce(amount, 0) as amount,
        lower(name) as name
    from public.deals
    where company_id is not null and name <> ''

),

shared as (

    select
        company_id,
        name,
        stage,
        amount,
        min(id) as first_id

    from deals

    group by company_id, name, stage, amount

    having count(*) > 1

)

select
    deals.id,
    'same company, name, stage and amount as deal ' || cast(shared.first_id as text) as detail

from deals

inner join shared
    on shared.company_id = deals.company_id
        and shared.name = deals.name
        and shared.stage = deals.stage
        and shared.amount = deals.amount

where deals.id <> shared.first_id
