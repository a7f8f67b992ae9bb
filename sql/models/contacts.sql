-- model: contacts
-- target: public.contacts
-- mode: update
-- driver: public.contacts.id
-- key: id
-- rows: same
-- uncompared: search_tsv
-- why: The company of a contact as it was before it may belong to several, and full text over what is known of it.

with

contacts as (

    select id, company_id, first_name, last_name, title, background from public.contacts

)

select
    -- ids
    id,
    company_id as company_id_backup,

    -- facts
    public.search_document(concat_ws(' ', first_name, last_name, title, background)) as search_tsv

from contacts
