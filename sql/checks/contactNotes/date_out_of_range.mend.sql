-- mend: contactNotes.date_out_of_range
-- sets: date
-- why: An infinite date says that none is known, which is what null says; other dates out of range are left to
--  people.

update public."contactNotes"
set date = case when isfinite(date) then date end
where not isfinite(date)
