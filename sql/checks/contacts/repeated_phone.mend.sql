-- mend: contacts.repeated_phone
-- sets: phone_jsonb
-- why: The first entry with a number stays as it is; later ones with the same digits go.

update public.contacts
set phone_jsonb = (
    select coalesce(jsonb_agg(entries.entry order by entries.position), '[]')
    from (
        select
            entry,
            position,
            row_number() over (partition by translate(entry ->> 'number', ' ()./-', '') order by position) as place
        from jsonb_array_elements(contacts.phone_jsonb) with ordinality as listed (entry, position)
    ) as entries
    where entries.place = 1 or coalesce(entries.entry ->> 'number', '') !~ '\S'
)
