-- step: 60_views
-- why: How much happens month by month, and when a contact was last spoken to.

create view public.engagement_analytics with (security_invoker = on) as
select
    -- In the first month of all there is no first day.
    case
        when activities.activity_date >= timestamptz '4713-01-01 00:00:00+00 BC'
            then cast(date_trunc('month', activities.activity_date at time zone 'UTC') as date)
    end as month,
    activities.type,
    count(*) as nb_engagements,
    count(distinct activities.contact_id) as nb_contacts,
    count(distinct activities.organization_id) as nb_organizations,
    count(*) filter (where activities.follow_up_required) as nb_open_follow_ups,
    round(avg(activities.duration_minutes), 1) as average_duration_minutes,
    count(*) filter (where activities.sentiment = 'positive') as nb_positive,
    count(*) filter (where activities.sentiment = 'neutral') as nb_neutral,
    count(*) filter (where activities.sentiment = 'negative') as nb_negative

from public.activities as activities

where activities.activity_type = 'engagement' and activities.deleted_at is null

group by 1, 2;

comment on view public.engagement_analytics is
    'One row a month and type of engagement: how many, with how many, how they went.';
comment on column public.engagement_analytics.month is 'First day of the month (UTC); empty for those without a date.';
comment on column public.engagement_analytics.nb_contacts is 'How many different contacts they were with.';
comment on column public.engagement_analytics.nb_organizations is
    'How many different organisations they were with.';
comment on column public.engagement_analytics.nb_open_follow_ups is
    'How many of them still ask for a follow-up.';
comment on column public.engagement_analytics.average_duration_minutes is
    'The mean of those whose duration is known.';
comment on column public.engagement_analytics.nb_positive is 'How many went well.';
comment on column public.engagement_analytics.nb_neutral is 'How many went neither well nor badly.';
comment on column public.engagement_analytics.nb_negative is 'How many went badly.';

create view public.interaction_analytics with (security_invoker = on) as
select
    -- In the first month of all there is no first day.
    case
        when activities.activity_date >= timestamptz '4713-01-01 00:00:00+00 BC'
            then cast(date_trunc('month', activities.activity_date at time zone 'UTC') as date)
    end as month,
    activities.type,
    count(*) as nb_interactions,
    count(distinct activities.contact_id) as nb_contacts,
    count(distinct activities.organization_id) as nb_organizations,
    count(distinct activities.opportunity_id) as nb_opportunities,
    count(distinct activities.opportunity_id) filter (where opportunities.stage = 'closed_won') as nb_won_opportunities,
    count(*) filter (where activities.follow_up_required) as nb_open_follow_ups,
    round(avg(activities.duration_minutes), 1) as average_duration_minutes,
    count(*) filter (where activities.sentiment = 'positive') as nb_positive,
    count(*) filter (where activities.sentiment = 'neutral') as nb_neutral,
    count(*) filter (where activities.sentiment = 'negative') as nb_negative

from public.activities as activities

inner join public.opportunities as opportunities
    on opportunities.id = activities.opportunity_id and opportunities.deleted_at is null

where activities.activity_type = 'interaction' and activities.deleted_at is null

group by 1, 2;

comment on view public.interaction_analytics is
    'One row a month and type of interaction: how many, on how many living opportunities, how they went.';
comment on column public.interaction_analytics.month is 'First day of the month (UTC); empty for those without a date.';
comment on column public.interaction_analytics.nb_contacts is 'How many different contacts they were with.';
comment on column public.interaction_analytics.nb_organizations is
    'How many different organisations they were with.';
comment on column public.interaction_analytics.nb_opportunities is
    'How many different opportunities they were about.';
comment on column public.interaction_analytics.nb_won_opportunities is 'Those of them that are won by now.';
comment on column public.interaction_analytics.nb_open_follow_ups is
    'How many of them still ask for a follow-up.';
comment on column public.interaction_analytics.average_duration_minutes is
    'The mean of those whose duration is known.';
comment on column public.interaction_analytics.nb_positive is 'How many went well.';
comment on column public.interaction_analytics.nb_neutral is 'How many went neither well nor badly.';
comment on column public.interaction_analytics.nb_negative is 'How many went badly.';

create view public.contact_engagement_summary with (security_invoker = on) as
select
    -- ids
    contacts.id as contact_id,
    contacts.company_id as primary_organization_id,

    -- facts
    contacts.first_name,
    contacts.last_name,
    companies.name as primary_organization_name,
    history.nb_engagements,
    history.nb_interactions,
    history.nb_opportunities,
    history.nb_open_follow_ups,

    -- dates
    history.first_activity_date,
    history.last_activity_date,
    history.next_follow_up_date

from public.contacts as contacts

left join public.companies as companies
    on companies.id = contacts.company_id and companies.deleted_at is null

-- Looked up by index: a page of contacts costs that many looks, where a join of groups would make all of them first.
cross join lateral (
    select
        count(*) filter (where activities.activity_type = 'engagement') as nb_engagements,
        count(*) filter (where activities.activity_type = 'interaction') as nb_interactions,
        count(distinct activities.opportunity_id) as nb_opportunities,
        count(*) filter (where activities.follow_up_required) as nb_open_follow_ups,
        min(activities.activity_date) filter (where not activities.follow_up_required) as first_activity_date,
        max(activities.activity_date) filter (where not activities.follow_up_required) as last_activity_date,
        min(activities.follow_up_date) filter (where activities.follow_up_required) as next_follow_up_date
    from public.activities as activities
    where activities.contact_id = contacts.id and activities.deleted_at is null
) as history

where contacts.deleted_at is null;

comment on view public.contact_engagement_summary is
    'One row a living contact: how much happened with it, when it began, what is to follow.';
comment on column public.contact_engagement_summary.primary_organization_id is 'contacts.company_id.';
comment on column public.contact_engagement_summary.nb_opportunities is
    'How many different opportunities its interactions were about.';
comment on column public.contact_engagement_summary.nb_open_follow_ups is
    'How many of its activities still ask for a follow-up.';
comment on column public.contact_engagement_summary.first_activity_date is
    'When it was spoken to first, leaving out what is still to be done.';
comment on column public.contact_engagement_summary.last_activity_date is
    'When it was spoken to last, leaving out what is still to be done.';
comment on column public.contact_engagement_summary.next_follow_up_date is 'The earliest day of its open follow-ups.';

select migration.deny_others('public.engagement_analytics');

select migration.deny_others('public.interaction_analytics');

select migration.deny_others('public.contact_engagement_summary');
