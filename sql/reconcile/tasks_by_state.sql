-- question: tasks_by_state
-- why: What is to be done is the same after, type by type.

select
    type,
    done_date is not null as done,
    count(*) as tasks

from public.tasks

group by type, done_date is not null
