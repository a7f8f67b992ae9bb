-- mend: deals.unknown_stage
-- sets: stage
-- why: The stage is that of other deals, but for capitals and blanks around it.

update public.deals
set stage = lower(btrim(stage, ' '))
where exists (select 1 from public.deals as others where others.stage = lower(btrim(deals.stage, ' ')))
    and exists (select 1 from migration.stages where stages.legacy_stage = lower(btrim(deals.stage, ' ')))
