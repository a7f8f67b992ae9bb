"""What PostgreSQL's catalogue says of schema public: names, types, comments, and what a view shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crm_migrate import postgres
from crm_migrate.dictionary import expressions
from crm_migrate.postgres import Connection

_KINDS = {"r": "table", "p": "table", "f": "foreign table", "v": "view", "m": "materialized view"}
_MEMBER = "exists (select from pg_catalog.pg_depend as depends where depends.objid = {0}.oid and depends.deptype = 'e')"

_RELATIONS = f"""
    select classes.oid, classes.relname, classes.relkind, coalesce(obj_description(classes.oid, 'pg_class'), ''),
        case when classes.relkind in ('v', 'm') then pg_get_viewdef(classes.oid) else '' end
    from pg_catalog.pg_class as classes
    where classes.relnamespace = 'public'::regnamespace and classes.relkind in ('r', 'p', 'f', 'v', 'm')
        and not {_MEMBER.format("classes")}
    order by classes.relname
"""
# views of old that stand behind those of the same name
_KEPT = "select viewname, definition from pg_catalog.pg_views where schemaname = 'migration'"
_COLUMNS = """
    select
        attributes.attrelid,
        attributes.attname,
        format_type(attributes.atttypid, attributes.atttypmod),
        not attributes.attnotnull,
        coalesce(col_description(attributes.attrelid, attributes.attnum), ''),
        case
            when attributes.attidentity <> '' then 'numbered by the database'
            when attributes.attgenerated <> '' then pg_get_expr(defaults.adbin, defaults.adrelid)
            else ''
        end,
        coalesce(pg_get_expr(defaults.adbin, defaults.adrelid), ''),
        coalesce((
            select string_agg(
                concat(nullif(namespaces.nspname, 'public') || '.', tables.relname, '.', targets.attname),
                ', ' order by constraints.conname
            )
            from pg_catalog.pg_constraint as constraints
            inner join pg_catalog.pg_class as tables on tables.oid = constraints.confrelid
            inner join pg_catalog.pg_namespace as namespaces on namespaces.oid = tables.relnamespace
            inner join pg_catalog.pg_attribute as targets
                on targets.attrelid = constraints.confrelid and targets.attnum = constraints.confkey[1]
            where constraints.contype = 'f' and constraints.conrelid = attributes.attrelid
                and constraints.conkey = array[attributes.attnum]
        ), '')
    from pg_catalog.pg_attribute as attributes
    inner join pg_catalog.pg_class as classes
        on classes.oid = attributes.attrelid and classes.relnamespace = 'public'::regnamespace
    left join pg_catalog.pg_attrdef as defaults
        on defaults.adrelid = attributes.attrelid and defaults.adnum = attributes.attnum
    where classes.relkind in ('r', 'p', 'f', 'v', 'm') and attributes.attnum > 0 and not attributes.attisdropped
    order by attributes.attrelid, attributes.attnum
"""
_ENUMERATIONS = f"""
    select types.typname, array_agg(labels.enumlabel::text order by labels.enumsortorder),
        coalesce(obj_description(types.oid, 'pg_type'), '')
    from pg_catalog.pg_type as types
    inner join pg_catalog.pg_enum as labels on labels.enumtypid = types.oid
    where types.typnamespace = 'public'::regnamespace and not {_MEMBER.format("types")}
    group by types.oid, types.typname
    order by types.typname
"""
_FUNCTIONS = f"""
    select functions.proname, pg_get_function_arguments(functions.oid),
        coalesce(pg_get_function_result(functions.oid), ''), coalesce(obj_description(functions.oid, 'pg_proc'), '')
    from pg_catalog.pg_proc as functions
    where functions.pronamespace = 'public'::regnamespace and not {_MEMBER.format("functions")}
    order by functions.proname, functions.oid::regprocedure::text
"""
_TRIGGERS = """
    select
        concat(nullif(namespaces.nspname, 'public') || '.', classes.relname),
        triggers.tgname,
        lower(substring(pg_get_triggerdef(triggers.oid) from ' ((?:BEFORE|AFTER|INSTEAD OF) .*?) ON ')),
        functions.proname,
        coalesce(obj_description(triggers.oid, 'pg_trigger'), '')
    from pg_catalog.pg_trigger as triggers
    inner join pg_catalog.pg_class as classes on classes.oid = triggers.tgrelid
    inner join pg_catalog.pg_namespace as namespaces on namespaces.oid = classes.relnamespace
    inner join pg_catalog.pg_proc as functions on functions.oid = triggers.tgfoid
    where not triggers.tgisinternal and 'public'::regnamespace in (classes.relnamespace, functions.pronamespace)
    order by 1, 2
"""


@dataclass(frozen=True, slots=True)
class FoundColumn:
    """A column as the catalogue has it; `expression` is what a view shows, empty for a table."""

    expression: str
    name: str
    type: str
    nullable: bool
    comment: str
    generated: str
    default: str
    references: str


@dataclass(frozen=True, slots=True)
class FoundRelation:
    """A relation with its columns in order."""

    name: str
    kind: str
    comment: str
    columns: tuple[FoundColumn, ...]


@dataclass(frozen=True, slots=True)
class FoundFunction:
    """A function."""

    name: str
    arguments: str
    returns: str
    comment: str


@dataclass(frozen=True, slots=True)
class FoundTrigger:
    """A trigger."""

    table: str
    name: str
    fires: str
    function: str
    comment: str


@dataclass(frozen=True, slots=True)
class Found:
    """All of it; an enumeration is (name, values, comment)."""

    server_version: str
    relations: tuple[FoundRelation, ...]
    enumerations: tuple[tuple[str, tuple[str, ...], str], ...]
    functions: tuple[FoundFunction, ...]
    triggers: tuple[FoundTrigger, ...]


def read(connection: Connection) -> Found:
    """Ask the catalogue; objects of an extension are left out."""
    with postgres.search_path(connection, ""):  # so that a view's text names every table in full
        relations = connection.execute(_RELATIONS.encode()).fetchall()
        kept = {
            f"migration.{view}.{column}": expression
            for view, definition in connection.execute(_KEPT.encode())
            for column, expression in expressions.shown(definition).items()
        }
    with postgres.search_path(connection, "public"):  # types of ours are as clear without a schema
        columns: dict[int, list[Any]] = {}
        for relation, *facts in connection.execute(_COLUMNS.encode()):
            columns.setdefault(relation, []).append(facts)
        enumerations = connection.execute(_ENUMERATIONS.encode()).fetchall()
        functions = connection.execute(_FUNCTIONS.encode()).fetchall()
        triggers = connection.execute(_TRIGGERS.encode()).fetchall()
    return Found(
        server_version=connection.info.parameter_status("server_version") or "",
        relations=tuple(
            FoundRelation(
                name,
                _KINDS[kind],
                comment,
                _columns(columns.get(oid, []), definition, kept),
            )
            for oid, name, kind, comment, definition in relations
        ),
        enumerations=tuple((name, tuple(values), comment) for name, values, comment in enumerations),
        functions=tuple(FoundFunction(*facts) for facts in functions),
        triggers=tuple(FoundTrigger(*facts) for facts in triggers),
    )


def _columns(columns: list[Any], definition: str, kept: Mapping[str, str]) -> tuple[FoundColumn, ...]:
    said = {column: kept.get(text, text) for column, text in expressions.shown(definition).items()}
    return tuple(FoundColumn(said.get(facts[0], "an expression") if definition else "", *facts) for facts in columns)
