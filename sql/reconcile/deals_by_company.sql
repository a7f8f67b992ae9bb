-- question: deals_by_company
-- why: No company gains or loses a deal.

select
    company_id,
    count(*) as deals,
    cast(sum(amount) as text) as amount

from public.deals

group by company_id
