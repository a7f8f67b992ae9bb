-- step: 40_rules
-- why: A contact's company and its primary membership are the same fact under two names and follow each other; who is
--  named as a principal is one; a company that is deleted softly takes its contacts along.

-- The rules run as their owner, as referential actions do: they hold whatever rights the writer has elsewhere. Each
-- looks at what is there now and changes what differs, so it comes to rest by itself. Those that write into tables that
-- have a customer's triggers keep public in the search_path for them.

create function public.validate_principal_organization() returns trigger
    language plpgsql
    security definer
    set search_path = ''
as $$
-- The trigger's argument names the column.
declare
    named constant bigint := (to_jsonb(new) ->> tg_argv[0])::bigint;
begin
    perform from public.companies where id = named and is_principal and deleted_at is null for share;
    if not found then
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
-- While the former one steps back, the contact keeps its company: it follows when the new one stands.
begin
    if exists (
        select from public.contact_organizations as others
        where others.contact_id = new.contact_id and others.is_primary_contact and others.deleted_at is null
            and others.id <> new.id
    ) then
        perform set_config('crm.yielding', new.contact_id::text, true);
        update public.contact_organizations as others
        set is_primary_contact = false
        where others.contact_id = new.contact_id and others.is_primary_contact and others.deleted_at is null
            and others.id <> new.id;
        perform set_config('crm.yielding', '', true);
    end if;
    return new;
end
$$;

comment on function public.yield_primary_membership() is
    'The primary membership of a contact steps back when another one becomes primary.';

create function public.membership_follows(contact bigint) returns void
    language plpgsql
    set search_path = public, extensions, pg_temp
as $$
declare
    found_contact record;
begin
    select contacts.company_id, contacts.sales_id
    into found_contact
    from public.contacts as contacts
    where contacts.id = contact and contacts.deleted_at is null;
    if not found or exists (
        -- Its company was given another id or is being deleted: this membership goes along by its reference.
        select from public.contact_organizations as memberships
        where memberships.contact_id = contact and memberships.is_primary_contact and memberships.deleted_at is null
            and memberships.organization_id is distinct from found_contact.company_id
            and not exists (select from public.companies where companies.id = memberships.organization_id)
    ) then
        return;
    end if;
    update public.contact_organizations as memberships
    set
        is_primary_contact = false,
        relationship_end_date = coalesce(memberships.relationship_end_date, cast(now() at time zone 'UTC' as date))
    where memberships.contact_id = contact
        and memberships.is_primary_contact
        and memberships.deleted_at is null
        and memberships.organization_id is distinct from found_contact.company_id;
    if found_contact.company_id is null then
        return;
    end if;
    insert into public.contact_organizations as memberships (
        contact_id, organization_id, is_primary_contact, relationship_start_date, created_by
    )
    select
        contact, found_contact.company_id, true, cast(now() at time zone 'UTC' as date), found_contact.sales_id
    where not exists (
        select from public.contact_organizations as there
        where there.contact_id = contact and there.organization_id = found_contact.company_id
            and there.is_primary_contact and there.deleted_at is null
    )
    on conflict (contact_id, organization_id) where deleted_at is null
    do update set is_primary_contact = true, relationship_end_date = null;
end
$$;

comment on function public.membership_follows(bigint) is
    'The primary membership is that in contacts.company_id; one that a contact leaves is ended, not deleted.';

create function public.company_follows(contact bigint, ended bigint) returns void
    language plpgsql
    set search_path = public, extensions, pg_temp
as $$
declare
    named bigint;
    present bigint;
begin
    -- Where nothing differs nothing is locked; where something does, it is looked at again behind the lock.
    for locked in 0..1 loop
        if locked = 1 then
            perform from public.contacts where id = contact for no key update;
        end if;
        select contacts.company_id into named
        from public.contacts as contacts
        where contacts.id = contact and contacts.deleted_at is null;
        if not found then
            return;  -- one that was deleted softly keeps its company, so that it can be brought back
        end if;
        select memberships.organization_id into present
        from public.contact_organizations as memberships
        where memberships.contact_id = contact and memberships.is_primary_contact and memberships.deleted_at is null;
        if present is not distinct from named then
            return;
        end if;
    end loop;
    if present is null and named is distinct from ended then
        perform public.membership_follows(contact);  -- the contact has moved on meanwhile
    else
        update public.contacts set company_id = present where id = contact;
    end if;
end
$$;

comment on function public.company_follows(bigint, bigint) is
    'contacts.company_id is the organisation of the living primary membership, or null where it ended.';

create function public.contact_follows_membership() returns trigger
    language plpgsql
    security definer
    set search_path = public, extensions, pg_temp
as $$
begin
    if tg_op = 'UPDATE' and current_setting('crm.yielding', true) = old.contact_id::text then
        return null;
    end if;
    if tg_op <> 'INSERT' and old.is_primary_contact and old.deleted_at is null then
        perform public.company_follows(old.contact_id, old.organization_id);
    end if;
    if tg_op <> 'DELETE' and new.is_primary_contact and new.deleted_at is null then
        perform public.company_follows(new.contact_id, null);
    end if;
    return null;
end
$$;

comment on function public.contact_follows_membership() is 'A contact follows its primary membership.';

create function public.membership_follows_contact() returns trigger
    language plpgsql
    security definer
    set search_path = public, extensions, pg_temp
as $$
begin
    if tg_level = 'ROW' then
        perform public.membership_follows(new.id);
        return null;
    end if;
    -- Planned anew each time, since one row and a hundred thousand want different plans. What a customer's own trigger
    -- made of the rows meanwhile stands in the table.
    execute $insert$
        insert into public.contact_organizations (
            contact_id, organization_id, is_primary_contact, relationship_start_date, created_by
        )
        select
            contacts.id, contacts.company_id, true, cast(contacts.first_seen at time zone 'UTC' as date),
            contacts.sales_id
        from rows_after
        inner join public.contacts as contacts on contacts.id = rows_after.id
        where contacts.company_id is not null
            and contacts.deleted_at is null
            and not exists (
                select from public.contact_organizations as memberships
                where memberships.contact_id = contacts.id
                    and memberships.is_primary_contact
                    and memberships.deleted_at is null
            )
        order by contacts.id
    $insert$;
    return null;
end
$$;

comment on function public.membership_follows_contact() is 'The primary membership follows the company of a contact.';

create function public.company_takes_its_contacts_along() returns trigger
    language plpgsql
    security definer
    set search_path = public, extensions, pg_temp
as $$
declare
    along bigint[];
begin
    with taken as (
        update public.contacts as contacts
        set deleted_at = new.deleted_at
        where contacts.company_id = new.id and contacts.deleted_at is null
        returning contacts.id
    )
    select array_agg(taken.id) into along from taken;
    update public.contact_organizations as memberships
    set deleted_at = new.deleted_at
    where memberships.contact_id = any (along) and memberships.deleted_at is null;
    update public.contact_organizations as memberships
    set deleted_at = new.deleted_at
    where memberships.organization_id = new.id and memberships.deleted_at is null;
    return null;
end
$$;

comment on function public.company_takes_its_contacts_along() is
    'A soft delete of a company is one of its contacts and of their memberships; its opportunities stay, flagged.';

select migration.deny_callers('public.validate_principal_organization()');

select migration.deny_callers('public.yield_primary_membership()');

select migration.deny_callers('public.membership_follows(bigint)');

select migration.deny_callers('public.company_follows(bigint, bigint)');

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
for each row when (
    old.company_id is distinct from new.company_id or (old.deleted_at is not null and new.deleted_at is null)
) execute function public.membership_follows_contact();

create trigger companies_take_contacts_along
after update on public.companies
for each row when (old.deleted_at is null and new.deleted_at is not null)
execute function public.company_takes_its_contacts_along();
