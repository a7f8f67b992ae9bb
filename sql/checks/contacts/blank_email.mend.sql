-- mend: contacts.blank_email
-- sets: email_jsonb
-- why: An entry whose address is blank says nothing; all others stay, in their order.

update public.contacts
set email_jsonb = (
    select coalesce(jsonb_agg(listed.entry order by listed.position), '[]')
    from jsonb_array_elements(contacts.email_jsonb) with ordinality as listed (entry, position)
    where coalesce(listed.entry ->> 'email', 'none') ~ '\S'
)
