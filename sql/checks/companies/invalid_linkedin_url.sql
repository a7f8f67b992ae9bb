-- check: companies.invalid_linkedin_url
-- severity: warning
-- table: public.companies
-- why: The application takes nothing but an address at linkedin.com here; another one came from an import.
-- fix: Correct the address, or set companies.linkedin_url to null.
-- returns: one row per company (id, detail)

with

companies as (

    select id, btrim(linkedin_url, ' ') as linkedin_url from public.companies

)

select
    id,
    'linkedin_url is not an address at linkedin.com' as detail

from companies

where linkedin_url <> '' and linkedin_url !~* '^(https?://)?([a-z0-9-]+\.)*linkedin\.com([/?#]\S*)?$'
