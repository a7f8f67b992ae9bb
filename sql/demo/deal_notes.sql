-- Notes on deals: most without a type, as the app leaves it.

insert into public."dealNotes" (id, deal_id, type, text, date, sales_id, attachments)
with

begun as (

    select n, 1 + pg_temp.roll(n, 500, %(deals)s) as deal_id
    from generate_series(%(first)s::bigint, %(last)s::bigint) as n

)

select
    n,
    begun.deal_id,
    (array['Call', 'Email', 'Meeting'])[1 + pg_temp.roll(n, 501, 10)],
    opening.text || case when pg_temp.roll(n, 502, 2) = 0 then E'\n' || closing.text else '' end,
    pg_temp.moment(
        pg_temp.deal_created(begun.deal_id) + pg_temp.roll(n, 503, %(today)s - pg_temp.deal_created(begun.deal_id))
    ),
    pg_temp.sales_of(n, 504),
    case
        when pg_temp.roll(n, 506, 30) = 0
            then array[
                jsonb_build_object(
                    'src', 'https://files.example/attachments/deal-' || n || '.pdf',
                    'path', 'deal-' || n || '.pdf', 'title', 'Contract.pdf', 'type', 'application/pdf'
                )
            ]
        when pg_temp.roll(n, 506, 30) < 15 then '{}'
    end
from begun
inner join pg_temp.sentences as opening on opening.id = pg_temp.roll(n, 507, %(sentences)s)
inner join pg_temp.sentences as closing on closing.id = pg_temp.roll(n, 508, %(sentences)s)
