-- check: contacts.date_out_of_range
-- severity: warning
-- table: public.contacts
-- why: A date that is infinite, before 1970 or after 2100 is carried over as it is; time lines and ages computed
--  from it are wrong.
-- fix: Correct the date, or set it to null where that is allowed.
-- returns: one row per contact (id, detail)

with

contacts as (

    select id, first_seen, last_seen from public.contacts

),

out_of_range as (

    select
        id,
        case
            when first_seen not between timestamptz '1970-01-01 00:00+00' and timestamptz '2100-01-01 00:00+00'
                then 'first_seen'
        end as first_seen,
        case
            when last_seen not between timestamptz '1970-01-01 00:00+00' and timestamptz '2100-01-01 00:00+00'
                then 'last_seen'
        end as last_seen

    from contacts

)

select
    id,
    concat_ws(', ', first_seen, last_seen)
    || ': before 1970 or after 2100' as detail

from out_of_range

where coalesce(first_seen, last_seen) is not null
