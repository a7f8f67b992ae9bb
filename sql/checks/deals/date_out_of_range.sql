-- check: deals.date_out_of_range
-- severity: warning
-- table: public.deals
-- why: A date that is infinite, before 1970 or after 2100 is carried over as it is; time lines and ages computed
--  from it are wrong.
-- fix: Correct the date, or set it to null where that is allowed.
-- returns: one row per deal (id, detail)

with

deals as (

    select id, created_at, updated_at, archived_at, expected_closing_date from public.deals

),

out_of_range as (

    select
        id,
        case
            when created_at not between timestamptz '1970-01-01 00:00+00' and timestamptz '2100-01-01 00:00+00'
                then 'created_at'
        end as created_at,
        case
            when updated_at not between timestamptz '1970-01-01 00:00+00' and timestamptz '2100-01-01 00:00+00'
                then 'updated_at'
        end as updated_at,
        case
            when archived_at not between timestamptz '1970-01-01 00:00+00' and timestamptz '2100-01-01 00:00+00'
                then 'archived_at'
        end as archived_at,
        case
            when expected_closing_date
                not between timestamptz '1970-01-01 00:00+00' and timestamptz '2100-01-01 00:00+00'
                then 'expected_closing_date'
        end as expected_closing_date

    from deals

)

select
    id,
    concat_ws(', ', created_at, updated_at, archived_at, expected_closing_date)
    || ': before 1970 or after 2100' as detail

from out_of_range

where coalesce(created_at, updated_at, archived_at, expected_closing_date) is not null
