-- Three views with three ways of running: as the caller, as the owner because nobody said otherwise, and as the owner
-- on purpose (init_state must answer before anybody has signed in).

-- The columns were written as companies.* once and are frozen since: a new column of the table does not appear.
create view public.companies_summary with (security_invoker = on) as
select
    companies.id,
    companies.created_at,
    companies.name,
    companies.sector,
    companies.size,
    companies.linkedin_url,
    companies.website,
    companies.phone_number,
    companies.address,
    companies.zipcode,
    companies.city,
    companies."stateAbbr",
    companies.sales_id,
    companies.context_links,
    companies.country,
    companies.description,
    companies.revenue,
    companies.tax_identifier,
    companies.logo,
    count(distinct deals.id) as nb_deals,
    count(distinct contacts.id) as nb_contacts
from public.companies
left join public.deals on deals.company_id = companies.id
left join public.contacts on contacts.company_id = companies.id
group by companies.id;

create view public.contacts_summary as
select
    contacts.id,
    contacts.first_name,
    contacts.last_name,
    contacts.gender,
    contacts.title,
    contacts.email_jsonb,
    cast(jsonb_path_query_array(contacts.email_jsonb, '$[*].email') as text) as email_fts,
    contacts.phone_jsonb,
    cast(jsonb_path_query_array(contacts.phone_jsonb, '$[*].number') as text) as phone_fts,
    contacts.background,
    contacts.avatar,
    contacts.first_seen,
    contacts.last_seen,
    contacts.has_newsletter,
    contacts.status,
    contacts.tags,
    contacts.company_id,
    contacts.sales_id,
    contacts.linkedin_url,
    companies.name as company_name,
    count(distinct tasks.id) as nb_tasks
from public.contacts
left join public.tasks on tasks.contact_id = contacts.id
left join public.companies on companies.id = contacts.company_id
group by contacts.id, companies.name;

create view public.init_state with (security_invoker = off) as
select count(first_sale.id) as is_initialized
from (select sales.id from public.sales limit 1) as first_sale;
