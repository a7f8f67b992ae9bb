-- question: rows_by_table
-- why: Not a row of any table may be gone.

select 'companies' as relation, count(*) as rows from public.companies
union all
select 'contacts' as relation, count(*) as rows from public.contacts
union all
select 'contactNotes' as relation, count(*) as rows from public."contactNotes"
union all
select 'dealNotes' as relation, count(*) as rows from public."dealNotes"
union all
select 'deals' as relation, count(*) as rows from public.deals
union all
select 'sales' as relation, count(*) as rows from public.sales
union all
select 'tags' as relation, count(*) as rows from public.tags
union all
select 'tasks' as relation, count(*) as rows from public.tasks
