-- Every value here is one that PostgreSQL takes and that somebody's import has left behind. Ids are given, so that the
-- sequences stay behind all of them.

insert into auth.users (id, email, raw_user_meta_data)
values
    ('00000000-0000-4000-8000-000000000000', '', '{"first_name": "", "last_name": ""}'),
    ('00000000-0000-4000-8000-000000000001', 'ann@example.com', '{"first_name": "A\"n''n", "last_name": "نور"}');

update public.sales set id = id - (select min(id) from public.sales);

insert into public.companies (
    id, created_at, name, sector, size, website, address, sales_id, context_links, description, logo
)
values
    (0, '-infinity', 'O''Brien "quoted" \ back\\slash %s $1 {}', '', 32767, '', e'\n', 0, '{"a": 1, "a": 2}', '', '{}'),
    (7, 'infinity', e'two\nlines\tand a tab\r', ' ', -32768, 'x', 'y', 1, '["\u0000", "\ud800"]', null, 'null'),
    (9007199254740993, '4713-01-01 00:00:00+00 BC', '🏢👩‍👩‍👧 e' || chr(769), null, 0, null, null, null, '[[[1e400]]]', null, '[1]'),
    (9223372036854775807, '294276-12-31 23:59:59.999999+00', 'شركة ‮ذات‬ מסוימת', null, null, null, null, 1, 'null', null, '"x"'),
    (-5, '99999-01-01 00:00:00+00', repeat('long name ', 20000), null, null, repeat('w', 3000), null, 1, '1e2', null, null),
    (8, '0044-03-15 12:00:00+00 BC', 'wordy', (select string_agg(md5(n::text), ' ') from generate_series(1, 90000) as n), 1, 'x', 'y', 1, null, repeat('ünïcödé', 400000), null);

insert into public.contacts (
    id, first_name, last_name, title, background, avatar, first_seen, last_seen, has_newsletter, status, tags,
    company_id, sales_id, email_jsonb, phone_jsonb
)
values
    (0, '', '', '', '', '{}', '-infinity', 'infinity', null, '', '{}', 0, 0, '{}', '[]'),
    (4, 'Zoë "Z"', e'O''Neill\n', null, repeat('b ', 900000), 'null', 'infinity', '-infinity', true, 'hot', '{{1,2},{3,4}}', 7, 1, 'null', '"1"'),
    (5, null, null, null, null, null, '0001-01-01 00:00:00+00 BC', null, false, null, '[-3:-1]={1,1,99}', null, null, '[null, 1, {"email": null}]', '[[]]'),
    (-1, '‏ימין לשמאל', '🕴️', '\', '%', '[1]', '12345-06-07 00:00:00+00', '1900-01-01 00:00:00+00', true, 'cold', '{null,null}', -5, 1, '[{"email": "a@example.com", "type": "Other"}]', null),
    (9223372036854775807, 'max', 'max', null, null, null, null, null, null, null, null, 9223372036854775807, 1, null, null);

insert into public.deals (
    id, name, company_id, contact_ids, category, stage, description, amount, created_at, updated_at, archived_at,
    expected_closing_date, sales_id, "index"
)
values
    (0, '', 0, '{0,0,77}', '', 'won', '', -9223372036854775808, '-infinity', '-infinity', 'infinity', '-infinity', 0, -32768),
    (1, e'line\n''quote''', 7, '{{0,4},{5,5}}', null, 'lost', repeat('d ', 900000), 9007199254740993, 'infinity', 'infinity', null, 'infinity', 1, 32767),
    (2, '🤝', 7, '[5:6]={4,5}', 'x', 'Пауза 🕰️', null, null, now(), now(), '0044-03-15 BC', '0044-03-15 BC', null, null),
    (3, 'مشروع', -5, '{null,0,null}', 'x', '', null, 0, now(), '4000-01-01 BC', null, '54321-01-01', 1, 0),
    (4, 'nobody buys', null, null, 'x', 'WON', null, 9223372036854775807, now(), now(), null, null, null, null),
    (9223372036854775807, 'x', 9223372036854775807, '{}', 'x', 'in-negociation', null, 1, now(), '294276-12-31 23:59:59+00', null, '294276-12-31 23:59:59+00', 1, 1),
    (-7, 'x', 9007199254740993, '{}', 'x', 'delayed', null, -1, now(), now(), null, null, 1, 1);

insert into public."contactNotes" (id, contact_id, text, date, sales_id, status, attachments)
values
    (0, 0, '', null, 0, '', '{}'),
    (1, 4, e'   \n\nsecond', 'infinity', 1, null, array[null, 'null', '{"rawFile": {}, "src": ""}']::jsonb[]),
    (2, 5, null, '-infinity', null, null, '{{1,2},{3,null}}'::jsonb[]),
    (3, -1, repeat('🧾', 600000), '4000-01-01 BC', 1, 'warm', '[0:1]={1,2}'),
    (9223372036854775807, 9223372036854775807, e'\r\n', now(), 1, 'warm', null);

insert into public."dealNotes" (id, deal_id, type, text, date, sales_id, attachments)
values
    (0, 0, 'Call 📞', '', null, 0, '{}'),
    (1, 1, '', null, '-infinity', null, '{{1,2},{3,null}}'::jsonb[]),
    (2, 4, 'Email', 'on a deal that nobody buys', now(), 1, null),
    (-3, -7, null, e'\t\nx', '99999-12-31', 1, null);

insert into public.tasks (id, contact_id, type, text, due_date, done_date, sales_id)
values
    (0, 0, '', '', 'infinity', null, 0),
    (1, 4, null, null, '-infinity', null, 404),
    (2, 5, 'Ship', e'‮gnol\n' || repeat('x', 500000), '4713-01-01 BC', '294276-12-31 00:00:00+00', -1),
    (9223372036854775807, -1, '🎯', ' ', now(), '-infinity', null);

insert into public.tags (id, name, color) values (0, '', 'warm'), (9223372036854775807, '🏷️ "x"', 'pink');

insert into public.tags_color_backup (id, name, color, backup_date) values (null, null, 'mauve', '-infinity'), (0, '', '', null);
