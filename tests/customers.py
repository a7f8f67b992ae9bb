"""What a customer builds on top of an Atomic CRM, and everything of a schema that has to survive there and back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from crm_migrate import access, schema
from crm_migrate.postgres import Connection

OWN_OBJECTS = (Path(__file__).parent / "customers.sql").read_bytes()


@dataclass(frozen=True, slots=True)
class Whole:
    """A schema with what `schema.describe` leaves out: rights, owners, comments, options, positions of sequences."""

    objects: schema.Document
    privileges: frozenset[access.Privilege]
    details: frozenset[tuple[str, ...]]


_DETAILS = (
    """
    select 'comment', identified.identity, descriptions.description
    from pg_catalog.pg_description as descriptions
    cross join lateral pg_identify_object(
        descriptions.classoid, descriptions.objoid, descriptions.objsubid
    ) as identified
    where descriptions.objoid >= 16384 and identified.identity !~ '^migration'
        and identified.identity not like '%migration\\_%'
    """,
    """
    select 'relation', relname, relkind::text, relowner::regrole::text, relpersistence::text, relreplident::text,
        coalesce(reloptions::text, '')
    from pg_catalog.pg_class
    where relnamespace = 'public'::regnamespace and relname not like 'migration\\_%'
    """,
    """
    select 'column', attrelid::regclass::text, attname, attstorage::text, coalesce(attstattarget, -1)::text
    from pg_catalog.pg_attribute
    inner join pg_catalog.pg_class on pg_class.oid = attrelid
    where relnamespace = 'public'::regnamespace and relname not like 'migration\\_%' and not attisdropped
    """,
    """
    select 'sequence', schemaname, sequencename, coalesce(last_value, -1)::text
    from pg_catalog.pg_sequences
    where schemaname = 'public' and sequencename in (
        'companies_id_seq', 'contacts_id_seq', 'contactNotes_id_seq', 'dealNotes_id_seq', 'deals_id_seq',
        'sales_id_seq', 'tags_id_seq', 'tasks_id_seq', 'invoices_id_seq'
    )
    """,
    "select 'statistics', stxname, pg_get_statisticsobjdef(oid), stxowner::regrole::text from pg_statistic_ext",
    "select 'routine', oid::regprocedure::text, proowner::regrole::text from pg_proc "
    "where pronamespace = 'public'::regnamespace",
    "select 'publication', pubname, pubowner::regrole::text, pubinsert::text, pubdelete::text from pg_publication",
)


def whole(connection: Connection) -> Whole:
    """Read it all; two are equal where nobody could tell the schemas apart."""
    with connection.transaction():
        details = {tuple(row) for query in _DETAILS for row in connection.execute(query.encode())}
        return Whole(schema.describe(connection), access.privileges(connection), frozenset(details))


def differences(before: Whole, after: Whole) -> list[object]:
    """What came, went or changed."""
    return [
        *schema.differences(before.objects, after.objects),
        *sorted(before.privileges ^ after.privileges),
        *sorted(before.details ^ after.details),
    ]
