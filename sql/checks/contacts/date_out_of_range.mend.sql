-- mend: contacts.date_out_of_range
-- sets: first_seen, last_seen
-- why: An infinite date says that none is known, which is what null says; other dates out of range are left to
--  people.

update public.contacts
set
    first_seen = case when isfinite(first_seen) then first_seen end,
    last_seen = case when isfinite(last_seen) then last_seen end
where (
        first_seen is null
        or not isfinite(first_seen)
        or first_seen between timestamptz '1970-01-01 00:00+00' and timestamptz '2100-01-01 00:00+00'
    )
    and (
        last_seen is null
        or not isfinite(last_seen)
        or last_seen between timestamptz '1970-01-01 00:00+00' and timestamptz '2100-01-01 00:00+00'
    )
