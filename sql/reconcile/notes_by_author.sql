-- question: notes_by_author
-- why: The history of notes is whole, author by author, and so is the length of what they wrote.

select
    'contactNotes' as relation,
    sales_id,
    count(*) as notes,
    cast(sum(length(text)) as text) as characters

from public."contactNotes"

group by sales_id

union all

select
    'dealNotes' as relation,
    sales_id,
    count(*) as notes,
    cast(sum(length(text)) as text) as characters

from public."dealNotes"

group by sales_id
