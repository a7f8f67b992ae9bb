-- mend: contacts.email_shape
-- sets: email_jsonb
-- why: A single entry becomes a list of one; other shapes are left to people.

update public.contacts
set email_jsonb = jsonb_build_array(email_jsonb)
where jsonb_typeof(email_jsonb) = 'object' and jsonb_typeof((email_jsonb -> 'email')) = 'string'
