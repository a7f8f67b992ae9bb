-- check: contacts.long_text
-- severity: info
-- table: public.contacts
-- why: The search reads the first 50,000 characters of what it is given; the text itself is carried over whole.
-- fix: Nothing has to be done; what stands behind them is not found by search.
-- returns: one row per contact (id, detail)

with

contacts as (

    select id, concat_ws(' ', first_name, last_name, title, background) as texts from public.contacts

)

select
    id,
    'more than 50,000 characters' as detail

from contacts

where length(texts) > 50000
