-- Contacts: three in a hundred without a company. The number keeps an address unique where the name cannot.

insert into public.contacts (
    id, first_name, last_name, gender, title, background, avatar, first_seen, last_seen, has_newsletter, status, tags,
    company_id, sales_id, linkedin_url, email_jsonb, phone_jsonb
)
with

named as (

    select
        n,
        first_names.name as first_name,
        last_names.name as last_name,
        first_names.gender,
        coalesce(first_names.slug || '.' || last_names.slug, 'contact.' || n) as slug,
        pg_temp.contact_seen(n) as seen,
        case when pg_temp.roll(n, 200, 100) >= 3 then pg_temp.company_of(n) end as company_id
    from generate_series(%(first)s::bigint, %(last)s::bigint) as n
    inner join pg_temp.first_names on first_names.id = pg_temp.first_name_of(n)
    inner join pg_temp.last_names on last_names.id = pg_temp.last_name_of(n)

),

addressed as (

    select
        named.n,
        named.first_name,
        named.last_name,
        named.gender,
        named.slug,
        named.seen,
        named.company_id,
        coalesce(
            named.slug || '@' || brands.slug || '-' || nouns.slug || '-' || suffixes.slug
            || pg_temp.company_lap(named.company_id, '-') || '.example',
            named.slug || '.' || named.n || '@example.com'
        ) as email
    from named
    left join pg_temp.brands on brands.id = pg_temp.brand_of(named.company_id)
    left join pg_temp.nouns on nouns.id = pg_temp.noun_of(named.company_id)
    left join pg_temp.suffixes on suffixes.id = pg_temp.suffix_of(named.company_id)

)

select
    n,
    addressed.first_name,
    addressed.last_name,
    case when pg_temp.roll(n, 201, 50) = 0 then 'nonbinary' else addressed.gender end,
    titles.text,
    case when pg_temp.roll(n, 202, 3) > 0 then titles.text || '. ' || sentences.text end,
    case
        when pg_temp.roll(n, 203, 3) = 0
            then jsonb_build_object('src', 'https://files.example/avatars/' || n || '.png')
    end,
    pg_temp.moment(addressed.seen),
    pg_temp.moment(addressed.seen + pg_temp.roll(n, 204, %(today)s - addressed.seen)),
    pg_temp.roll(n, 205, 3) = 0,
    (array['cold', 'cold', 'cold', 'cold', 'warm', 'warm', 'warm', 'hot', 'hot', 'in-contract'])
        [1 + pg_temp.roll(n, 206, 10)],
    case pg_temp.roll(n, 207, 10)
        when 0 then null
        when 1 then array[1 + pg_temp.roll(n, 208, 8), 9 + pg_temp.roll(n, 209, 8)]
        when 2 then array[9 + pg_temp.roll(n, 208, 8), 1 + pg_temp.roll(n, 209, 4), 5 + pg_temp.roll(n, 210, 4)]
        when 3 then array[1 + pg_temp.roll(n, 208, 16)]
        when 4 then array[1 + pg_temp.roll(n, 208, 16)]
        else '{}'
    end,
    addressed.company_id,
    pg_temp.sales_of(n, 211),
    case when pg_temp.roll(n, 213, 5) > 1 then 'https://www.linkedin.com/in/' || addressed.slug || '-' || n end,
    case
        when pg_temp.roll(n, 214, 6) > 0
            then jsonb_build_array(jsonb_build_object('email', addressed.email, 'type', 'Work'))
        else jsonb_build_array(
            jsonb_build_object('email', addressed.email, 'type', 'Work'),
            jsonb_build_object('email', addressed.slug || '.' || n || '@example.org', 'type', 'Home')
        )
    end,
    case
        when pg_temp.roll(n, 215, 10) = 0 then '[]'
        when pg_temp.roll(n, 215, 10) < 8
            then jsonb_build_array(jsonb_build_object(
                'number', '+1 ' || 201 + pg_temp.roll(n, 216, 700) || '-555-01' || 10 + pg_temp.roll(n, 217, 90),
                'type', 'Work'
            ))
        else jsonb_build_array(
            jsonb_build_object('number', '+44 20 7946 0' || 100 + pg_temp.roll(n, 217, 900), 'type', 'Work'),
            jsonb_build_object('number', '(' || 201 + pg_temp.roll(n, 216, 700) || ') 555-0150', 'type', 'Other')
        )
    end
from addressed
inner join pg_temp.titles on titles.id = pg_temp.roll(n, 218, %(titles)s)
inner join pg_temp.sentences on sentences.id = pg_temp.roll(n, 219, %(sentences)s)
