-- check: contacts.without_email
-- severity: info
-- table: public.contacts
-- why: A contact without an e-mail address gets no invitation and no notice, and is not found by address.
-- fix: Nothing has to be done; enter the address where it is known.
-- returns: one row per contact (id, detail)

with

contacts as (

    select
        id,
        case when jsonb_typeof(email_jsonb) = 'array' then email_jsonb end as listed
    from public.contacts
    where email_jsonb is null
        or (cast(email_jsonb as text) not like '%@%' and jsonb_typeof(email_jsonb) in ('array', 'null'))

),

addresses as (

    select
        id,
        jsonb_array_elements_text(jsonb_path_query_array(listed, '$[*].email')) as address

    from contacts

),

named as (

    select id from addresses where address ~ '\S'

)

select
    id,
    'email_jsonb holds no address' as detail

from contacts

where id not in (select id from named)
