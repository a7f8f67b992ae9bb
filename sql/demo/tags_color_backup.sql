-- What the tags looked like before their colours got names.

insert into public.tags_color_backup (id, name, color, backup_date)
select tags.id, tags.name, '#' || substr(md5(tags.color), 1, 6), pg_temp.moment(%(today)s - 50000000)
from public.tags
where tags.id between %(first)s and %(last)s
