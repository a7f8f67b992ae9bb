-- step: 40_rules
-- why: A contact's company and its primary membership are the same fact under two names and follow each other; who is
--  named as a principal is one; a company that is deleted softly takes its contacts along.

-- The rules run as their owner, as referential actions do: they hold whatever rights the writer has elsewhere.
-- While one side follows, crm.contacts_follow is on, so that the other does not answer.

create function public.validate_principal_organization() returns trigger
    language plpgsql
    security definer
    set search_path = ''
as $$
-- The trigger's argument names the column.
declare
    named constant bigint := (to_jsonb(new) ->> tg_argv[0])::bigint;
begin
    if not exists (
        select from public.companies where id = named and is_principal and deleted_at is null
    ) then
        raise exception 'company % is not a living principal', named
        using errcode = 'check_violation', column = tg_argv[0], table = tg_table_name,
            hint = 'Set companies.is_principal first, or name another company.';
    end if;
    return new;
end
$$;

comment on function public.validate_principal_organization() is 'Who is named as a principal must be a living one.';

create function public.yield_primary_membership() returns trigger
    language plpgsql
    security definer
    set search_path = ''
as $$
declare
    was text;
begin
    if exists (
        select from public.contact_organizations as others
        where others.contact_id = new.contact_id and others.is_primary_contact and others.deleted_at is null
            and others.id <> new.id
    ) then
        was := current_setting('crm.contacts_follow', true);
        perform set_config('crm.contacts_follow', 'on', true);
        update public.contact_organizations as others
        set is_primary_contact = false
        where others.contact_id = new.contact_id and others.is_primary_contact and others.deleted_at is null
            and others.id <> new.id;
        perform set_config('crm.contacts_follow', coalesce(was, ''), true);
    end if;
    return new;
end
$$;

comment on function public.yield_primary_membership() is
    'The primary membership of a contact steps back when another one becomes primary.';

create function public.contact_follows_membership() returns trigger
    language plpgsql
    security definer
    set search_path = ''
as $$
begin
    if current_setting('crm.contacts_follow', true) = 'on' then
        return null;
    end if;
    perform set_config('crm.contacts_follow', 'on', true);
    -- A contact that was deleted softly keeps its company, so that it can be brought back.
    update public.contacts as contacts
    set company_id = primaries.organization_id
    from (values (old.contact_id), (new.contact_id)) as touched (contact_id)
    left join public.contact_organizations as primaries
        on primaries.contact_id = touched.contact_id and primaries.is_primary_contact and primaries.deleted_at is null
    where contacts.id = touched.contact_id
        and contacts.deleted_at is null
        and contacts.company_id is distinct from primaries.organization_id;
    perform set_config('crm.contacts_follow', '', true);
    return null;
end
$$;

comment on function public.contact_follows_membership() is
    'contacts.company_id is the organisation of the living primary membership, or null where there is none.';

create function public.membership_follows_contact() returns trigger
    language plpgsql
    security definer
    set search_path = ''
as $$
begin
    if current_setting('crm.contacts_follow', true) = 'on' then
        return null;
    end if;
    if tg_op = 'INSERT' then
        perform set_config('crm.contacts_follow', 'on', true);
        insert into public.contact_organizations (
            contact_id, organization_id, is_primary_contact, relationship_start_date, created_by
        )
        select id, company_id, true, cast(first_seen at time zone 'UTC' as date), sales_id
        from rows_after
        where company_id is not null
        order by id;
        perform set_config('crm.contacts_follow', '', true);
        return null;
    end if;

    if old.company_id is not null and not exists (select from public.companies where id = old.company_id) then
        return null;  -- the company was given another id, and its memberships go with it by their reference
    end if;
    perform set_config('crm.contacts_follow', 'on', true);
    update public.contact_organizations as memberships
    set
        is_primary_contact = false,
        relationship_end_date = coalesce(memberships.relationship_end_date, cast(now() at time zone 'UTC' as date))
    where memberships.contact_id = new.id
        and memberships.is_primary_contact
        and memberships.deleted_at is null
        and memberships.organization_id is distinct from new.company_id;
    update public.contact_organizations as memberships
    set is_primary_contact = true, relationship_end_date = null
    where memberships.contact_id = new.id
        and memberships.organization_id = new.company_id
        and memberships.deleted_at is null;
    if not found and new.company_id is not null then
        insert into public.contact_organizations (
            contact_id, organization_id, is_primary_contact, relationship_start_date, created_by
        )
        values (new.id, new.company_id, true, cast(now() at time zone 'UTC' as date), new.sales_id);
    end if;
    perform set_config('crm.contacts_follow', '', true);
    return null;
end
$$;

comment on function public.membership_follows_contact() is
    'The primary membership is that in contacts.company_id; one that a contact leaves is ended, not deleted.';

create function public.company_takes_its_contacts_along() returns trigger
    language plpgsql
    security definer
    set search_path = ''
as $$
begin
    update public.contacts as contacts
    set deleted_at = new.deleted_at
    where contacts.company_id = new.id and contacts.deleted_at is null;
    update public.contact_organizations as memberships
    set deleted_at = new.deleted_at
    where memberships.deleted_at is null
        and (
            memberships.organization_id = new.id
            or memberships.contact_id in (
                select contacts.id from public.contacts as contacts where contacts.company_id = new.id
            )
        );
    return null;
end
$$;

comment on function public.company_takes_its_contacts_along() is
    'A soft delete of a company is one of its contacts and of their memberships; its opportunities stay, flagged.';

select migration.deny_callers('public.validate_principal_organization()');

select migration.deny_callers('public.yield_primary_membership()');

select migration.deny_callers('public.contact_follows_membership()');

select migration.deny_callers('public.membership_follows_contact()');

select migration.deny_callers('public.company_takes_its_contacts_along()');

create trigger check_principal_organization
before insert on public.contact_preferred_principals
for each row when (new.deleted_at is null)
execute function public.validate_principal_organization('principal_organization_id');

create trigger check_principal_organization_on_update
before update on public.contact_preferred_principals
for each row when (
    new.deleted_at is null and (
        old.deleted_at is not null or old.principal_organization_id is distinct from new.principal_organization_id
    )
) execute function public.validate_principal_organization('principal_organization_id');

create trigger contact_preferred_principals_touch_updated_at
before update on public.contact_preferred_principals
for each row execute function public.touch_updated_at();

create trigger contact_organizations_touch_updated_at
before update on public.contact_organizations
for each row execute function public.touch_updated_at();

create trigger contact_organizations_yield_on_insert
before insert on public.contact_organizations
for each row when (new.is_primary_contact and new.deleted_at is null)
execute function public.yield_primary_membership();

create trigger contact_organizations_yield_on_update
before update on public.contact_organizations
for each row when (
    new.is_primary_contact and new.deleted_at is null and not (
        old.is_primary_contact and old.deleted_at is null and old.contact_id = new.contact_id
    )
) execute function public.yield_primary_membership();

create trigger contact_organizations_follow_on_insert
after insert on public.contact_organizations
for each row when (new.is_primary_contact and new.deleted_at is null)
execute function public.contact_follows_membership();

create trigger contact_organizations_follow_on_update
after update on public.contact_organizations
for each row when (
    old.contact_id is distinct from new.contact_id
    or old.organization_id is distinct from new.organization_id
    or old.is_primary_contact is distinct from new.is_primary_contact
    or old.deleted_at is distinct from new.deleted_at
) execute function public.contact_follows_membership();

create trigger contact_organizations_follow_on_delete
after delete on public.contact_organizations
for each row when (old.is_primary_contact and old.deleted_at is null)
execute function public.contact_follows_membership();

create trigger contacts_follow_on_insert
after insert on public.contacts
referencing new table as rows_after
for each statement execute function public.membership_follows_contact();

create trigger contacts_follow_on_update
after update on public.contacts
for each row when (old.company_id is distinct from new.company_id)
execute function public.membership_follows_contact();

create trigger companies_take_contacts_along
after update on public.companies
for each row when (old.deleted_at is null and new.deleted_at is not null)
execute function public.company_takes_its_contacts_along();
