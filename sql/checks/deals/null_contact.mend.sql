-- mend: deals.null_contact
-- sets: contact_ids
-- why: A null stands for no contact; the ids stay, in their order.

update public.deals
set contact_ids = array_remove(contact_ids, null)
