-- check: companies.similar_name
-- severity: info
-- table: public.companies
-- why: Names that differ by nothing but a legal form, an accent or a sign are often one organisation entered twice.
-- fix: Nothing has to be done where they are two; else move contacts and deals to one of them.
-- returns: one row per company whose name is nearly that of an earlier one (id, detail)

with

companies as (

    select
        id,
        lower(btrim(name, ' ')) as folded
    from public.companies

),

plain as (

    select
        id,
        folded,
        regexp_replace(
            translate(folded, 'áàâäãåéèêëíìîïóòôöõúùûüçñ', 'aaaaaaeeeeiiiiooooouuuucn'),
            '[\s.,;:&/()''"+-]+',
            ' ',
            'g'
        ) as words

    from companies

),

reduced as (

    select
        id,
        folded,
        regexp_replace(
            btrim(words, ' '),
            '( (inc|incorporated|ltd|limited|llc|plc|corp|corporation|co|gmbh|ag|kg|sa|sarl|sas|srl|spa|bv|nv|ab))+$',
            ''
        ) as name

    from plain

),

shared as (

    select
        name,
        min(id) as first_id

    from reduced

    where name <> ''

    group by name

    having min(folded) <> max(folded)

)

select
    reduced.id,
    'nearly the same name as company ' || cast(shared.first_id as text) as detail

from reduced

inner join shared
    on shared.name = reduced.name

inner join companies
    on companies.id = shared.first_id

where reduced.folded <> companies.folded
