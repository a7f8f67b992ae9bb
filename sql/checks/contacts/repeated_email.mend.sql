-- mend: contacts.repeated_email
-- sets: email_jsonb
-- why: The first entry with an address stays as it is; later ones with the same address go.

update public.contacts
set email_jsonb = (
    select coalesce(jsonb_agg(entries.entry order by entries.position), '[]')
    from (
        select
            entry,
            position,
            row_number() over (partition by lower(btrim(entry ->> 'email', ' ')) order by position) as place
        from jsonb_array_elements(contacts.email_jsonb) with ordinality as listed (entry, position)
    ) as entries
    where entries.place = 1 or coalesce(entries.entry ->> 'email', '') !~ '\S'
)
