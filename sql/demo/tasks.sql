-- Tasks: due between the contact's first day and two months from now; most of those past are done.

insert into public.tasks (id, contact_id, type, text, due_date, done_date, sales_id)
with

begun as (

    select n, 1 + pg_temp.roll(n, 600, %(contacts)s) as contact_id
    from generate_series(%(first)s::bigint, %(last)s::bigint) as n

),

planned as (

    select
        n,
        begun.contact_id,
        pg_temp.contact_seen(begun.contact_id)
        + pg_temp.roll(n, 601, %(today)s + 5184000 - pg_temp.contact_seen(begun.contact_id)) as due
    from begun

)

select
    n,
    planned.contact_id,
    (array['None', 'Email', 'Demo', 'Lunch', 'Meeting', 'Follow-up', 'Thank you', 'Ship', 'Call'])
        [1 + pg_temp.roll(n, 602, 9)],
    sentences.text,
    pg_temp.moment(planned.due - mod(planned.due, 3600)),
    case
        when planned.due < %(today)s - 345600 and pg_temp.roll(n, 603, 8) > 0
            then pg_temp.moment(planned.due + pg_temp.roll(n, 604, 345600))
    end,
    pg_temp.sales_of(n, 605)
from planned
inner join pg_temp.sentences on sentences.id = pg_temp.roll(n, 607, %(sentences)s)
