-- check: contacts.placeholder_name
-- severity: info
-- table: public.contacts
-- why: Such a name was typed to get past a form; it becomes a person like any other.
-- fix: Name the contact, or delete it where it stands for nobody.
-- returns: one row per contact (id, detail)

with

contacts as (

    select id, lower(concat(first_name, last_name)) as name from public.contacts

)

select
    id,
    'first_name and last_name are placeholders' as detail

from contacts

where name in (
    'test', 'testtest', 'tester', 'n/a', 'n.a.', 'none', 'n/an/a', 'unknown', 'unbekannt', 'inconnu',
    'tbd', 'dummy', 'asdf', 'xxx', '-', '--', '?', '.'
)
