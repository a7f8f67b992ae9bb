-- mend: contacts.null_tag
-- sets: tags
-- why: A null stands for no tag; the ids stay, in their order.

update public.contacts
set tags = array_remove(tags, null)
