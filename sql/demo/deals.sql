-- Deals: each has a leading contact and that contact's company; colleagues follow, now and then somebody from outside.

insert into public.deals (
    id, name, company_id, contact_ids, category, stage, description, amount, created_at, updated_at, archived_at,
    expected_closing_date, sales_id, "index"
)
with

begun as (

    select
        n,
        1 + pg_temp.roll(n, 300, %(contacts)s) as contact_id,
        pg_temp.deal_created(n) as created,
        pg_temp.deal_created(n) + pg_temp.roll(n, 301, %(today)s - pg_temp.deal_created(n)) as updated,
        (array[
            'opportunity', 'opportunity', 'opportunity', 'opportunity', 'opportunity', 'opportunity',
            'proposal-sent', 'proposal-sent', 'proposal-sent', 'proposal-sent',
            'in-negociation', 'in-negociation', 'in-negociation',
            'won', 'won', 'won', 'won', 'lost', 'lost', 'delayed'
        ])[1 + pg_temp.roll(n, 302, 20)] as stage
    from generate_series(%(first)s::bigint, %(last)s::bigint) as n

),

planned as (

    select
        n,
        begun.contact_id,
        begun.created,
        begun.updated,
        begun.stage,
        case
            when begun.stage in ('won', 'lost') then begun.created + 1209600 + pg_temp.roll(n, 312, 10368000)
            else %(today)s + 86400 + pg_temp.roll(n, 312, 15552000)
        end as closing
    from begun

)

select
    n,
    phrases.text,
    pg_temp.company_of(planned.contact_id),
    case
        when pg_temp.roll(n, 303, 20) = 0 then '{}'
        else array_remove(
            array[
                planned.contact_id,
                case
                    when pg_temp.roll(n, 304, 5) < 2 and planned.contact_id < %(contacts)s then planned.contact_id + 1
                end,
                case
                    when pg_temp.roll(n, 305, 40) = 0
                        then nullif(
                            nullif(1 + pg_temp.roll(n, 306, %(contacts)s), planned.contact_id), planned.contact_id + 1
                        )
                end
            ],
            null
        )
    end,
    (array['Other', 'Copywriting', 'Print project', 'UI Design', 'Website design'])[1 + pg_temp.roll(n, 307, 5)],
    planned.stage,
    sentences.text,
    case
        when pg_temp.roll(n, 317, 60) > 0 then 500 * (1 + pg_temp.roll(n, 308, 40)) * (1 + pg_temp.roll(n, 309, 5))
    end,
    pg_temp.moment(planned.created),
    pg_temp.moment(planned.updated),
    case
        when planned.stage in ('won', 'lost') and pg_temp.roll(n, 310, 3) = 0
            then pg_temp.moment(planned.updated + pg_temp.roll(n, 311, %(today)s - planned.updated))
    end,
    pg_temp.moment(planned.closing - mod(planned.closing, 86400)),
    pg_temp.sales_of(n, 313),
    mod(n, 32000)
from planned
inner join pg_temp.phrases on phrases.id = pg_temp.roll(n, 315, %(phrases)s)
inner join pg_temp.sentences on sentences.id = pg_temp.roll(n, 316, %(sentences)s)
