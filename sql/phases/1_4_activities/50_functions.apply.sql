-- step: 50_functions
-- why: What happened is logged, turned and read in one call, checked, with the caller's rights. The founding
--  interaction of an opportunity follows by a trigger; the dates of advocacy follow here.

create function public.refresh_advocacy(p_activity_id bigint) returns void
    language sql
    set search_path = ''
as $$
    -- Only who took part in the interaction, and only forwards: an old one that is entered late changes nothing.
    update public.contact_preferred_principals as advocacies
    set last_interaction_date = cast(activities.activity_date at time zone 'UTC' as date)
    from public.activities as activities
    inner join public.opportunities as opportunities on opportunities.id = activities.opportunity_id
    where activities.id = p_activity_id
        and advocacies.principal_organization_id = opportunities.principal_organization_id
        and advocacies.deleted_at is null
        and (
            advocacies.contact_id = activities.contact_id
            or advocacies.contact_id in (
                select participants.contact_id
                from public.interaction_participants as participants
                where participants.activity_id = p_activity_id and participants.deleted_at is null
            )
        )
        and cast(activities.activity_date at time zone 'UTC' as date)
        > coalesce(advocacies.last_interaction_date, '-infinity');
$$;

comment on function public.refresh_advocacy(bigint) is
    'Brings last_interaction_date of the advocates who took part in an interaction forward to its day.';

create function public.require_activity(p_type public.interaction_type, p_duration_minutes integer, p_sentiment text)
returns void
    language plpgsql immutable
    set search_path = ''
as $$
begin
    if p_type is null then
        raise exception using
            errcode = 'invalid_parameter_value',
            message = 'p_type is missing',
            hint = 'Leave it out for a check_in.';
    end if;
    if p_duration_minutes < 0 then
        raise exception using
            errcode = 'invalid_parameter_value',
            message = 'p_duration_minutes is negative',
            hint = 'Give minutes, or leave it out.';
    end if;
    perform public.require_word('p_sentiment', p_sentiment, array['positive', 'neutral', 'negative']);
end
$$;

comment on function public.require_activity(public.interaction_type, integer, text) is
    'Raises unless type, duration and sentiment of an activity are what they may be.';

create function public.log_engagement(
    p_contact_id bigint default null,
    p_type public.interaction_type default 'check_in',
    p_subject text default null,
    p_description text default null,
    p_activity_date timestamptz default now(),
    p_organization_id bigint default null,
    p_duration_minutes integer default null,
    p_follow_up_date date default null,
    p_follow_up_notes text default null,
    p_outcome text default null,
    p_sentiment text default null,
    p_location text default null,
    p_attendees text[] default null,
    p_tags text[] default null,
    p_created_by bigint default null
)
returns bigint
    language plpgsql
    set search_path = ''
as $$
declare
    activity_id bigint;
begin
    if p_contact_id is null and p_organization_id is null then
        raise exception using
            errcode = 'invalid_parameter_value',
            message = 'an engagement needs a contact or an organisation',
            hint = 'Give p_contact_id, p_organization_id, or both.';
    end if;
    if p_contact_id is not null then
        perform public.require_living('contact', p_contact_id);
    end if;
    if p_organization_id is not null then
        perform public.require_living('company', p_organization_id);
    end if;
    perform public.require_activity(p_type, p_duration_minutes, p_sentiment);
    if p_created_by is not null then
        perform public.require_living('user', p_created_by);
    end if;

    insert into public.activities (
        activity_type,
        type,
        subject,
        description,
        activity_date,
        duration_minutes,
        contact_id,
        organization_id,
        follow_up_required,
        follow_up_date,
        follow_up_notes,
        outcome,
        sentiment,
        location,
        attendees,
        tags,
        created_by
    )
    values (
        'engagement',
        p_type,
        coalesce(nullif(btrim(p_subject), ''), p_type::text),
        p_description,
        p_activity_date,
        p_duration_minutes,
        p_contact_id,
        coalesce(
            p_organization_id,
            (select contacts.company_id from public.contacts as contacts where contacts.id = p_contact_id)
        ),
        p_follow_up_date is not null or p_follow_up_notes is not null,
        p_follow_up_date,
        p_follow_up_notes,
        p_outcome,
        p_sentiment,
        p_location,
        p_attendees,
        p_tags,
        p_created_by
    )
    returning id into activity_id;
    return activity_id;
end
$$;

comment on function public.log_engagement(
    bigint,
    public.interaction_type,
    text,
    text,
    timestamptz,
    bigint,
    integer,
    date,
    text,
    text,
    text,
    text,
    text[],
    text[],
    bigint
) is
    'Logs what happened with a contact or an organisation, without an opportunity; returns the id of the activity. The '
    'organisation is the contact''s company, unless another is given; a date or notes of a follow-up ask for one.';

create function public.log_interaction(
    p_opportunity_id bigint,
    p_type public.interaction_type default 'check_in',
    p_subject text default null,
    p_description text default null,
    p_activity_date timestamptz default now(),
    p_contact_id bigint default null,
    p_organization_id bigint default null,
    p_duration_minutes integer default null,
    p_follow_up_date date default null,
    p_follow_up_notes text default null,
    p_outcome text default null,
    p_sentiment text default null,
    p_location text default null,
    p_attendees text[] default null,
    p_tags text[] default null,
    p_created_by bigint default null
)
returns bigint
    language plpgsql
    set search_path = ''
as $$
declare
    activity_id bigint;
    about_id bigint := p_organization_id;
begin
    perform public.require_living('opportunity', p_opportunity_id);
    if p_contact_id is not null then
        perform public.require_living('contact', p_contact_id);
    end if;
    if p_organization_id is not null then
        perform public.require_living('company', p_organization_id);
    else
        select opportunities.customer_organization_id
        into about_id
        from public.opportunities as opportunities
        where opportunities.id = p_opportunity_id;
    end if;
    if about_id is null and p_contact_id is null then
        raise exception using
            errcode = 'invalid_parameter_value',
            message = format('opportunity %s has no customer that the interaction could be with', p_opportunity_id),
            hint = 'Give p_contact_id, p_organization_id, or both.';
    end if;
    perform public.require_activity(p_type, p_duration_minutes, p_sentiment);
    if p_created_by is not null then
        perform public.require_living('user', p_created_by);
    end if;

    insert into public.activities (
        activity_type,
        type,
        subject,
        description,
        activity_date,
        duration_minutes,
        contact_id,
        organization_id,
        opportunity_id,
        follow_up_required,
        follow_up_date,
        follow_up_notes,
        outcome,
        sentiment,
        location,
        attendees,
        tags,
        created_by
    )
    values (
        'interaction',
        p_type,
        coalesce(nullif(btrim(p_subject), ''), p_type::text),
        p_description,
        p_activity_date,
        p_duration_minutes,
        p_contact_id,
        about_id,
        p_opportunity_id,
        p_follow_up_date is not null or p_follow_up_notes is not null,
        p_follow_up_date,
        p_follow_up_notes,
        p_outcome,
        p_sentiment,
        p_location,
        p_attendees,
        p_tags,
        p_created_by
    )
    returning id into activity_id;
    perform public.refresh_advocacy(activity_id);
    return activity_id;
end
$$;

comment on function public.log_interaction(
    bigint,
    public.interaction_type,
    text,
    text,
    timestamptz,
    bigint,
    bigint,
    integer,
    date,
    text,
    text,
    text,
    text,
    text[],
    text[],
    bigint
) is
    'Logs what happened on an opportunity; returns the id of the activity. The organisation is the customer, unless '
    'another is given. The first interaction founds the opportunity; advocates who take part are dated forward.';

create function public.convert_engagement_to_interaction(p_activity_id bigint, p_opportunity_id bigint)
returns bigint
    language plpgsql
    set search_path = ''
as $$
declare
    known record;
    activity_id bigint;
begin
    perform public.require_living('activity', p_activity_id);
    perform public.require_living('opportunity', p_opportunity_id);
    select activities.opportunity_id
    into known
    from public.activities as activities
    where activities.id = p_activity_id and activities.activity_type = 'interaction';
    if found then
        raise exception using
            errcode = 'check_violation',
            message = format('activity %s is an interaction on opportunity %s already', p_activity_id,
                known.opportunity_id),
            hint = 'Name an engagement.';
    end if;

    update public.activities as activities
    set
        activity_type = 'interaction',
        opportunity_id = p_opportunity_id,
        organization_id = coalesce(activities.organization_id, opportunities.customer_organization_id)
    from public.opportunities as opportunities
    where activities.id = p_activity_id and opportunities.id = p_opportunity_id
    returning activities.id into activity_id;
    if activity_id is null then
        raise exception using
            errcode = 'insufficient_privilege',
            message = format('activity %s is not yours to change', p_activity_id),
            hint = 'Row-level security forbids it.';
    end if;
    perform public.refresh_advocacy(activity_id);
    return activity_id;
end
$$;

comment on function public.convert_engagement_to_interaction(bigint, bigint) is
    'Turns an engagement into an interaction on an opportunity and returns its id, which stays. The first interaction '
    'founds the opportunity; advocates who took part are dated forward.';

create function public.get_activity_timeline(
    p_contact_id bigint default null,
    p_organization_id bigint default null,
    p_opportunity_id bigint default null,
    p_limit integer default 100
)
returns table (
    activity_id bigint,
    activity_type public.activity_type,
    type public.interaction_type,
    subject text,
    description text,
    activity_date timestamptz,
    contact_id bigint,
    contact_name text,
    organization_id bigint,
    organization_name text,
    opportunity_id bigint,
    opportunity_name text,
    outcome text,
    sentiment text,
    follow_up_required boolean,
    follow_up_date date,
    created_by bigint
)
    language plpgsql stable
    set search_path = ''
as $$
begin
    if num_nonnulls(p_contact_id, p_organization_id, p_opportunity_id) <> 1 then
        raise exception using
            errcode = 'invalid_parameter_value',
            message = 'a timeline is that of one contact, one organisation or one opportunity',
            hint = 'Give exactly one of p_contact_id, p_organization_id, p_opportunity_id.';
    end if;
    if p_limit is null or p_limit not between 1 and 10000 then
        raise exception using
            errcode = 'invalid_parameter_value',
            message = 'p_limit is no number from 1 to 10000',
            hint = 'Leave it out for the latest 100.';
    end if;
    if p_contact_id is not null then
        perform public.require_living('contact', p_contact_id);
    elsif p_organization_id is not null then
        perform public.require_living('company', p_organization_id);
    else
        perform public.require_living('opportunity', p_opportunity_id);
    end if;

    -- One index each: two of the three are null and find nothing.
    return query
    with

    chosen as (

        select activities.id from public.activities as activities where activities.contact_id = p_contact_id
        union
        select activities.id from public.activities as activities where activities.organization_id = p_organization_id
        union
        select activities.id from public.activities as activities where activities.opportunity_id = p_opportunity_id
        union
        select participants.activity_id
        from public.interaction_participants as participants
        where participants.contact_id = p_contact_id and participants.deleted_at is null
        union
        select participants.activity_id
        from public.interaction_participants as participants
        where participants.organization_id = p_organization_id and participants.deleted_at is null

    )

    select
        activities.id,
        activities.activity_type,
        activities.type,
        activities.subject,
        activities.description,
        activities.activity_date,
        contacts.id,
        nullif(concat_ws(' ', contacts.first_name, contacts.last_name), ''),
        companies.id,
        companies.name,
        opportunities.id,
        opportunities.name,
        activities.outcome,
        activities.sentiment,
        activities.follow_up_required,
        activities.follow_up_date,
        activities.created_by
    from chosen
    inner join public.activities as activities on activities.id = chosen.id
    left join public.contacts as contacts
        on contacts.id = activities.contact_id and contacts.deleted_at is null
    left join public.companies as companies
        on companies.id = activities.organization_id and companies.deleted_at is null
    left join public.opportunities as opportunities
        on opportunities.id = activities.opportunity_id and opportunities.deleted_at is null
    where activities.deleted_at is null
    order by activities.activity_date desc nulls last, activities.id desc
    limit p_limit;
end
$$;

comment on function public.get_activity_timeline(bigint, bigint, bigint, integer) is
    'The latest activities of one contact, one organisation or one opportunity, newest first, those without a date '
    'last; also those in which a contact or an organisation only took part.';

select migration.allow_readers('public.refresh_advocacy', 'public.tasks');

select migration.allow_readers('public.require_activity', 'public.tasks');

select migration.allow_readers('public.log_engagement', 'public.tasks');

select migration.allow_readers('public.log_interaction', 'public.tasks');

select migration.allow_readers('public.convert_engagement_to_interaction', 'public.tasks');

select migration.allow_readers('public.get_activity_timeline', 'public.tasks');
