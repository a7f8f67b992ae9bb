-- The sales people; the first one is the administrator, some have left.

insert into public.sales (id, first_name, last_name, email, administrator, user_id, avatar, disabled)
select
    n,
    users.raw_user_meta_data ->> 'first_name',
    users.raw_user_meta_data ->> 'last_name',
    users.email,
    n = 1,
    users.id,
    case
        when pg_temp.roll(n, 10, 2) = 0
            then jsonb_build_object('src', 'https://files.example/avatars/sales-' || n || '.png', 'title', 'avatar')
    end,
    n > 3 and pg_temp.roll(n, 11, 8) = 0
from generate_series(%(first)s::bigint, %(last)s::bigint) as n
inner join auth.users on users.id = cast(md5(%(seed)s || ' user ' || n) as uuid)
