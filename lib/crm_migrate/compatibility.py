"""The views under the old names, `deals` and `"dealNotes"`: where they are, what stands on them, and how they go (E3).

What is taken away lies in schema migration until the state of the migration goes: nobody but the owner can name it
there, and verification and the way back find it as it was, with its grants, defaults and a customer's own columns.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace

from psycopg import sql

from crm_migrate.catalog import Catalog
from crm_migrate.errors import Refused
from crm_migrate.postgres import Connection

VIEWS = ("deals", "dealNotes")
_OLD_NAME = re.compile(r'public\.(deals\b|"dealNotes")')


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands on the old names.

    Attributes:
        objects: what cannot be without the views, such as a customer's own view, or goes with them, such as a trigger.
        functions: functions whose text reads or writes by an old name, and which may fail when they are called.
    """

    objects: tuple[str, ...]
    functions: tuple[str, ...]


def answering(connection: Connection) -> tuple[str, ...]:
    """The views that answer under the old names."""
    return _views(connection, "public")


def retired(connection: Connection) -> tuple[str, ...]:
    """The views that were taken away and wait in schema migration."""
    return _views(connection, "migration")


def _views(connection: Connection, schema: str) -> tuple[str, ...]:
    rows = connection.execute(
        """
        select classes.relname::text from pg_catalog.pg_class as classes
        where classes.relnamespace = to_regnamespace(%s) and classes.relkind = 'v' and classes.relname = any (%s)
        order by 1 desc
        """,
        [schema, list(VIEWS)],
    ).fetchall()
    return tuple(name for (name,) in rows)


def reading(connection: Connection, text: str) -> str:
    """A SELECT by the old names as it has to be asked now: views that were taken away lie in schema migration."""
    gone = retired(connection)
    return _OLD_NAME.sub(
        lambda match: f"migration.{match[1]}" if match[1].strip('"') in gone else match[0],
        text,
    )


def placed(connection: Connection, relation: str) -> str:
    """Where a relation of schema public lies now, by its old name too: `migration.deals` where that was taken away."""
    name = relation.removeprefix("public.")
    return f"migration.{name}" if name in retired(connection) else relation


def speaks_of(names: Collection[str], text: str) -> bool:
    """Whether the name of an object or a right, as `schema.describe` writes it, is about one of these views."""
    return any(re.search(rf'(?<![\w"])"?{name}"?(?!\w)', text) is not None for name in names)


def as_they_lie(connection: Connection, catalog: Catalog) -> Catalog:
    """The catalogue with models that read the old names where they lie now."""
    models = {name: replace(model, sql=reading(connection, model.sql)) for name, model in catalog.models.items()}
    return replace(catalog, models=models)


def standing(connection: Connection) -> Standing:
    """What stands on the views, wherever they lie: each in words that name it."""
    objects = connection.execute(
        """
        with views as (
            select classes.oid, classes.reltype from pg_catalog.pg_class as classes
            where classes.relnamespace in (to_regnamespace('public'), to_regnamespace('migration'))
                and classes.relkind = 'v' and classes.relname = any (%s)
        ),
        found as (
            select dependencies.classid, dependencies.objid, dependencies.objsubid
            from pg_catalog.pg_depend as dependencies
            inner join views
                on dependencies.refclassid = 'pg_catalog.pg_class'::regclass and dependencies.refobjid = views.oid
                or dependencies.refclassid = 'pg_catalog.pg_type'::regclass and dependencies.refobjid = views.reltype
            where dependencies.deptype in ('n', 'a')
        )
        select distinct case
            when rules.ev_class is null then pg_describe_object(found.classid, found.objid, found.objsubid)
            else pg_describe_object('pg_catalog.pg_class'::regclass, rules.ev_class, 0)
        end
        from found
        left join pg_catalog.pg_rewrite as rules
            on found.classid = 'pg_catalog.pg_rewrite'::regclass and rules.oid = found.objid
        left join pg_catalog.pg_attrdef as defaults
            on found.classid = 'pg_catalog.pg_attrdef'::regclass and defaults.oid = found.objid
        where coalesce(rules.ev_class, defaults.adrelid, 0) not in (select oid from views)
        order by 1
        """,
        [list(VIEWS)],
    ).fetchall()
    functions = connection.execute(
        """
        select functions.oid::regprocedure::text
        from pg_catalog.pg_proc as functions
        inner join pg_catalog.pg_namespace as namespaces on namespaces.oid = functions.pronamespace
        where namespaces.nspname not in ('pg_catalog', 'information_schema', 'migration')
            and not exists (select from pg_catalog.pg_depend where objid = functions.oid and deptype = 'e')
            and functions.prosrc ~* %s
        order by 1
        """,
        [r'\m(from|join|into|update|only)\s+(public\.)?(deals\M|"dealNotes")'],
    ).fetchall()
    return Standing(tuple(name for (name,) in objects), tuple(name for (name,) in functions))


def retire(connection: Connection) -> tuple[str, ...]:
    """Take the views away, in the caller's transaction, which has to end where this fails; returns their names.

    Raises:
        Refused: something stands on one of them; names it.
    """
    names = answering(connection)
    for name in names:
        connection.execute(sql.SQL("alter view {} set schema migration").format(sql.Identifier("public", name)))
    found = standing(connection).objects  # under the lock that the move has taken
    if found:
        raise Refused(
            f"the old names cannot go: {', '.join(found)} on them",
            hint='Let it stand on opportunities and "opportunityNotes", or drop it; nothing was taken away.',
        )
    connection.execute("notify pgrst, 'reload schema'")
    return names


def bring_back(connection: Connection) -> tuple[str, ...]:
    """Put views that were taken away under their old names again, in the caller's transaction; returns their names.

    Raises:
        Refused: something else bears an old name by now.
    """
    require_free_names(connection)
    names = retired(connection)
    for name in names:
        connection.execute(sql.SQL("alter view {} set schema public").format(sql.Identifier("migration", name)))
    return names


def require_free_names(connection: Connection) -> None:
    """Check that what was taken away could come back.

    Raises:
        Refused: something else bears an old name by now.
    """
    taken = [
        name
        for name in retired(connection)
        if connection.execute(
            "select to_regclass(%s) is not null", [sql.Identifier("public", name).as_string(connection)]
        ).fetchone()
        == (True,)
    ]
    if taken:
        raise Refused(
            f"the old names were taken away, and something else is called {', '.join(taken)} by now",
            hint="Rename or drop it: the way back gives these names to what had them before.",
        )
