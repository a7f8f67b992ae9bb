-- check: sales.avatar_shape
-- severity: warning
-- table: public.sales
-- why: sales.avatar is an object with src; a client that reads another shape shows nothing or stops.
-- fix: Set sales.avatar to null, or to {"src": …}.
-- returns: one row per user (id, detail)

with

sales as (

    select
        id,
        avatar,
        jsonb_typeof(avatar) as shape
    from public.sales
    where avatar is not null

)

select
    id,
    case when shape = 'object' then 'avatar has a src that is no text' else 'avatar is of type ' || shape end as detail

from sales

where shape not in ('object', 'null') or jsonb_typeof((avatar -> 'src')) not in ('string', 'null')
