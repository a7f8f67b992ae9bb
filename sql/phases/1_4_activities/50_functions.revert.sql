-- step: 50_functions
-- why: The functions go, the last one first.

drop function public.get_activity_timeline(bigint, bigint, bigint, integer);

drop function public.convert_engagement_to_interaction(bigint, bigint);

drop function public.log_interaction(
    bigint,
    public.interaction_type,
    text,
    text,
    timestamptz,
    bigint,
    bigint,
    integer,
    date,
    text,
    text,
    text,
    text,
    text[],
    text[],
    bigint
);

drop function public.log_engagement(
    bigint,
    public.interaction_type,
    text,
    text,
    timestamptz,
    bigint,
    integer,
    date,
    text,
    text,
    text,
    text,
    text[],
    text[],
    bigint
);

drop function public.require_activity(public.interaction_type, integer, text);

drop function public.refresh_advocacy(bigint);
