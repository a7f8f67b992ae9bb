-- case: all columns of deals, in their order
select * from public.deals order by id;

-- case: all columns of dealNotes, in their order
select * from public."dealNotes" order by id;

-- case: all columns of the tables that keep their names
-- wider: yes
select * from public.companies order by id;

select * from public.contacts order by id;

select * from public."contactNotes" order by id;

select * from public.tasks order by id;

select * from public.tags order by id;

select * from public.sales order by id;

select * from public.tags_color_backup order by id;

-- case: all columns of the summaries
-- wider: yes
select * from public.companies_summary order by id;

select * from public.contacts_summary order by id;

select * from public.init_state;

-- case: the pipeline, as the board of deals reads it
select id, name, stage, "index", amount, company_id, contact_ids
from public.deals
where archived_at is null
order by stage, "index", id
limit 1000;

-- case: archived deals, the latest first
select id, name, archived_at from public.deals where archived_at is not null order by archived_at desc, id;

-- case: deals of stages in a list, a page of them, and how many there are
select id, stage from public.deals where stage in ('won', 'lost') order by amount desc nulls last, id limit 10 offset 5;

select count(*) from public.deals where stage in ('won', 'lost');

-- case: deals whose name contains a word, whatever its case
select id, name from public.deals where name ilike '%a%' and category is not null order by id;

-- case: deals of a contact, by containment and by overlap
select id, contact_ids from public.deals where contact_ids @> '{63}' order by id;

select id, contact_ids from public.deals where contact_ids && array[31, 63, 44]::bigint[] order by id;

select id from public.deals where 63 = any (contact_ids) order by id;

-- case: deals that are not of a stage, or of none of two amounts
select id from public.deals where stage <> 'won' and not amount = any ('{60000,24000}') order by id;

-- case: deals with their companies
select deals.id, deals.name, companies.name as company_name, companies.sector
from public.deals
left join public.companies on companies.id = deals.company_id
order by deals.id;

-- case: deals with their sales persons and the number of their notes
select deals.id, sales.first_name, count("dealNotes".id) as notes
from public.deals
inner join public.sales on sales.id = deals.sales_id
left join public."dealNotes" on "dealNotes".deal_id = deals.id
group by deals.id, sales.first_name
order by deals.id;

-- case: amounts by month and stage, as the dashboard adds them up
select date_trunc('month', expected_closing_date at time zone 'UTC') as month, stage, sum(amount), count(*)
from public.deals
group by 1, 2
order by 1, 2;

-- case: the types of the columns of deals
select pg_typeof(id), pg_typeof(contact_ids), pg_typeof(stage), pg_typeof(amount), pg_typeof("index"),
    pg_typeof(expected_closing_date)
from public.deals
where id = 1;

-- case: whole rows of deals as JSON
select row_to_json(deals) from public.deals order by id;

select to_jsonb(deals) - 'id' from public.deals where id = 3;

-- case: a record of type deals, made from JSON
select (json_populate_record(null::public.deals, '{"id": 5, "stage": "won", "contact_ids": [1, 2]}')).*;

-- case: an e-mail inside the JSON of contacts
select id, email_jsonb -> 0 ->> 'email' as email
from public.contacts
where email_jsonb @> '[{"type": "Work"}]'
order by id;

-- case: contacts with a tag, by status
select id, tags, status from public.contacts where tags @> '{13}' and status in ('cold', 'hot') order by last_seen, id;

-- case: contacts of a company, searched by the texts of the summary
select id, email_fts, phone_fts, company_name, nb_tasks
from public.contacts_summary
where company_id = 1 and (first_name ilike '%e%' or email_fts ilike '%example%')
order by last_seen desc, id;

-- case: contacts whose e-mail texts match a full text query
select id from public.contacts_summary where to_tsvector('simple', email_fts) @@ to_tsquery('simple', 'example') order by id;

-- case: companies by size, with their counts
select id, name, size, nb_deals, nb_contacts from public.companies_summary where size >= 50 order by nb_contacts desc, id;

-- case: logos and links of companies
select id, logo ->> 'src' as logo, context_links::text from public.companies where logo is not null order by id;

-- case: open tasks of a sales person by day
select id, type, text, due_date from public.tasks where done_date is null and sales_id = 2 order by due_date, id;

-- case: notes of a contact with their files
select id, text, date, attachments from public."contactNotes" where contact_id = 138 order by date desc, id;

-- case: notes of a deal, the latest first
select id, type, text, attachments from public."dealNotes" where deal_id = 10 order by date desc, id;

-- case: the activity log, from five relations
select 'company.created' as what, id, created_at as at from public.companies
union all
select 'deal.created', id, created_at from public.deals
union all
select 'dealNote.created', id, date from public."dealNotes"
union all
select 'contact.created', id, first_seen from public.contacts
union all
select 'contactNote.created', id, date from public."contactNotes"
order by at desc, what, id
limit 250;

-- case: a cursor over deals
declare pages cursor for select id, stage from public.deals order by id;

fetch 10 from pages;

fetch 5 from pages;

-- case: a lock on the rows of deals that are to change
select id from public.deals where id in (1, 2) order by id for update;

select id from public.deals where id = 3 for no key update skip locked;

-- case: a copy of a query over deals to a temporary table
create temporary table picked on commit drop as select id, stage, amount from public.deals where amount > 10000;

select count(*), sum(amount), min(stage) from picked;

-- case: a table that is like deals
create temporary table alike (like public.deals) on commit drop;

insert into alike select * from public.deals;

select count(*), sum(amount) from alike;

-- case: nothing is to be seen where nobody has signed in
-- as: anon
select count(*) from public.deals;

select count(*) from public."dealNotes";

select count(*) from public.companies;

select count(*) from public.contacts;

select count(*) from public.companies_summary;

select is_initialized from public.init_state;

-- case: the service sees all
-- as: service_role
select count(*), sum(amount), max(updated_at) from public.deals;

select count(*) from public."dealNotes";

select count(*), sum(nb_deals) from public.companies_summary;

select count(*), sum(nb_tasks) from public.contacts_summary;
