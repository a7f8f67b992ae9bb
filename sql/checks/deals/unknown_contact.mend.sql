-- mend: deals.unknown_contact
-- sets: contact_ids
-- why: An id that no contact has leads nowhere; the others stay, in their order, and so do nulls.

update public.deals
set contact_ids = array(
    select listed.id
    from unnest(deals.contact_ids) with ordinality as listed (id, position)
    where listed.id is null or exists (select 1 from public.contacts where contacts.id = listed.id)
    order by listed.position
)
