"""The schema of a CRM as a value: one text an object, the same wherever and whenever the same schema stands (B5, E2).

Left out is what differs between servers, restores or grants alone: object ids, access lists, comments, sequence
positions, and the NOT NULLs that PostgreSQL 18 lists as constraints (source-schema.md, oddity 19). The migration's own
state is no part of it.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import psycopg

from crm_migrate import postgres

Document = dict[str, str]

# Each query gives (object, definition). Objects that belong to an extension are the extension's business.
_OWN = "and not exists (select 1 from pg_catalog.pg_depend where objid = {0}.oid and deptype = 'e')"
_RELATIONS = """
    relations as (
        select classes.oid, classes.relname, classes.relkind, classes.reloptions, classes.relrowsecurity,
            classes.relforcerowsecurity, classes.relpersistence
        from pg_catalog.pg_class as classes
        where classes.relnamespace = 'public'::regnamespace and classes.relkind in ('r', 'p', 'v', 'm', 'f')
            and classes.relname not in ('migration_history', 'migration_status')
            and not exists (select 1 from pg_catalog.pg_depend where objid = classes.oid and deptype = 'e')
    )
"""
_POLICIES = f"""
    with {_RELATIONS}
    select format('policy %I.%I', relations.relname, policies.polname), jsonb_build_object(
        'table', relations.relname, 'name', policies.polname, 'command', policies.polcmd,
        'permissive', policies.polpermissive,
        'roles', (
            select jsonb_agg(coalesce(roles.rolname, 'public') order by roles.rolname)
            from unnest(policies.polroles) as listed (oid)
            left join pg_catalog.pg_roles as roles on roles.oid = listed.oid
        ),
        'using', pg_get_expr(policies.polqual, policies.polrelid),
        'check', pg_get_expr(policies.polwithcheck, policies.polrelid),
        'columns', (
            select coalesce(jsonb_agg(distinct attributes.attname), '[]')
            from pg_catalog.pg_depend as dependencies
            inner join pg_catalog.pg_attribute as attributes
                on attributes.attrelid = dependencies.refobjid and attributes.attnum = dependencies.refobjsubid
            where dependencies.classid = 'pg_catalog.pg_policy'::regclass and dependencies.objid = policies.oid
                and dependencies.refclassid = 'pg_catalog.pg_class'::regclass
                and dependencies.refobjid = policies.polrelid and dependencies.refobjsubid <> 0
        )
    )::text
    from relations
    inner join pg_catalog.pg_policy as policies on policies.polrelid = relations.oid
"""
_QUERIES = (
    f"""
    with {_RELATIONS}
    select format('relation %I', relname), concat_ws(
        ' ', relkind, case when relpersistence = 'u' then 'unlogged' end, reloptions::text,
        case when relrowsecurity then 'rls' end, case when relforcerowsecurity then 'forced' end,
        case when relkind in ('v', 'm') then pg_get_viewdef(oid) end
    )
    from relations
    """,
    f"""
    with {_RELATIONS}
    select format('column %I.%I', relations.relname, attributes.attname), concat_ws(
        ' ', row_number() over (partition by attributes.attrelid order by attributes.attnum),
        format_type(attributes.atttypid, attributes.atttypmod), case when attributes.attnotnull then 'not null' end,
        'default ' || pg_get_expr(defaults.adbin, defaults.adrelid),
        'identity ' || nullif(attributes.attidentity::text, ''),
        'generated ' || nullif(attributes.attgenerated::text, ''),
        'collate ' || nullif(attributes.attcollation, types.typcollation)::regcollation::text
    )
    from relations
    inner join pg_catalog.pg_attribute as attributes on attributes.attrelid = relations.oid
    inner join pg_catalog.pg_type as types on types.oid = attributes.atttypid
    left join pg_catalog.pg_attrdef as defaults
        on defaults.adrelid = attributes.attrelid and defaults.adnum = attributes.attnum
    where attributes.attnum > 0 and not attributes.attisdropped
    """,
    f"""
    with {_RELATIONS}
    select format('constraint %I.%I', relations.relname, constraints.conname),
        pg_get_constraintdef(constraints.oid) || case when constraints.convalidated then '' else ' not valid' end
    from relations
    inner join pg_catalog.pg_constraint as constraints on constraints.conrelid = relations.oid
    where constraints.contype <> 'n'
    """,
    f"""
    with {_RELATIONS}
    select format('index %I', classes.relname), concat_ws(
        ' ', pg_get_indexdef(indexes.indexrelid), case when indexes.indisvalid then '' else 'invalid' end,
        case when indexes.indisclustered then 'clustered' end,
        case when indexes.indisreplident then 'replica identity' end
    )
    from relations
    inner join pg_catalog.pg_index as indexes on indexes.indrelid = relations.oid
    inner join pg_catalog.pg_class as classes on classes.oid = indexes.indexrelid
    """,
    _POLICIES,
    """
    select format('trigger %s.%I', triggers.tgrelid::regclass, triggers.tgname),
        pg_get_triggerdef(triggers.oid) || ' ' || triggers.tgenabled::text
    from pg_catalog.pg_trigger as triggers
    inner join pg_catalog.pg_class as classes on classes.oid = triggers.tgrelid
    inner join pg_catalog.pg_proc as functions on functions.oid = triggers.tgfoid
    where not triggers.tgisinternal
        and 'public'::regnamespace in (classes.relnamespace, functions.pronamespace)
        and classes.relname not in ('migration_history', 'migration_status')
    """,
    f"""
    select format('rule %s.%I', rules.ev_class::regclass, rules.rulename), pg_get_ruledef(rules.oid)
    from pg_catalog.pg_rewrite as rules
    inner join pg_catalog.pg_class as classes on classes.oid = rules.ev_class
    where classes.relnamespace = 'public'::regnamespace and rules.rulename <> '_RETURN' {_OWN.format("classes")}
    """,
    f"""
    select format('function %s', functions.oid::regprocedure),
        case when functions.prokind = 'a' then 'aggregate' else pg_get_functiondef(functions.oid) end
    from pg_catalog.pg_proc as functions
    inner join pg_catalog.pg_namespace as schemas on schemas.oid = functions.pronamespace
    where schemas.nspname !~ '^(pg_|information_schema$|migration)' {_OWN.format("functions")}
        and (
            schemas.nspname = 'public'
            or concat(
                functions.prosrc, pg_get_function_arguments(functions.oid), pg_get_function_result(functions.oid),
                pg_get_function_sqlbody(functions.oid)
            ) ~* '\\m(deals|dealNotes|contacts|companies)(\\M|_)'
        )
    """,
    f"""
    select format('type %I', types.typname), concat_ws(
        ' ', types.typtype, nullif(format_type(types.typbasetype, types.typtypmod), '-'),
        (
            select string_agg(quote_literal(enumlabel), ',' order by enumsortorder)
            from pg_catalog.pg_enum where enumtypid = types.oid
        ),
        (
            select string_agg(pg_get_constraintdef(oid), ',' order by conname)
            from pg_catalog.pg_constraint where contypid = types.oid and contype <> 'n'
        ),
        case when types.typnotnull then 'not null' end, types.typdefault
    )
    from pg_catalog.pg_type as types
    where types.typnamespace = 'public'::regnamespace and types.typtype in ('e', 'd', 'r') {_OWN.format("types")}
    """,
    """
    select format('sequence %I', classes.relname), concat_ws(
        ' ', format_type(sequences.seqtypid, null), sequences.seqstart, sequences.seqincrement, sequences.seqmin,
        sequences.seqmax, sequences.seqcache, sequences.seqcycle, (
            select format('of %s.%I', refobjid::regclass, attributes.attname)
            from pg_catalog.pg_depend
            inner join pg_catalog.pg_attribute as attributes
                on attributes.attrelid = refobjid and attributes.attnum = refobjsubid
            where classid = 'pg_catalog.pg_class'::regclass and objid = classes.oid and deptype in ('a', 'i')
        )
    )
    from pg_catalog.pg_sequence as sequences
    inner join pg_catalog.pg_class as classes on classes.oid = sequences.seqrelid
    where classes.relnamespace = 'public'::regnamespace
    """,
    """
    select format('publication %I %I', publications.pubname, publications.tablename),
        concat_ws(' ', publications.attnames, publications.rowfilter)
    from pg_catalog.pg_publication_tables as publications
    where publications.schemaname = 'public' and publications.tablename <> 'migration_history'
    """,
)


def describe(connection: psycopg.Connection[Any]) -> Document:
    """Every object of schema public that the migration could touch, with its definition.

    Also the triggers elsewhere that call a function of schema public, such as those on auth.users, and the functions
    elsewhere that speak of deals, their notes, contacts or companies.

    Args:
        connection: left in the transaction it is in; its search_path is as before.

    Returns:
        Definition by object, in order of the objects' names: `column deals.stage` → `6 text not null`.
    """
    return _described(connection, _QUERIES)


def policies(connection: psycopg.Connection[Any]) -> Document:
    """The part of `describe` that is about policies: each is a JSON object, its columns are those it depends on."""
    return _described(connection, (_POLICIES,))


def _described(connection: psycopg.Connection[Any], queries: tuple[str, ...]) -> Document:
    document: Document = {}
    with postgres.search_path(connection, ""):
        for query in queries:
            document.update((str(name), str(text)) for name, text in connection.execute(query.encode()))
    return dict(sorted(document.items()))


def fingerprint(document: Document) -> str:
    """SHA-256 over the document; equal for equal schemas on the same major version of PostgreSQL."""
    return hashlib.sha256(json.dumps(document, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def object_hashes(document: Document) -> dict[str, str]:
    """SHA-256 of each object's definition: what `fingerprint` is made of."""
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in document.items()}


def differences(before: Document, after: Document) -> tuple[str, ...]:
    """Names of the objects that came, went or changed, in order."""
    return tuple(sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name)))
