-- check: contacts.repeated_phone
-- severity: info
-- table: public.contacts
-- why: One number twice in a contact shows twice.
-- fix: Take the second entry out of contacts.phone_jsonb.
-- returns: one row per contact (id, detail)

with

contacts as (

    select
        id,
        jsonb_array_elements_text(jsonb_path_query_array(phone_jsonb, '$[*].number')) as number
    from public.contacts
    where cast(phone_jsonb as text) like '[%}, {%'

),

numbers as (

    select
        id,
        translate(number, ' ()./-', '') as number

    from contacts

),

repeated as (

    select
        id,
        count(*) - 1 as times

    from numbers

    where number <> ''

    group by id, number

    having count(*) > 1

)

select
    id,
    'numbers that phone_jsonb repeats: ' || cast(sum(times) as text) as detail

from repeated

group by id
