-- step: 10_types
-- why: Nothing uses the enumerations once the columns are gone.

drop type public.priority_level;

drop type public.activity_type;

drop type public.interaction_type;

drop type public.opportunity_status;

drop type public.opportunity_stage;

drop type public.contact_role;

drop type public.organization_type;
