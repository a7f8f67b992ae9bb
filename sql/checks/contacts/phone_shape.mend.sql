-- mend: contacts.phone_shape
-- sets: phone_jsonb
-- why: A single entry becomes a list of one; other shapes are left to people.

update public.contacts
set phone_jsonb = jsonb_build_array(phone_jsonb)
where jsonb_typeof(phone_jsonb) = 'object' and jsonb_typeof((phone_jsonb -> 'number')) = 'string'
