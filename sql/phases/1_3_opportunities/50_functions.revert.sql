-- step: 50_functions
-- why: The functions go, the last one first.

drop function public.get_opportunity_with_participants(bigint);

drop function public.sync_opportunity_participants(bigint, jsonb);

drop function public.create_opportunity_with_participants(
    bigint, text, bigint[], bigint, bigint[], public.opportunity_stage, bigint, date, text, text, bigint
);
