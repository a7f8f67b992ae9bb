-- The tags, in the colours that the constraint allows.

insert into public.tags (id, name, color)
select n, tags.name, tags.color
from generate_series(%(first)s::bigint, %(last)s::bigint) as n
inner join (
    values
        (1, 'VIP', 'warm'), (2, 'Newsletter', 'green'), (3, 'Trade show 2025', 'teal'), (4, 'Reference', 'blue'),
        (5, 'Partner', 'purple'), (6, 'Press', 'yellow'), (7, 'Dormant', 'gray'), (8, 'Early adopter', 'pink'),
        (9, 'Décideur', 'warm'), (10, 'Pilot', 'green'), (11, 'Webinar', 'teal'), (12, 'Procurement', 'blue'),
        (13, 'Technical', 'purple'), (14, 'Trial', 'yellow'), (15, 'Do not call', 'gray'), (16, 'Speaker', 'pink')
) as tags (id, name, color)
    on tags.id = n
