-- case: a deal is created as the app does it
insert into public.deals (
    name, company_id, contact_ids, category, stage, description, amount, expected_closing_date, sales_id, "index",
    created_at, updated_at
)
values (
    'Website', 4, '{38, 39}', 'Website design', 'opportunity', 'All of it', 12000, '2027-01-31', 2, 0,
    '2026-10-01 10:00+00', '2026-10-01 10:00+00'
)
returning *;

-- case: a deal is created with the least that it needs
insert into public.deals (name, stage) values ('Least', 'won');

select id, name, stage, created_at, updated_at, contact_ids, amount from public.deals where name = 'Least';

-- case: a deal is created with an id of its own, which may be 0
insert into public.deals (id, name, stage, company_id) values (0, 'Zero', 'lost', 1), (700001, 'High', 'delayed', null)
returning id, name, stage, company_id;

-- case: defaults are asked for by their name
insert into public.deals (id, name, stage, created_at, amount)
values (default, 'Default', 'won', default, default)
returning id, name, created_at, amount;

insert into public.deals (id, name, stage, updated_at)
values (default, 'One', 'won', '2026-01-01 00:00+00'), (default, 'Two', 'lost', default)
returning id, name, updated_at;

-- case: an id is given against the identity
insert into public.deals (id, name, stage) overriding system value values (700002, 'Given', 'won') returning id;

insert into public.deals (id, name, stage) overriding user value values (700003, 'Taken', 'won') returning id < 700003;

-- case: many deals are inserted at once from a query
insert into public.deals (name, company_id, stage, amount, "index")
select companies.name || ' again', companies.id, 'proposal-sent', companies.id * 1000, companies.id
from public.companies
where companies.id <= 20
order by companies.id;

select count(*), sum(amount) from public.deals where stage = 'proposal-sent';

-- case: a deal of a stage that no list knows is created and changed
insert into public.deals (name, stage, company_id) values ('Odd', 'on hold, ask Ann', 3) returning stage;

update public.deals set stage = 'Пауза 🕰️' where name = 'Odd' returning stage;

update public.deals set stage = '' where name = 'Odd' returning stage;

-- case: a deal is moved to another stage
update public.deals set stage = 'won' where id = 1 returning id, stage, company_id, amount;

select stage from public.deals where id = 1;

-- case: a deal goes through all stages and back
update public.deals set stage = 'proposal-sent' where id = 3;

update public.deals set stage = 'in-negociation' where id = 3;

update public.deals set stage = 'lost' where id = 3;

update public.deals set stage = 'delayed' where id = 3;

update public.deals set stage = 'opportunity' where id = 3 returning id, stage;

-- case: a column of stages is put in order after a drag
update public.deals set "index" = "index" + 1 where stage = 'won' and "index" >= 2;

update public.deals set "index" = 2, stage = 'won' where id = 1;

select id, "index" from public.deals where stage = 'won' order by "index", id;

-- case: every plain column of a deal can be changed by itself
update public.deals set name = 'Renamed ''quoted''' where id = 2 returning name;

update public.deals set category = null where id = 2 returning category;

update public.deals set description = e'two\nlines' where id = 2 returning description;

update public.deals set amount = 9007199254740993 where id = 2 returning amount;

update public.deals set amount = -5 where id = 2 returning amount;

update public.deals set amount = null where id = 2 returning amount;

update public.deals set contact_ids = '{}' where id = 2 returning contact_ids;

update public.deals set contact_ids = array_append(contact_ids, 77) where id = 2 returning contact_ids;

update public.deals set contact_ids = null where id = 2 returning contact_ids;

update public.deals set "index" = 32767 where id = 2 returning "index";

update public.deals set sales_id = 3 where id = 2 returning sales_id;

update public.deals set sales_id = null where id = 2 returning sales_id;

-- case: every date of a deal can be changed by itself
update public.deals set created_at = '2020-02-29 12:00+00' where id = 2 returning created_at;

update public.deals set updated_at = '2020-03-01 12:00+00' where id = 2 returning updated_at;

update public.deals set archived_at = '2020-03-02 12:00+00' where id = 2 returning archived_at;

update public.deals set archived_at = null where id = 2 returning archived_at;

update public.deals set expected_closing_date = 'infinity' where id = 2 returning expected_closing_date;

update public.deals set expected_closing_date = '0044-03-15 BC' where id = 2 returning expected_closing_date;

update public.deals set expected_closing_date = null where id = 2 returning expected_closing_date;

-- case: a deal moves to another company, to none, and back
update public.deals set company_id = 5 where id = 1 returning company_id;

update public.deals set company_id = null where id = 1 returning company_id;

update public.deals set company_id = 2 where id = 1 returning company_id;

-- case: two deals swap their companies in one statement
update public.deals
set company_id = case id when 1 then 1 else 2 end, "index" = case id when 1 then 9 else 8 end
where id in (1, 2);

select id, company_id, "index" from public.deals where id in (1, 2) order by id;

-- case: a client sends the whole row back, as it read it
update public.deals
set (id, name, company_id, contact_ids, category, stage, description, amount, created_at, updated_at, archived_at,
    expected_closing_date, sales_id, "index") = (
        select id, name, company_id, contact_ids, category, 'lost', description, amount, created_at,
            timestamptz '2026-11-01 08:00+00', archived_at, expected_closing_date, sales_id, "index"
        from public.deals as same where same.id = deals.id
    )
where id = 6
returning *;

-- case: all deals are changed at once
update public.deals set stage = 'won', category = 'Other';

select stage, category, count(*) from public.deals group by 1, 2;

-- case: the id of a deal changes and its notes follow
update public.deals set id = 700010 where id = 10 returning id;

select id, deal_id from public."dealNotes" where deal_id in (10, 700010) order by id;

-- case: an update draws from another table
update public.deals
set sales_id = companies.sales_id
from public.companies
where companies.id = deals.company_id and companies.sector = 'Utilities';

-- case: an update that meets no row
update public.deals set stage = 'won' where id = -1;

-- case: a deal is deleted with its notes
delete from public.deals where id = 10 returning id, name, stage;

select count(*) from public."dealNotes" where deal_id = 10;

-- case: deals are deleted by what another table says
delete from public.deals using public.companies
where companies.id = deals.company_id and companies.size is null;

select count(*) from public.deals;

-- case: all deals are deleted
delete from public.deals;

select count(*) from public."dealNotes";

-- case: an upsert inserts, then changes, and says what became of it
insert into public.deals (id, name, stage, company_id, amount)
values (700020, 'Upserted', 'opportunity', 7, 10)
on conflict (id) do update set name = excluded.name, stage = excluded.stage, amount = excluded.amount
returning id, stage, amount;

insert into public.deals (id, name, stage, company_id, amount)
values (700020, 'Upserted again', 'won', 8, 20), (700021, 'New', 'lost', 8, 30)
on conflict (id) do update
set name = excluded.name, stage = excluded.stage, amount = deals.amount + excluded.amount
where deals.stage <> 'lost'
returning id, name, stage, company_id, amount;

-- case: an upsert of deals that are there already
insert into public.deals (id, name, stage, company_id)
select id, name, 'delayed', company_id from public.deals where id <= 5
on conflict (id) do update set stage = excluded.stage
returning id, stage;

-- case: an insert that does nothing where the deal is there
insert into public.deals (id, name, stage) values (1, 'Ignored', 'won'), (700030, 'Not ignored', 'won')
on conflict (id) do nothing
returning id;

insert into public.deals (id, name, stage) values (2, 'Ignored', 'won') on conflict do nothing;

-- case: a chain of writes in one statement
with

created as (
    insert into public.deals (name, stage, company_id) values ('Chained', 'won', 2) returning id, company_id
),

noted as (
    insert into public."dealNotes" (deal_id, type, text) select id, 'Call', 'rang' from created where false
    returning id
)

select created.id, created.company_id, (select count(*) from noted) from created;

-- case: a prepared statement on deals
prepare moved (text, bigint) as update public.deals set stage = $1 where id = $2 returning id, stage;

execute moved ('won', 3);

execute moved ('lost', 4);

deallocate moved;

-- case: the service writes what it likes
-- as: service_role
insert into public.deals (id, name, stage, company_id) values (700040, 'Robot', 'won', 9) returning id;

update public.deals set stage = 'lost', company_id = 10 where id = 700040 returning stage;

delete from public.deals where id = 700040;

-- case: who has not signed in changes no deal and is not told why
-- as: anon
update public.deals set stage = 'won';

delete from public.deals;

insert into public.deals (name, stage) values ('Nobody', 'won');
