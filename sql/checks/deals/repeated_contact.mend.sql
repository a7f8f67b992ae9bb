-- mend: deals.repeated_contact
-- sets: contact_ids
-- why: Each id stays where it stands first; nulls stay as they are.

update public.deals
set contact_ids = array(
    select entries.id
    from (
        select
            listed.id,
            listed.position,
            row_number() over (partition by listed.id order by listed.position) as place
        from unnest(deals.contact_ids) with ordinality as listed (id, position)
    ) as entries
    where entries.place = 1 or entries.id is null
    order by entries.position
)
