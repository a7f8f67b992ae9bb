-- check: companies.placeholder_name
-- severity: info
-- table: public.companies
-- why: Such a name was typed to get past a form; it becomes an organisation like any other.
-- fix: Name the company, or delete it where it stands for nothing.
-- returns: one row per company (id, detail)

with

companies as (

    select id, lower(btrim(name, ' ')) as name from public.companies

)

select
    id,
    'name is a placeholder' as detail

from companies

where name in (
    'test', 'test test', 'tester', 'n/a', 'n.a.', 'none', 'unknown', 'unbekannt', 'inconnu',
    'tbd', 'dummy', 'asdf', 'xxx', '-', '--', '?', '.'
)
