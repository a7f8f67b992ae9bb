-- check: sales.duplicate_email
-- severity: warning
-- table: public.sales
-- why: Two users with one e-mail address cannot both sign in; what belongs to whom becomes doubtful.
-- fix: Give one of them another address, or move what it owns to the other and disable it.
-- returns: one row per user but the first of those with one email (id, detail)

with

sales as (

    select id, lower(btrim(email, ' ')) as folded from public.sales

),

twins as (

    select
        id,
        folded,
        min(id) over (partition by folded) as first_id

    from sales

    where folded <> ''

)

select
    id,
    'same email as user ' || cast(first_id as text) as detail

from twins

where id <> first_id
