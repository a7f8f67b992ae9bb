-- mend: dealNotes.date_out_of_range
-- sets: date
-- why: An infinite date says that none is known, which is what null says; other dates out of range are left to
--  people.

update public."dealNotes"
set date = case when isfinite(date) then date end
where not isfinite(date)
