-- case: a note on a deal is written as the app does it
insert into public."dealNotes" (deal_id, type, text, date, sales_id, attachments)
values (
    3, 'Email', 'Sent the offer', '2026-10-01 09:30+00', 2,
    array['{"src": "https://files.example/a.pdf", "title": "a.pdf", "type": "application/pdf"}'::jsonb]
)
returning *;

-- case: a note on a deal is written with the least that it needs
insert into public."dealNotes" (deal_id) values (1) returning id, deal_id, type, text, date, attachments;

-- case: a note with an id of its own
insert into public."dealNotes" (id, deal_id, text) values (0, 1, 'zero'), (700001, 2, 'high') returning id, deal_id;

-- case: every column of a note can be changed by itself
update public."dealNotes" set text = 'Changed' where id = 2 returning text;

update public."dealNotes" set type = null where id = 2 returning type;

update public."dealNotes" set date = '-infinity' where id = 2 returning date;

update public."dealNotes" set sales_id = null where id = 2 returning sales_id;

update public."dealNotes" set attachments = array[null, 'null'::jsonb] where id = 2 returning attachments;

update public."dealNotes" set deal_id = 5 where id = 2 returning deal_id;

update public."dealNotes" set id = 700002 where id = 2 returning id, deal_id;

-- case: a note is upserted
insert into public."dealNotes" (id, deal_id, text) values (1, 1, 'Again'), (700003, 3, 'New')
on conflict (id) do update set text = excluded.text, deal_id = excluded.deal_id
returning id, deal_id, text;

-- case: notes are deleted one by one and all of a deal
delete from public."dealNotes" where id = 1 returning id, text;

delete from public."dealNotes" where deal_id = 10 returning id;

-- case: notes of all deals of a company
select "dealNotes".id, "dealNotes".text
from public."dealNotes"
inner join public.deals on deals.id = "dealNotes".deal_id
where deals.company_id = 1
order by "dealNotes".id;

-- case: a note on a deal that is not there
insert into public."dealNotes" (deal_id, text) values (-7, 'lost');

-- case: a note on no deal
insert into public."dealNotes" (text) values ('homeless');

-- case: a note by somebody who is not there
update public."dealNotes" set sales_id = -7 where id = 1;

-- case: who has not signed in writes no note
-- as: anon
insert into public."dealNotes" (deal_id, text) values (1, 'nobody');
