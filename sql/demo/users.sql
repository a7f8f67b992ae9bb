-- One user of Supabase for each sales person; the trigger that would make the sales row comes after the rows.

insert into auth.users (id, email, raw_app_meta_data, raw_user_meta_data, created_at, updated_at)
select
    cast(md5(%(seed)s || ' user ' || n) as uuid),
    coalesce(first_names.slug || '.' || last_names.slug || '.', 'user.') || n || '@example.com',
    '{"provider": "email", "providers": ["email"]}',
    jsonb_build_object('first_name', first_names.name, 'last_name', last_names.name),
    pg_temp.moment(%(today)s - 100000000 + n),
    pg_temp.moment(%(today)s - 100000000 + n)
from generate_series(%(first)s::bigint, %(last)s::bigint) as n
inner join pg_temp.first_names on first_names.id = pg_temp.first_name_of(149000 - n)
inner join pg_temp.last_names on last_names.id = pg_temp.last_name_of(149000 - n)
