"""Tables of the source that are built otherwise than the migration can carry along: found before anything is touched.

What a customer adds is left alone. What stops a load, or would leave rows out of it, is a table that is partitioned or
has inheritance children (no foreign key reaches their rows), a column of another kind than its model reads, and a view
that is gone.
"""

from __future__ import annotations

from crm_migrate.postgres import SOURCE_TABLES, Connection

_NUMBERS = ("bigint", "integer", "smallint")
_TEXTS = ("text", "character varying", "character")
_TIMES = ("timestamp with time zone", "timestamp without time zone", "date")
_KINDS: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (_NUMBERS, ("companies.id", "contacts.id", "contactNotes.id", "dealNotes.id", "deals.id", "sales.id", "tasks.id")),
    (_NUMBERS, ("contacts.company_id", "deals.company_id", "contactNotes.contact_id", "tasks.contact_id")),
    (_NUMBERS, ("dealNotes.deal_id", "contacts.sales_id", "deals.sales_id", "dealNotes.sales_id", "tasks.sales_id")),
    (_TEXTS, ("deals.stage", "tasks.type", "tasks.text", "dealNotes.type", "dealNotes.text", "contactNotes.text")),
    (_TIMES, ("deals.updated_at", "deals.expected_closing_date", "contacts.first_seen", "contactNotes.date")),
    (_TIMES, ("dealNotes.date", "tasks.due_date", "tasks.done_date")),
    (("bigint[]", "integer[]"), ("deals.contact_ids",)),
    (("jsonb[]",), ("contactNotes.attachments", "dealNotes.attachments")),
)
_VIEWS = ("companies_summary", "contacts_summary")  # the plan builds on them


def strange(connection: Connection) -> tuple[str, ...]:
    """What is built otherwise, one sentence each; nothing where all is as it should be."""
    built = connection.execute(
        """
        select format('table %%s is partitioned', relname)
        from pg_catalog.pg_class
        where relnamespace = 'public'::regnamespace and relname = any (%(tables)s) and relkind = 'p'
        union all
        select format('table %%s has a child table, %%s', classes.relname, pg_inherits.inhrelid::regclass)
        from pg_catalog.pg_class as classes
        inner join pg_catalog.pg_inherits on pg_inherits.inhparent = classes.oid
        where classes.relnamespace = 'public'::regnamespace and classes.relname = any (%(tables)s)
            and classes.relkind = 'r'
        union all
        select format('table %%s is a child of %%s', classes.relname, pg_inherits.inhparent::regclass)
        from pg_catalog.pg_class as classes
        inner join pg_catalog.pg_inherits on pg_inherits.inhrelid = classes.oid
        where classes.relnamespace = 'public'::regnamespace and classes.relname = any (%(tables)s)
        union all
        select format('view %%s is gone', listed.name)
        from unnest(%(views)s::text[]) as listed (name)
        where not exists (
            select from pg_catalog.pg_class
            where relnamespace = 'public'::regnamespace and relname = listed.name and relkind = 'v'
        )
        order by 1
        """,
        {"tables": list(SOURCE_TABLES), "views": list(_VIEWS)},
    ).fetchall()
    kinds = {name: wanted for wanted, names in _KINDS for name in names}
    typed = connection.execute(
        """
        select format('%%s.%%s', classes.relname, attributes.attname),
            format_type(case when types.typtype = 'd' then types.typbasetype else types.oid end, null)
        from pg_catalog.pg_class as classes
        inner join pg_catalog.pg_attribute as attributes on attributes.attrelid = classes.oid
        inner join pg_catalog.pg_type as types on types.oid = attributes.atttypid
        where classes.relnamespace = 'public'::regnamespace
            and format('%%s.%%s', classes.relname, attributes.attname) = any (%(columns)s)
        order by 1
        """,
        {"columns": list(kinds)},
    ).fetchall()
    return (
        *(sentence for (sentence,) in built),
        *(f"column {name} is of type {kind}, not {kinds[name][0]}" for name, kind in typed if kind not in kinds[name]),
    )
