-- mend: contacts.unfolded_email
-- sets: email_jsonb
-- why: Nobody's mailbox minds capitals; type and order of the entries stay.

update public.contacts
set email_jsonb = (
    select
        jsonb_agg(
            case
                when jsonb_typeof(listed.entry -> 'email') = 'string'
                    then jsonb_set(listed.entry, '{email}', to_jsonb(lower(btrim(listed.entry ->> 'email', ' '))))
                else listed.entry
            end
            order by listed.position
        )
    from jsonb_array_elements(contacts.email_jsonb) with ordinality as listed (entry, position)
)
