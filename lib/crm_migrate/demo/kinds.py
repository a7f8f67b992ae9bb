"""The kinds of dirt, as data: what PostgreSQL allows, the app or an import once wrote, and a migration must survive."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of defect in one table.

    Attributes:
        name: the problem; with the table before it, the kind's full name.
        change: what stands behind SET; the row is `changed`.
        copies: the row gets a value of another, clean row, which is `original`.
        once: one row is enough.
    """

    name: str
    change: str
    copies: bool = False
    once: bool = False


_MARKUP = "'<script>alert(1)</script><b onclick=x>'"
_CONTROL = "chr(7) || chr(27) || '[31m' || chr(8238)"  # bell, terminal colour, right-to-left override
_GARBLED = "'MÃ¼ller '"  # Müller, in UTF-8, read as Latin-1
_FUTURE = "'2099-05-06 07:08:09+00'"
_BLOB = """array['{"src": "blob:https://crm.example/4711", "title": "offer.pdf"}']::jsonb[]"""
_MEGABYTE = "(select string_agg('word' || n, ' ') from generate_series(1, 120000) as n)"  # distinct: too long to index
_BC, _FAR = "'0044-03-15 12:00:00+00 BC'", "'12345-06-07 08:09:10+00'"
_ODD_FILES = """array[null, 'null', '{}', '{"src": 5}', '"text"']::jsonb[]"""
_BEFORE = (  # the place of an open deal that was there before
    "(select other.index from public.deals as other "
    "where other.stage = 'opportunity' and other.archived_at is null and other.index is not null "
    "order by other.id limit 1)"
)
_PROFILE = (  # the first contact's that has one
    "(select upper(other.linkedin_url) from public.contacts as other "
    "where other.linkedin_url like 'https://www.linkedin.com/in/%' order by other.id limit 1)"
)
_TWO_DIMENSIONS_OF_FILES = """array[array['{"src": "a"}', '{"src": "b"}'], array['{}', null]]::jsonb[]"""

_COMPANIES = (
    Kind("name_blank", "name = '   '"),
    Kind("name_duplicate", "name = '  ' || upper(original.name) || ' '", copies=True),
    Kind("name_markup", f"name = changed.name || {_MARKUP}"),
    Kind("name_control_characters", f"name = changed.name || {_CONTROL}"),
    Kind("website_malformed", "website = 'htp:/no page'"),
    Kind("linkedin_url_malformed", "linkedin_url = 'linkedin dot com'"),
    Kind("phone_malformed", "phone_number = 'ask at the desk'"),
    Kind("size_unknown", "size = -7"),
    Kind("sector_unknown", "sector = 'Alchemy'"),
    Kind("context_links_no_list", """context_links = '{"link": "https://news.example"}'"""),
    Kind("context_links_nul", r"""context_links = '["https://news.example/\u0000"]'"""),
    Kind("context_links_surrogate", r"""context_links = '["https://news.example/\ud800"]'"""),
    Kind("context_links_repeated_key", """context_links = '[{"link": "a", "link": "b"}]'"""),
    Kind("created_at_infinite", "created_at = '-infinity'"),
    Kind("created_at_before_christ", f"created_at = {_BC}"),
    Kind("description_megabyte", f"description = {_MEGABYTE}", once=True),
    Kind("name_untrimmed", "name = ' ' || changed.name"),
    Kind("name_garbled", f"name = {_GARBLED} || changed.name"),
    Kind("name_similar", "name = original.name || ', Inc.'", copies=True),
    Kind("name_placeholder", "name = 'Test'", once=True),
    Kind("website_duplicate", "website = original.website || '/'", copies=True),
    Kind("zipcode_malformed", "zipcode = 'none'"),
    Kind("country_malformed", "country = '80331'"),
    Kind("country_spelling", "country = lower(changed.country) || ' '"),
    Kind("state_malformed", """ "stateAbbr" = '17' """),
    Kind("revenue_malformed", "revenue = 'a lot'"),
    Kind("address_missing", "website = '', phone_number = null, linkedin_url = null, address = '', city = null"),
    Kind("address_megabyte", f"address = {_MEGABYTE}", once=True),
    Kind("owner_missing", "sales_id = null"),
    Kind("created_at_in_future", f"created_at = {_FUTURE}"),
    Kind("tax_identifier_duplicate", "tax_identifier = original.tax_identifier || ' '", copies=True),
    Kind("logo_no_object", """logo = '["https://files.example/a.png"]'"""),
)

_CONTACTS = (
    Kind(
        "email_malformed",
        "email_jsonb = jsonb_build_array(jsonb_build_object('email', 'no at sign ' || changed.id, 'type', 'Work'))",
    ),
    Kind("email_missing", "email_jsonb = null"),
    Kind("email_no_list", "email_jsonb = jsonb_build_object('email', 'single.' || changed.id || '@example.com')"),
    Kind(
        "email_duplicate",
        "email_jsonb = jsonb_build_array(jsonb_build_object("
        "'email', ' ' || upper((original.email_jsonb -> 0) ->> 'email') || ' ', 'type', 'Other'))",
        copies=True,
    ),
    Kind("phone_malformed", """phone_jsonb = '[{"number": "ask at the desk", "type": ""}]'"""),
    Kind("phone_odd_elements", "phone_jsonb = '[null, 5, []]'"),
    Kind("name_blank", "first_name = '  ', last_name = ''"),
    Kind("name_markup", f"last_name = changed.last_name || {_MARKUP}"),
    Kind("name_control_characters", f"first_name = {_CONTROL} || changed.first_name"),
    Kind("gender_unknown", "gender = 'Herr'"),
    Kind("status_unknown", "status = 'lukewarm'"),
    Kind("linkedin_url_malformed", "linkedin_url = 'linkedin dot com'"),
    Kind("tags_dangling", "tags = array[900000000 + changed.id]"),
    Kind("tags_null_element", "tags = '{1,NULL,2}'"),
    Kind("tags_duplicate", "tags = '{3,3}'"),
    Kind("tags_two_dimensions", "tags = '{{1,2},{3,4}}'"),
    Kind("tags_lower_bound", "tags = '[0:1]={1,2}'"),
    Kind("first_seen_infinite", "first_seen = '-infinity'"),
    Kind("first_seen_before_christ", f"first_seen = {_BC}"),
    Kind("last_seen_far", f"last_seen = {_FAR}"),
    Kind("last_seen_before_first", "last_seen = changed.first_seen - interval '3 years'"),
    Kind("background_megabyte", f"background = {_MEGABYTE}", once=True),
    Kind("name_untrimmed", "last_name = changed.last_name || ' '"),
    Kind("name_garbled", f"last_name = {_GARBLED} || changed.last_name"),
    Kind("name_placeholder", "first_name = 'Test', last_name = 'Test'"),
    Kind("name_with_address", "first_name = 'someone@example.com'"),
    Kind(
        "person_twice",
        "first_name = original.last_name, last_name = original.first_name || '.', company_id = original.company_id",
        copies=True,
    ),
    Kind(
        "email_unfolded",
        "email_jsonb = jsonb_build_array(jsonb_build_object("
        "'email', 'Capital.' || changed.id || '@Example.com ', 'type', 'Work'))",
    ),
    Kind("email_blank_entry", """email_jsonb = changed.email_jsonb || '[{"email": " ", "type": "Home"}]'"""),
    Kind("email_repeated", "email_jsonb = changed.email_jsonb || (changed.email_jsonb -> 0)"),
    Kind("email_type_unknown", """email_jsonb = jsonb_set(changed.email_jsonb, '{0,type}', '"Fax"')"""),
    Kind("phone_blank_entry", """phone_jsonb = '[{"number": "", "type": "Work"}]'"""),
    Kind(
        "phone_repeated",
        """phone_jsonb = '[{"number": "+49 89 123456", "type": "Work"}, {"number": "+4989123456", "type": "Home"}]'""",
    ),
    Kind("phone_type_unknown", """phone_jsonb = '[{"number": "+49 89 123456", "type": "Fax"}]'"""),
    Kind("newsletter_without_email", "has_newsletter = true, email_jsonb = '[]'"),
    Kind("avatar_no_object", """avatar = '["https://files.example/a.png"]'"""),
    Kind("owner_missing", "sales_id = null"),
    Kind("first_seen_missing", "first_seen = null, company_id = 1"),
    Kind("last_seen_in_future", f"last_seen = {_FUTURE}"),
    Kind("linkedin_url_duplicate", f"linkedin_url = {_PROFILE}"),
    Kind("name_incomplete", "first_name = ''"),
)

_DEALS = (
    Kind("company_missing", "company_id = null"),  # first: even a single deal gets it, and notes lean on it
    Kind("name_blank", "name = ' '"),
    Kind("name_markup", f"name = changed.name || {_MARKUP}"),
    Kind("contact_ids_dangling", "contact_ids = changed.contact_ids || (900000000 + changed.id)"),
    Kind("contact_ids_null_element", "contact_ids = '{NULL,1}'"),
    Kind("contact_ids_duplicate", "contact_ids = '{1,1}'"),
    Kind("contact_ids_two_dimensions", "contact_ids = '{{1},{1}}'"),
    Kind("contact_ids_lower_bound", "contact_ids = '[0:0]={1}'"),
    Kind("stage_unknown", "stage = 'on ice'"),
    Kind("category_unknown", "category = 'Plumbing'"),
    Kind("amount_negative", "amount = -1 - coalesce(changed.amount, 0)"),
    Kind("amount_beyond_double", "amount = 9007199254740993"),
    Kind("created_at_before_christ", f"created_at = {_BC}"),
    Kind("updated_at_infinite", "stage = 'won', updated_at = 'infinity'"),
    Kind("updated_before_created", "updated_at = changed.created_at - interval '2 years'"),
    Kind("archived_at_far", f"archived_at = {_FAR}"),
    Kind("expected_closing_date_infinite", "expected_closing_date = 'infinity'"),
    Kind("expected_closing_date_missing", "expected_closing_date = null"),
    Kind("index_at_its_end", '"index" = 32767'),
    Kind("index_missing", '"index" = null'),
    Kind("index_negative", '"index" = -1'),
    Kind("name_untrimmed", "name = changed.name || ' '"),
    Kind("name_garbled", f"name = {_GARBLED} || changed.name"),
    Kind(
        "deal_twice",
        "name = original.name, company_id = original.company_id, stage = original.stage, amount = original.amount",
        copies=True,
    ),
    Kind("amount_absurd", "amount = 9000000000000"),
    Kind("owner_missing", "sales_id = null, stage = 'opportunity', archived_at = null"),
    Kind("open_and_archived", "stage = 'opportunity', archived_at = changed.updated_at"),
    Kind("won_and_archived", "stage = 'won', archived_at = changed.updated_at"),
    Kind("overdue", "stage = 'opportunity', archived_at = null, expected_closing_date = '2024-05-06'"),
    Kind("archived_before_created", "archived_at = changed.created_at - interval '1 year'"),
    Kind("closing_before_created", "expected_closing_date = changed.created_at - interval '3 years'"),
    Kind("closing_far_ahead", f"expected_closing_date = {_FUTURE}"),
    Kind("updated_at_in_future", f"updated_at = {_FUTURE}"),
    Kind("won_without_amount", "stage = 'won', amount = 0"),
    Kind("name_control_characters", f"name = changed.name || {_CONTROL}"),
    Kind("description_megabyte", f"description = {_MEGABYTE}", once=True),
    Kind("index_repeated", f"stage = 'opportunity', archived_at = null, index = {_BEFORE}"),
)

_CONTACT_NOTES = (
    Kind("text_blank", r"text = E' \n '"),
    Kind("text_markup", f"text = {_MARKUP} || changed.text"),
    Kind("text_control_characters", f"text = {_CONTROL} || changed.text"),
    Kind("status_unknown", "status = 'lukewarm'"),
    Kind("date_missing", "date = null"),
    Kind("date_infinite", "date = 'infinity'"),
    Kind("date_before_christ", f"date = {_BC}"),
    Kind("attachments_odd_elements", f"attachments = {_ODD_FILES}"),
    Kind("attachments_two_dimensions", f"attachments = {_TWO_DIMENSIONS_OF_FILES}"),
    Kind("text_megabyte", f"text = {_MEGABYTE}", once=True),
    Kind("text_garbled", f"text = {_GARBLED} || changed.text"),
    Kind("note_twice", "contact_id = original.contact_id, date = original.date, text = original.text", copies=True),
    Kind("attachments_local", f"attachments = {_BLOB}"),
    Kind("author_missing", "sales_id = null"),
    Kind("date_in_future", f"date = {_FUTURE}"),
)

# A note on a deal without a company has neither contact nor organisation: it cannot become an activity.
_DEAL_NOTES = (
    Kind("deal_without_company", "deal_id = (select min(deals.id) from public.deals where deals.company_id is null)"),
    Kind("type_unknown", "type = 'Telepathy'"),
    Kind("text_missing", "text = null, type = null"),
    Kind("text_markup", f"text = {_MARKUP} || changed.text"),
    Kind("date_missing", "date = null"),
    Kind("date_infinite", "date = '-infinity'"),
    Kind("attachments_odd_elements", f"attachments = {_ODD_FILES}"),
    Kind("attachments_two_dimensions", f"attachments = {_TWO_DIMENSIONS_OF_FILES}"),
    Kind("text_control_characters", f"text = {_CONTROL} || changed.text"),
    Kind("text_garbled", f"text = {_GARBLED} || changed.text"),
    Kind("note_twice", "deal_id = original.deal_id, date = original.date, text = original.text", copies=True),
    Kind("attachments_local", f"attachments = {_BLOB}"),
    Kind("author_missing", "sales_id = null"),
    Kind("date_in_future", f"date = {_FUTURE}"),
)

_TASKS = (
    Kind("sales_dangling", "sales_id = 900000000 + changed.id"),
    Kind("type_unknown", "type = 'Séance'"),
    Kind("type_and_text_missing", "type = null, text = null"),
    Kind("text_markup", f"text = {_MARKUP} || changed.text"),
    Kind("due_date_infinite", "due_date = 'infinity', done_date = null"),
    Kind("due_date_before_christ", f"due_date = {_BC}"),
    Kind("done_date_far", f"done_date = {_FAR}"),
    Kind("done_before_due", "done_date = changed.due_date - interval '8 years'"),
    Kind("text_control_characters", f"text = {_CONTROL} || changed.text"),
    Kind("text_garbled", f"text = {_GARBLED} || changed.text"),
    Kind(
        "task_twice",
        "contact_id = original.contact_id, due_date = original.due_date, type = original.type, text = original.text",
        copies=True,
    ),
    Kind("author_missing", "sales_id = null"),
    Kind("done_in_future", f"done_date = {_FUTURE}"),
    Kind("due_far_ahead", f"due_date = {_FUTURE}, done_date = null"),
)

_TAGS = (
    Kind("name_blank", "name = ' '"),
    Kind("name_duplicate", "name = upper(original.name) || ' '", copies=True),
    Kind("name_untrimmed", "name = ' ' || changed.name"),
)

_SALES = (
    Kind("email_malformed", "email = 'no at sign ' || changed.id"),
    Kind("email_duplicate", "email = upper(original.email)", copies=True),
    Kind("name_blank", "first_name = ' '"),
    Kind("administrator_disabled", "administrator = true, disabled = true"),
    Kind("avatar_no_object", """avatar = '[]'"""),
)

KINDS = {
    "public.companies": _COMPANIES,
    "public.contacts": _CONTACTS,
    "public.deals": _DEALS,
    "public.contactNotes": _CONTACT_NOTES,
    "public.dealNotes": _DEAL_NOTES,
    "public.tasks": _TASKS,
    "public.tags": _TAGS,
    "public.sales": _SALES,
}

# Rows with the id 0, which is an id like any other.
ZEROS = {
    "public.companies": "insert into public.companies (id, created_at, name) "
    "values (0, '2024-01-01 00:00Z', 'Zero Ltd')",
    "public.contacts": "insert into public.contacts (id, first_name, last_name, first_seen, last_seen, company_id, "
    """email_jsonb, phone_jsonb, tags) values (0, 'Null', 'Zero', '2024-01-02 00:00Z', '2024-01-03 00:00Z', 0, """
    """'[{"email": "zero@example.com", "type": "Work"}]', '[]', '{}')""",
    "public.deals": "insert into public.deals (id, name, company_id, contact_ids, category, stage, amount, created_at, "
    "updated_at, expected_closing_date, index) values (0, 'Nothing at all', 0, '{0}', 'Other', 'won', 0, "
    "'2024-01-04 00:00Z', '2024-01-05 00:00Z', '2024-01-05 00:00Z', 0)",
    "public.contactNotes": """insert into public."contactNotes" (id, contact_id, text, date) """
    "values (0, 0, 'Counted from zero.', '2024-01-06 00:00Z')",
    "public.dealNotes": """insert into public."dealNotes" (id, deal_id, text, date) """
    "values (0, 0, 'Sold from zero.', '2024-01-07 00:00Z')",
    "public.tasks": "insert into public.tasks (id, contact_id, type, text, due_date) "
    "values (0, 0, 'Call', 'Call number zero.', '2024-01-08 00:00Z')",
    "public.tags": "insert into public.tags (id, name, color) values (0, 'Zero', 'warm')",  # on nobody
}

BEHIND = "public.tasks"  # its sequence lags behind the highest id
