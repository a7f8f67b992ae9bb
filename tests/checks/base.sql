-- The passing case of every check: one clean row a table, which no check may find. Ids are 0, which is legal.

insert into auth.users (id, email, raw_user_meta_data) values
    ('00000000-0000-0000-0000-000000000001', 'base@sales.example', '{"first_name": "Base", "last_name": "User"}');

insert into public.companies (
    id, created_at, name, sector, size, linkedin_url, website, phone_number, address, zipcode, city, "stateAbbr",
    sales_id, context_links, country, description, revenue, tax_identifier, logo
) values (
    0, '2024-01-01 00:00:00+00', 'Base Ltd', 'Energy', 50, 'https://www.linkedin.com/company/base',
    'https://www.base.example', '+49 89 123456', '1 Base Street', '12345', 'Munich', 'BY',
    1, '["https://base.example/about"]', 'Germany', 'First line' || chr(10) || 'second line', '1M', 'DE123',
    '{"src": "https://base.example/logo.png", "title": "logo"}'
);

insert into public.tags (id, name, color) values (0, 'base', 'warm');

insert into public.contacts (
    id, first_name, last_name, gender, title, background, avatar, first_seen, last_seen, has_newsletter, status, tags,
    company_id, sales_id, linkedin_url, email_jsonb, phone_jsonb
) values (
    0, 'Base', 'Contact', 'female', 'Head of Bases', 'Met at a fair', '{}', '2024-01-01 00:00:00+00',
    '2024-02-01 00:00:00+00', true, 'warm', '{0}',
    0, 1, 'https://www.linkedin.com/in/base', '[{"email": "base@base.example", "type": "Work"}]',
    '[{"number": "+49 89 123457", "type": "Work"}]'
);

insert into public."contactNotes" (id, contact_id, text, date, sales_id, status, attachments) values
    (0, 0, 'Called back', '2024-01-02 00:00:00+00', 1, 'warm', array['{"src": "a.pdf", "title": "a"}']::jsonb[]);

insert into public.deals (
    id, name, company_id, contact_ids, category, stage, description, amount, created_at, updated_at, archived_at,
    expected_closing_date, sales_id, index
) values (
    0, 'Base deal', 0, '{0}', 'Other', 'won', 'All of it', 1000, '2024-01-01 00:00:00+00', '2024-01-05 00:00:00+00',
    null, '2024-03-01 00:00:00+00', 1, 0
);

insert into public."dealNotes" (id, deal_id, type, text, date, sales_id, attachments) values
    (0, 0, 'Email', 'Sent the offer', '2024-01-03 00:00:00+00', 1, '{}');

insert into public.tasks (id, contact_id, type, text, due_date, done_date, sales_id) values
    (0, 0, 'Call', 'Call about the offer', '2024-01-04 00:00:00+00', '2024-01-03 00:00:00+00', 1);
