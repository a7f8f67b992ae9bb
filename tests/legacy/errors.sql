-- case: a deal without a name
insert into public.deals (stage) values ('won');

-- case: a deal without a stage
insert into public.deals (name) values ('No stage');

-- case: a deal without anything
insert into public.deals default values;

-- case: a name is taken from a deal
update public.deals set name = null where id = 1;

-- case: a stage is taken from a deal
update public.deals set stage = null where id = 1;

-- case: a stage is taken from all deals
update public.deals set stage = null;

-- case: a deal is created without a date of creation
insert into public.deals (name, stage, created_at) values ('No date', 'won', null);

-- case: a date of update is taken from a deal
update public.deals set updated_at = null where id = 1;

-- case: a deal of a company that is not there
insert into public.deals (name, stage, company_id) values ('Nowhere', 'won', -7);

-- case: a deal moves to a company that is not there
update public.deals set company_id = -7 where id = 1;

-- case: a deal of somebody who is not there
update public.deals set sales_id = -7 where id = 1;

-- case: a deal whose id is taken
insert into public.deals (id, name, stage) values (1, 'Twice', 'won');

-- case: a deal whose id becomes that of another
update public.deals set id = 2 where id = 1;

-- case: an upsert that meets the same deal twice
insert into public.deals (id, name, stage) values (700000, 'a', 'won'), (700000, 'b', 'won')
on conflict (id) do update set name = excluded.name;

-- case: an index that overflows
update public.deals set "index" = 32767 + 1 where id = 1;

-- case: an amount that overflows
insert into public.deals (name, stage, amount) values ('Rich', 'won', 9223372036854775808);

-- case: a text where a number belongs
update public.deals set amount = 'much' where id = 1;

-- case: a column that deals never had
select probability from public.deals;

-- case: a column that deals never had is written
update public.deals set legacy_stage = 'won' where id = 1;

-- case: a column that dealNotes never had
select opportunity_id from public."dealNotes";

-- case: a contact of a company that is not there
update public.contacts set company_id = -7 where id = 1;

-- case: a contact is created in a company that is not there
insert into public.contacts (first_name, company_id) values ('Nowhere', -7);

-- case: a contact whose id is taken
insert into public.contacts (id, first_name, company_id) values (1, 'Twice', 1);

-- case: a company without a name
insert into public.companies (city) values ('Nowhere');

-- case: a company whose id is taken
insert into public.companies (id, name) values (1, 'Twice');

-- case: a company of somebody who is not there
update public.companies set sales_id = -7 where id = 1;

-- case: a note on a contact that is not there
insert into public."contactNotes" (contact_id, text) values (-7, 'lost');

-- case: a task without a day
insert into public.tasks (contact_id, type) values (1, 'Call');

-- case: a task of a contact that is not there
insert into public.tasks (contact_id, due_date) values (-7, now());

-- case: a tag of a colour that is none
insert into public.tags (name, color) values ('Wrong', 'mauve');

-- case: a sales person cannot be made by hand
insert into public.sales (first_name, last_name, email, administrator, user_id)
values ('By', 'Hand', 'by@example.com', true, '6f1c0f7a-0000-4000-8000-000000000003');

-- case: the summaries are not written to
update public.companies_summary set name = 'x' where id = 1;

-- case: the summary of contacts is not written to
delete from public.contacts_summary where id = 1;

-- case: whether the app is set up is not written to
insert into public.init_state (is_initialized) values (1);

-- case: who has not signed in creates no company
-- as: anon
insert into public.companies (name) values ('Nobody');

-- case: who has not signed in creates no contact
-- as: anon
insert into public.contacts (first_name) values ('Nobody');

-- case: who has not signed in creates no task
-- as: anon
insert into public.tasks (contact_id, due_date) values (1, now());

-- case: a table of users is not read
select * from auth.users;

-- case: an API role changes no table
alter table public.contacts add column shoe_size integer;

-- case: an API role drops no view
drop view public.companies_summary;
