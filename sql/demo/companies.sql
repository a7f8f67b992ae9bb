-- Companies: the name is unique, and its site lies in the .example domain that nobody can own (RFC 2606).

insert into public.companies (
    id, created_at, name, sector, size, linkedin_url, website, phone_number, address, zipcode, city, "stateAbbr",
    sales_id, context_links, country, description, revenue, tax_identifier, logo
)
with

named as (

    select
        n,
        brands.name || ' ' || nouns.name || ' ' || suffixes.name || pg_temp.company_lap(n, ' ') as name,
        brands.slug || '-' || nouns.slug || '-' || suffixes.slug || pg_temp.company_lap(n, '-') as slug
    from generate_series(%(first)s::bigint, %(last)s::bigint) as n
    inner join pg_temp.brands on brands.id = pg_temp.brand_of(n)
    inner join pg_temp.nouns on nouns.id = pg_temp.noun_of(n)
    inner join pg_temp.suffixes on suffixes.id = pg_temp.suffix_of(n)

)

select
    n,
    pg_temp.moment(%(today)s - 86400 - pg_temp.roll(n, 100, 120000000)),
    named.name,
    (array[
        'Communication Services', 'Consumer Discretionary', 'Consumer Staples', 'Energy', 'Financials', 'Health Care',
        'Industrials', 'Information Technology', 'Materials', 'Real Estate', 'Utilities'
    ])[1 + pg_temp.roll(n, 101, 12)],
    (array[1, 10, 10, 50, 50, 50, 250, 250, 500])[1 + pg_temp.roll(n, 102, 10)],
    case when pg_temp.roll(n, 103, 3) > 0 then 'https://www.linkedin.com/company/' || named.slug end,
    'https://www.' || named.slug || '.example',
    '+1 ' || 201 + pg_temp.roll(n, 104, 700) || '-555-01' || 10 + pg_temp.roll(n, 105, 90),
    1 + pg_temp.roll(n, 106, 990) || ' ' || streets.name,
    places.zipcode,
    places.city,
    places.state,
    pg_temp.sales_of(n, 107),
    case
        when pg_temp.roll(n, 109, 5) = 0
            then json_build_array(
                'https://news.example/' || named.slug, 'https://www.' || named.slug || '.example/about'
            )
        when pg_temp.roll(n, 109, 5) = 1 then json_build_array()
    end,
    places.country,
    phrases.text || '.',
    (array['$100K', '$500K', '$1M', '$5M', '$20M', '$100M'])[1 + pg_temp.roll(n, 110, 8)],
    case
        when pg_temp.roll(n, 111, 4) > 0
            then places.code || lpad(cast(pg_temp.roll(n, 112, 1000000000) as text), 9, '0')
    end,
    case
        when pg_temp.roll(n, 113, 2) = 0
            then jsonb_build_object(
                'src', 'https://www.' || named.slug || '.example/logo.png', 'title', named.name
            )
    end
from named
inner join pg_temp.streets on streets.id = pg_temp.roll(n, 114, %(streets)s)
inner join pg_temp.places on places.id = pg_temp.roll(n, 115, %(places)s)
inner join pg_temp.phrases on phrases.id = pg_temp.roll(n, 116, %(phrases)s)
