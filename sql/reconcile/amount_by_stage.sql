-- question: amount_by_stage
-- why: The money in the pipeline is the same, stage by stage, as old clients see it.

select
    stage,
    count(*) as deals,
    cast(sum(amount) as text) as amount

from public.deals

group by stage
