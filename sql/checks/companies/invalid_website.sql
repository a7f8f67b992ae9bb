-- check: companies.invalid_website
-- severity: warning
-- table: public.companies
-- why: The application takes nothing but a URL here; a link that leads nowhere came from an import.
-- fix: Correct the address, or set companies.website to null.
-- returns: one row per company (id, detail)

with

companies as (

    select id, btrim(website, ' ') as website from public.companies

)

select
    id,
    'website is not a web address' as detail

from companies

where website <> '' and website !~* '^(https?://)?[^\s/@:.]+(\.[^\s/@:.]+)+(:[0-9]+)?([/?#]\S*)?$'
