-- What every file of this folder draws from. Nothing here is random: a row's number and the seed decide everything.
-- psycopg fills in the names in percent signs.

-- A number from 0 to sides - 1; the salt keeps the draws of one row apart.
create function pg_temp.roll(n bigint, salt integer, sides bigint) returns bigint
language sql
immutable
as $$ select mod(hashint8extended(n, %(seed)s + salt) & 9223372036854775807, sides) $$;

-- Seconds since 1970 as a moment; the demo's own today is fixed, so that a year from now the same rows come out.
create function pg_temp.moment(seconds bigint) returns timestamptz
language sql
immutable
as $$ select to_timestamp(cast(seconds as double precision)) $$;

-- Contacts of a company follow each other; few companies have many, most have some five, the last twentieth has none.
create function pg_temp.company_of(contact bigint) returns bigint
language sql
immutable
as $$
    select 1 + cast(
        floor(
            cast(%(companies_with_contacts)s as double precision)
            * (cast(contact - 1 as double precision) / %(contacts)s)
            * (cast(contact - 1 as double precision) / %(contacts)s)
        ) as bigint
    )
$$;

-- Where a company's name stands in brands x nouns x suffixes: each place once, neighbours far apart.
create function pg_temp.company_name(company bigint) returns bigint
language sql
immutable
as $$ select mod(company * 158217 + pg_temp.roll(0, 1, 256000), 256000) $$;

-- Companies beyond the 256,000 names get a number behind the name.
create function pg_temp.company_lap(company bigint, separator text) returns text
language sql
immutable
as $$ select case when company > 256000 then separator || (1 + (company - 1) / 256000) else '' end $$;

-- Where a person's name stands in countries x first names x last names: likewise.
create function pg_temp.person_name(person bigint) returns bigint
language sql
immutable
as $$ select mod(person * 92707 + pg_temp.roll(0, 2, 150000), 150000) $$;

create function pg_temp.first_name_of(person bigint) returns bigint
language sql
immutable
as $$ select 100 * (pg_temp.person_name(person) / 15000) + mod(pg_temp.person_name(person) / 150, 100) $$;

create function pg_temp.last_name_of(person bigint) returns bigint
language sql
immutable
as $$ select 150 * (pg_temp.person_name(person) / 15000) + mod(pg_temp.person_name(person), 150) $$;

-- Brand, noun and suffix of a company.
create function pg_temp.brand_of(company bigint) returns bigint
language sql
immutable
as $$ select pg_temp.company_name(company) / 640 $$;

create function pg_temp.noun_of(company bigint) returns bigint
language sql
immutable
as $$ select mod(pg_temp.company_name(company) / 8, 80) $$;

create function pg_temp.suffix_of(company bigint) returns bigint
language sql
immutable
as $$ select mod(pg_temp.company_name(company), 8) $$;

create function pg_temp.contact_seen(contact bigint) returns bigint
language sql
immutable
as $$ select %(today)s - 86400 - pg_temp.roll(contact, 3, 94608000) $$;

create function pg_temp.deal_created(deal bigint) returns bigint
language sql
immutable
as $$ select %(today)s - 604800 - pg_temp.roll(deal, 4, 63072000) $$;

create function pg_temp.sales_of(n bigint, salt integer) returns bigint
language sql
immutable
as $$ select case when pg_temp.roll(n, salt, 100) >= 3 then 1 + pg_temp.roll(n, salt + 1, %(sales)s) end $$;
