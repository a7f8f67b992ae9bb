-- mend: contacts.unknown_tag
-- sets: tags
-- why: An id that no tag has leads nowhere; the others stay, in their order, and so do nulls.

update public.contacts
set tags = array(
    select listed.id
    from unnest(contacts.tags) with ordinality as listed (id, position)
    where listed.id is null or exists (select 1 from public.tags where tags.id = listed.id)
    order by listed.position
)
