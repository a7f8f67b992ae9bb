-- check: contacts.similar_person
-- severity: info
-- table: public.contacts
-- why: Two contacts of one company whose names differ by nothing but accents, signs or order are often one person.
-- fix: Merge the contacts where they are one; nothing has to be done where they are two.
-- returns: one row per contact but the first of those with one name in a company (id, detail)

with

contacts as (

    select
        id,
        company_id,
        lower(concat(least(first_name, last_name), ' ', greatest(first_name, last_name))) as name
    from public.contacts
    where company_id is not null and first_name <> '' and last_name <> ''

),

-- most names need no translation, which is the dear part
plain as (

    select
        id,
        company_id,
        case
            when name ~ '^[a-z]+ [a-z]+$' then name
            else translate(name, 'áàâäãåéèêëíìîïóòôöõúùûüçñ.,-''', 'aaaaaaeeeeiiiiooooouuuucn')
        end as name

    from contacts

),

shared as (

    select
        company_id,
        name,
        min(id) as first_id

    from plain

    group by company_id, name

    having count(*) > 1

)

select
    plain.id,
    'nearly the same name as contact ' || cast(shared.first_id as text) || ' of this company' as detail

from plain

inner join shared
    on shared.company_id = plain.company_id and shared.name = plain.name

where plain.id <> shared.first_id
