-- case: a company is created, changed in every column, and deleted
insert into public.companies (
    name, sector, size, linkedin_url, website, phone_number, address, zipcode, city, "stateAbbr", sales_id,
    context_links, country, description, revenue, tax_identifier, logo
)
values (
    'Müller & Söhne "GmbH"', 'Energy', 50, 'https://www.linkedin.com/company/m', 'https://m.example', '+49 30 1',
    'Weg 1', '10115', 'Berlin', 'BE', 2, '["https://a.example", "https://a.example"]', 'Germany', 'Wind', '1 M', 'DE1',
    '{"src": "https://m.example/logo.png", "title": "logo"}'
)
returning id, created_at, name, context_links::text, logo;

update public.companies
set name = 'Renamed', sector = null, size = 500, website = '', city = 'Köln', context_links = null, logo = null,
    sales_id = 3, created_at = '2020-01-01 00:00+00'
where name like 'Müller%'
returning name, sector, size, website, city, context_links::text, logo, sales_id, created_at;

delete from public.companies where name = 'Renamed' returning name;

-- case: a company goes and takes its contacts, deals, notes and tasks along
delete from public.companies where id = 1 returning id;

select (select count(*) from public.contacts), (select count(*) from public.deals),
    (select count(*) from public."dealNotes"), (select count(*) from public.tasks);

-- case: all companies go
delete from public.companies;

select (select count(*) from public.contacts), (select count(*) from public.deals),
    (select count(*) from public."contactNotes"), (select count(*) from public.tasks);

-- case: the id of a company changes and its contacts and deals follow
update public.companies set id = 700000 where id = 2 returning id;

select id, company_id from public.deals where company_id in (2, 700000) order by id;

select id, company_id from public.contacts where company_id in (2, 700000) order by id;

-- case: the ids of all companies change at once
update public.companies set id = id + 500000;

select count(*) from public.deals inner join public.companies on companies.id = deals.company_id;

-- case: a company is upserted
insert into public.companies (id, name) values (2, 'Known'), (700001, 'Unknown')
on conflict (id) do update set name = excluded.name
returning id, name;

-- case: a contact is created as the app does it
insert into public.contacts (
    first_name, last_name, gender, title, background, avatar, first_seen, last_seen, has_newsletter, status, tags,
    company_id, sales_id, linkedin_url, email_jsonb, phone_jsonb
)
values (
    'Zoë', 'O''Neill', 'nonbinary', 'CTO', 'Met at the fair', '{"src": "https://a.example/z.png"}',
    '2026-10-01 00:00+00', '2026-10-02 00:00+00', true, 'warm', '{1, 2, 2}', 3, 4, null,
    '[{"email": "zoe@example.com", "type": "Work"}]', '[]'
)
returning id, first_name, tags, company_id, email_jsonb, phone_jsonb;

-- case: a contact is created with nothing at all
insert into public.contacts default values returning id, first_name, company_id, tags;

-- case: a contact with an id of its own moves from no company to one, to another and to none
insert into public.contacts (id, first_name) values (0, 'Nil') returning id, company_id;

update public.contacts set company_id = 1 where id = 0 returning company_id;

update public.contacts set company_id = 2 where id = 0 returning company_id;

update public.contacts set company_id = null where id = 0 returning company_id;

update public.contacts set company_id = 1 where id = 0 returning company_id;

select id, company_name from public.contacts_summary where id = 0;

-- case: every column of a contact can be changed
update public.contacts
set first_name = null, last_name = 'Changed', gender = '', title = 'Dr', background = 'x', avatar = null,
    first_seen = 'infinity', last_seen = '2026-10-01 00:00+00', has_newsletter = null, status = 'odd',
    tags = '{}', sales_id = null, linkedin_url = 'https://www.linkedin.com/in/x', email_jsonb = null,
    phone_jsonb = '[{"number": "1", "type": ""}]'
where id = 4
returning id, first_name, last_name, gender, first_seen, tags, email_jsonb, phone_jsonb;

update public.contacts set tags = array_append(tags, 5) where id = 4 returning tags;

-- case: contacts of one company move to another in one statement
update public.contacts set company_id = 3 where company_id = 1;

select id, nb_contacts, nb_deals from public.companies_summary where id in (1, 3) order by id;

-- case: two contacts swap their companies
update public.contacts set company_id = case id when 1 then 2 else 1 end where id in (1, 63);

select id, company_id from public.contacts where id in (1, 63) order by id;

-- case: a contact is deleted with its notes and tasks and stays in the lists of deals
delete from public.contacts where id = 63 returning id;

select id, contact_ids from public.deals where 63 = any (contact_ids) order by id;

select count(*) from public."contactNotes" where contact_id = 63;

select count(*) from public.tasks where contact_id = 63;

-- case: the id of a contact changes and its notes and tasks follow
update public.contacts set id = 700000 where id = 138;

select id from public."contactNotes" where contact_id = 700000 order by id;

select id from public.tasks where contact_id = 700000 order by id;

-- case: a contact is upserted
insert into public.contacts (id, first_name, company_id) values (1, 'Known', 5), (700001, 'Unknown', 6)
on conflict (id) do update set first_name = excluded.first_name, company_id = excluded.company_id
returning id, first_name, company_id;

-- case: a note on a contact is written, changed and deleted, and the contact was seen
insert into public."contactNotes" (contact_id, text, date, sales_id, status, attachments)
values (1, 'Rang', '2026-10-01 00:00+00', 1, 'hot', '{}')
returning id, contact_id, attachments;

update public.contacts set last_seen = '2026-10-01 00:00+00', status = 'hot' where id = 1 returning status;

update public."contactNotes" set text = 'Did not ring', contact_id = 2, status = null where contact_id = 1 returning id, text;

delete from public."contactNotes" where contact_id = 2 returning id;

-- case: a task is made, done, undone and deleted
insert into public.tasks (contact_id, type, text, due_date, sales_id)
values (1, 'Call', 'Ring her', '2026-12-01 00:00+00', 1)
returning id, done_date;

update public.tasks set done_date = '2026-11-30 00:00+00' where contact_id = 1 and text = 'Ring her' returning done_date;

update public.tasks set done_date = null, due_date = due_date + interval '7 days' where text = 'Ring her' returning due_date;

delete from public.tasks where text = 'Ring her' returning type;

-- case: a task of somebody who is not there
insert into public.tasks (contact_id, type, due_date, sales_id) values (1, 'Ship', '2026-12-01 00:00+00', -7)
returning id, sales_id;

-- case: a tag is made, recoloured and deleted, and stays on contacts
insert into public.tags (name, color) values ('New', 'pink') returning id, name, color;

update public.tags set color = 'teal' where name = 'New' returning color;

delete from public.tags where id = 13 returning name;

select count(*) from public.contacts where tags @> '{13}';

-- case: the old copy of the colours is open to all
-- as: anon
select count(*) from public.tags_color_backup;

delete from public.tags_color_backup where id = 1;

-- case: a sales person is only read
update public.sales set first_name = 'Other' where id = 1;

delete from public.sales where id = 1;

select id, first_name, disabled from public.sales order by id;

-- case: somebody signs up, is renamed, writes a note, and goes with it
-- as: service_role
insert into auth.users (id, email, raw_user_meta_data)
values (
    '6f1c0f7a-0000-4000-8000-000000000001', 'new@example.com', '{"first_name": "New", "last_name": "One"}'
);

update auth.users set email = 'newer@example.com' where email = 'new@example.com';

insert into public."contactNotes" (contact_id, text, sales_id)
select 1, 'Mine', id from public.sales where email = 'newer@example.com';

select first_name, email, administrator from public.sales where email = 'newer@example.com';

delete from public.sales where email = 'newer@example.com' returning first_name;

select count(*) from public."contactNotes" where text = 'Mine';

-- case: a sales person who has companies cannot go
-- as: service_role
delete from public.sales where id = 1;

-- case: the id of a sales person who has nothing but notes on contacts changes
-- as: service_role
insert into auth.users (id, email, raw_user_meta_data)
values (
    '6f1c0f7a-0000-4000-8000-000000000002', 'two@example.com', '{"first_name": "Number", "last_name": "Two"}'
);

insert into public."contactNotes" (contact_id, text, sales_id)
select 1, 'Mine', id from public.sales where email = 'two@example.com';

update public.sales set id = 700000 where email = 'two@example.com' returning id;

select text, sales_id from public."contactNotes" where text = 'Mine';

-- case: the id of a sales person who owns deals cannot change
-- as: service_role
update public.sales set id = 700000 where id = 1;

-- case: a sales person is disabled
-- as: service_role
update public.sales set disabled = true, administrator = false where id = 2 returning disabled;
