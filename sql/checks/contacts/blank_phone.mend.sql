-- mend: contacts.blank_phone
-- sets: phone_jsonb
-- why: An entry whose number is blank says nothing; all others stay, in their order.

update public.contacts
set phone_jsonb = (
    select coalesce(jsonb_agg(listed.entry order by listed.position), '[]')
    from jsonb_array_elements(contacts.phone_jsonb) with ordinality as listed (entry, position)
    where coalesce(listed.entry ->> 'number', 'none') ~ '\S'
)
