-- Notes on contacts: one to three sentences, some with a file.

insert into public."contactNotes" (id, contact_id, text, date, sales_id, status, attachments)
with

begun as (

    select n, 1 + pg_temp.roll(n, 400, %(contacts)s) as contact_id
    from generate_series(%(first)s::bigint, %(last)s::bigint) as n

)

select
    n,
    begun.contact_id,
    opening.text
        || case when pg_temp.roll(n, 401, 2) = 0 then ' ' || closing.text else '' end
        || case when pg_temp.roll(n, 402, 8) = 0 then E'\n\n' || closing.text || ' ' || opening.text else '' end,
    pg_temp.moment(
        pg_temp.contact_seen(begun.contact_id)
        + pg_temp.roll(n, 403, %(today)s - pg_temp.contact_seen(begun.contact_id))
    ),
    pg_temp.sales_of(n, 404),
    (array['cold', 'cold', 'warm', 'warm', 'hot', 'in-contract'])[1 + pg_temp.roll(n, 406, 8)],
    case
        when pg_temp.roll(n, 407, 40) = 0
            then array[
                jsonb_build_object(
                    'src', 'https://files.example/attachments/contact-' || n || '.pdf',
                    'path', 'contact-' || n || '.pdf', 'title', 'Offer.pdf', 'type', 'application/pdf'
                ),
                jsonb_build_object(
                    'src', 'https://files.example/attachments/contact-' || n || '.png',
                    'path', 'contact-' || n || '.png', 'title', 'Plan été.png', 'type', 'image/png',
                    'rawFile', jsonb_build_object()
                )
            ]
        when pg_temp.roll(n, 407, 40) < 20 then '{}'
    end
from begun
inner join pg_temp.sentences as opening on opening.id = pg_temp.roll(n, 408, %(sentences)s)
inner join pg_temp.sentences as closing on closing.id = pg_temp.roll(n, 409, %(sentences)s)
