-- check: contacts.untrimmed_name
-- severity: info
-- table: public.contacts
-- why: Blanks around a name hide it from whoever looks for it by its beginning, and sort it to the wrong place.
-- fix: Remove the blanks; `crm-migrate fixes` writes the statement.
-- returns: one row per contact (id, detail)

with

contacts as (

    select id, first_name, last_name from public.contacts

)

select
    id,
    'first_name or last_name begins or ends with a blank' as detail

from contacts

where (first_name like ' %' or first_name like '% ' or last_name like ' %' or last_name like '% ')
    and concat(first_name, last_name) ~ '\S'
