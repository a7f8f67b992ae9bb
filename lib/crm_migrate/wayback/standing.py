"""What somebody has made since the run on what the way back takes away: PostgreSQL would not let it go (E1)."""

from __future__ import annotations

from crm_migrate import postgres
from crm_migrate.catalog import Catalog
from crm_migrate.errors import Refused
from crm_migrate.postgres import Connection
from crm_migrate.verify import expected

# What depends on what goes, and neither goes along nor is the plan's own. A view with a column that goes, goes itself.
_QUERY = """
    with columns as (
        select attributes.attrelid, attributes.attnum, classes.relkind
        from pg_catalog.pg_attribute as attributes
        inner join pg_catalog.pg_class as classes on classes.oid = attributes.attrelid
        where classes.relnamespace = 'public'::regnamespace
            and format('column %%I.%%I', classes.relname, attributes.attname) = any (%(gone)s)
    ),
    relations as (
        select oid from pg_catalog.pg_class
        where relnamespace = 'public'::regnamespace and format('relation %%I', relname) = any (%(gone)s)
        union
        select attrelid from columns where relkind = 'v'
    ),
    types as (
        select types.oid, types.typarray from pg_catalog.pg_type as types
        where types.typrelid in (select oid from relations)
            or types.typnamespace = 'public'::regnamespace and format('type %%I', types.typname) = any (%(gone)s)
    ),
    gone (class, object, part) as (
        select 'pg_class'::regclass, oid, null from relations
        union all
        select 'pg_class'::regclass, attrelid, attnum from columns
        union all
        select 'pg_type'::regclass, unnest(array[oid, typarray]), null from types
        union all
        select 'pg_proc'::regclass, oid, null from pg_catalog.pg_proc
        where format('function %%s', oid::regprocedure) = any (%(gone)s)
    ),
    standing as (
        select distinct
            depends.classid, depends.objid, depends.objsubid, views.oid as view,
            coalesce(
                views.oid, rules.ev_class, constraints.conrelid, triggers.tgrelid, policies.polrelid,
                defaults.adrelid, published.prrelid, indexes.indrelid,
                case when depends.classid = 'pg_class'::regclass then depends.objid end, 0
            ) as relation,
            coalesce(defaults.adnum, depends.objsubid) as part,
            constraints.contype = 'f' and constraints.confrelid <> constraints.conrelid as is_reference,
            case
                when constraints.oid is not null
                    then format('constraint %%I.%%I', tables.relname, constraints.conname)
                when triggers.oid is not null
                    then format('trigger %%s.%%I', triggers.tgrelid::regclass, triggers.tgname)
                when indexes.indexrelid is not null then format('index %%I', named.relname)
                when depends.classid = 'pg_proc'::regclass then format('function %%s', depends.objid::regprocedure)
            end as name
        from gone
        inner join pg_catalog.pg_depend as depends
            on depends.refclassid = gone.class and depends.refobjid = gone.object and depends.deptype = 'n'
                and depends.refobjsubid = coalesce(gone.part, depends.refobjsubid)
        left join pg_catalog.pg_rewrite as rules
            on depends.classid = 'pg_rewrite'::regclass and rules.oid = depends.objid
        left join pg_catalog.pg_class as views
            on views.relkind in ('v', 'm') and views.oid = coalesce(
                rules.ev_class, case when depends.classid = 'pg_class'::regclass then depends.objid end
            )
        left join pg_catalog.pg_constraint as constraints
            on depends.classid = 'pg_constraint'::regclass and constraints.oid = depends.objid
        left join pg_catalog.pg_class as tables on tables.oid = constraints.conrelid
        left join pg_catalog.pg_trigger as triggers
            on depends.classid = 'pg_trigger'::regclass and triggers.oid = depends.objid
        left join pg_catalog.pg_policy as policies
            on depends.classid = 'pg_policy'::regclass and policies.oid = depends.objid
        left join pg_catalog.pg_attrdef as defaults
            on depends.classid = 'pg_attrdef'::regclass and defaults.oid = depends.objid
        left join pg_catalog.pg_publication_rel as published
            on depends.classid = 'pg_publication_rel'::regclass and published.oid = depends.objid
        left join pg_catalog.pg_index as indexes
            on depends.classid = 'pg_class'::regclass and indexes.indexrelid = depends.objid
        left join pg_catalog.pg_class as named on named.oid = indexes.indexrelid
    )
    select distinct
        case
            when view is null then pg_describe_object(classid, objid, objsubid)
            else pg_describe_object('pg_class'::regclass, view, 0)
        end
    from standing
    where coalesce(name <> all (%(ours)s), true)
        and (relation not in (select oid from relations) or coalesce(is_reference, false))
        and (relation, part) not in (select attrelid, attnum from columns)
        and relation not in (select oid from pg_catalog.pg_class where relnamespace = 'migration'::regnamespace)
    order by 1
"""


def require_nothing(connection: Connection, catalog: Catalog) -> None:
    """Check before the first change that nothing stands on what goes: midway it would keep the window closed.

    Raises:
        Refused: users' own views, keys, functions and the like do; names them.
    """
    found = things(connection, catalog)
    if found:
        raise Refused(
            f"the way back would stop midway: {', '.join(found)} on what the migration made",
            hint="Drop it, or let it stand on something else, then run the same command again; nothing was changed.",
        )


def planned(catalog: Catalog) -> frozenset[str]:
    """The objects that the plan makes, by the names they have now and by those that they get on tables of before."""
    names = expected.load(catalog.root)
    return frozenset(names) | {
        name.replace('"opportunityNotes"', '"dealNotes"').replace(" opportunities.", " deals.") for name in names
    }


def things(connection: Connection, catalog: Catalog) -> tuple[str, ...]:
    """What somebody else has made, and PostgreSQL would not let the migration's own objects go without."""
    entries = expected.load(catalog.root)
    gone = [
        name
        for name, entry in entries.items()
        if entry.was is None or entry.definition.startswith(("v ", "public."))  # a view, or a column of a new type
    ]
    with postgres.search_path(connection, ""):
        found = connection.execute(_QUERY.encode(), {"gone": gone, "ours": list(entries)}).fetchall()
    return tuple(name for (name,) in found)
