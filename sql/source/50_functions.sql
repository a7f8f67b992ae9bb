-- A user of Supabase is a sales person of the CRM: the first one to sign up becomes its administrator.
-- Missing names abort the sign-up, since sales demands them.

create function public.handle_new_user() returns trigger
language plpgsql
security definer
set search_path to ''
as $$
declare
    is_first boolean := not exists (select from public.sales);
begin
    insert into public.sales (first_name, last_name, email, user_id, administrator)
    values (
        new.raw_user_meta_data ->> 'first_name',
        new.raw_user_meta_data ->> 'last_name',
        new.email,
        new.id,
        is_first
    );
    return new;
end
$$;

create function public.handle_update_user() returns trigger
language plpgsql
security definer
set search_path to ''
as $$
begin
    update public.sales
    set
        first_name = new.raw_user_meta_data ->> 'first_name',
        last_name = new.raw_user_meta_data ->> 'last_name',
        email = new.email
    where user_id = new.id;
    return new;
end
$$;

create trigger on_auth_user_created
after insert on auth.users
for each row execute function public.handle_new_user();

create trigger on_auth_user_updated
after update on auth.users
for each row execute function public.handle_update_user();
