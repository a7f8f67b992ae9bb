-- step: 10_types
-- why: The words that the target knows are enumerations, so that a new column cannot hold any other.

create type public.organization_type as enum (
    'customer', 'principal', 'distributor', 'prospect', 'vendor', 'partner', 'unknown'
);

create type public.contact_role as enum (
    'decision_maker', 'influencer', 'buyer', 'end_user', 'gatekeeper', 'champion', 'technical', 'executive'
);

create type public.opportunity_stage as enum (
    'lead', 'qualified', 'needs_analysis', 'proposal', 'negotiation', 'closed_won', 'closed_lost', 'nurturing'
);

create type public.opportunity_status as enum ('active', 'on_hold', 'nurturing', 'stalled', 'expired');

create type public.interaction_type as enum (
    'call',
    'email',
    'meeting',
    'demo',
    'proposal',
    'follow_up',
    'trade_show',
    'site_visit',
    'contract_review',
    'check_in',
    'social'
);

create type public.activity_type as enum ('engagement', 'interaction');

create type public.priority_level as enum ('low', 'medium', 'high', 'critical');

comment on type public.organization_type is 'What a company is to us.';

comment on type public.contact_role is 'Part that a contact plays in what an organisation buys.';

comment on type public.opportunity_stage is 'How far an opportunity has come.';

comment on type public.opportunity_status is 'Whether an opportunity is being worked on.';

comment on type public.interaction_type is 'By what means or on what occasion we had to do with somebody.';

comment on type public.activity_type is 'An interaction is on an opportunity, an engagement on none.';

comment on type public.priority_level is 'How much something matters.';
