"""Archive what the way back would drop, as far as users wrote it; say beforehand how much that is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from psycopg import sql

from crm_migrate import batches, postgres
from crm_migrate.archive.relations import OF_WRITING, RELATIONS, Relation
from crm_migrate.catalog import Catalog, Model
from crm_migrate.postgres import Connection

Counts = Mapping[str, Mapping[str, int]]
"""Rows by relation and operation: INSERT, UPDATE, DELETE."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What becomes of what users wrote since the migration, in rows.

    Attributes:
        stays: rows of tables that stay: what they wrote there is there after the way back.
        archived: rows, or of a table that stays their new columns, that go to schema migration_archive.
        reappearing: softly deleted rows by table; the old system knows no soft delete and shows them again.
    """

    stays: Counts
    archived: Counts
    reappearing: Mapping[str, int]


def preview(connection: Connection, catalog: Catalog) -> Kept:
    """Count what `keep` would archive; reads only."""
    archived = {
        relation.name: counted
        for relation in _written(connection)
        if (counted := _counted(connection, _selection(connection, catalog, relation)))
    }
    gone = {relation.name for relation in RELATIONS if not relation.stays}
    stays = {name: counted for name, counted in written(connection).items() if name not in gone}
    return Kept(stays, archived, _reappearing(connection))


def keep(connection: Connection, catalog: Catalog, run_id: str) -> int:
    """Copy it to schema migration_archive, in the caller's transaction; returns how many rows.

    Waits for whoever is still writing: a session that the closing window may not end would commit what nobody has seen.

    Raises:
        psycopg.errors.LockNotAvailable: somebody goes on for longer than lock_timeout_ms; nothing is archived yet.
    """
    tables = sql.SQL(", ").join(map(_table, RELATIONS))
    connection.execute(sql.SQL("lock table {} in share mode").format(tables))
    kept = 0
    for relation in _written(connection):
        kept += connection.execute(
            sql.SQL(
                "insert into migration_archive.rows "
                '(run_id, relation, key, operation, "row", made, written_by, written_at) '
                "select {}, {}, chosen.* from ({}) as chosen order by chosen.key"
            ).format(run_id, relation.name, _selection(connection, catalog, relation))
        ).rowcount
    for relation in RELATIONS:
        for column, meant in relation.references.items():
            _keep_references(connection, run_id, relation, column, meant)
    return kept


def _written(connection: Connection) -> Iterator[Relation]:
    """The relations that anybody wrote into; a model over a whole table is asked for no other."""
    rows = connection.execute("select distinct relation from migration.changes").fetchall()
    found = {name for (name,) in rows}
    return (relation for relation in RELATIONS if relation.name in found)


def written(connection: Connection) -> Counts:
    """What was written since the migration, in rows by relation: made, edited and deleted ones."""
    rows = connection.execute(
        """
        select relation,
            case
                when last_operation = 'DELETE' then 'DELETE' when first_operation = 'INSERT' then 'INSERT'
                else 'UPDATE'
            end as operation,
            count(*)
        from migration.changes
        where not (first_operation = 'INSERT' and last_operation = 'DELETE')
        group by 1, 2 order by 1, 2
        """
    ).fetchall()
    nested: dict[str, dict[str, int]] = {}
    for relation, operation, count in rows:
        nested.setdefault(relation, {})[operation] = count
    return nested


def _counted(connection: Connection, selection: sql.Composed) -> dict[str, int]:
    rows = connection.execute(
        sql.SQL("select chosen.operation, count(*) from ({}) as chosen group by 1 order by 1").format(selection)
    )
    return dict(rows.fetchall())


def _reappearing(connection: Connection) -> dict[str, int]:
    found: dict[str, int] = {}
    for relation in RELATIONS:
        if relation.stays:
            query = sql.SQL("select count(*) from {} where deleted_at is not null").format(_table(relation))
            row = connection.execute(query).fetchone()
            if row is not None and row[0]:
                found[relation.name] = row[0]
    return found


def _selection(connection: Connection, catalog: Catalog, relation: Relation) -> sql.Composed:
    """SELECT of key, operation, row, made, written_by, written_at: one row a row that is to be archived.

    What the migration would make of the source as it is now is laid beside what is there. Where both are the same there
    is nothing to bring back later, unless it is made of what goes too.
    """
    return sql.SQL(
        """
        with changed as materialized (
            select changes.key, changes.first_operation, changes.written_by, changes.last_at,
                {row} as "row", {weak_target} as weak, {strong_target} as strong
            from migration.changes as changes
            inner join {table} as target on target.id = changes.key
            where changes.relation = {name}
        ), made as materialized (
            select model."row", {weak_made} as weak, {strong_made} as strong from ({made}) as model
        ), others as (
            select target.id, {strong_target} as strong from {table} as target
        ), matched as (
            select distinct on (changed.key) changed.key, made."row"
            from changed
            inner join made on made.weak = changed.weak
            where (made.strong = changed.strong or changed.first_operation <> 'INSERT')
                and not exists (select from others where others.strong = made.strong and others.id <> changed.key)
            order by changed.key, made.strong = changed.strong desc
        ), compared as (
            select changed.key,
                case
                    when {stays} then 'UPDATE'
                    when matched.key is null or changed.first_operation = 'INSERT' then 'INSERT'
                    else 'UPDATE'
                end as operation,
                changed."row", matched."row" as made, changed.written_by, changed.last_at,
                coalesce({repeated}, false) as is_repeated,
                matched.key is not null and not exists (
                    select from jsonb_each(changed."row") as field
                    where field.key <> all ({of_writing})
                        and field.value is distinct from coalesce(matched."row" -> field.key, 'null')
                ) as is_same
            from changed
            left join matched on matched.key = changed.key
        )
        select compared.key, compared.operation, compared."row", compared.made, compared.written_by, compared.last_at
        from compared
        where not (compared.is_same and (compared.operation = 'UPDATE' or compared.is_repeated))
        union all
        select changes.key, 'DELETE', changes.identity, null, changes.written_by, changes.last_at
        from migration.changes as changes
        where changes.relation = {name} and changes.last_operation = 'DELETE' and changes.first_operation <> 'INSERT'
            and changes.identity is not null
            and exists (select from made where made.strong = {strong_deleted})
            and not exists (select from others where others.strong = {strong_deleted})
        """
    ).format(
        row=_row(relation),
        table=_table(relation),
        name=relation.name,
        made=_made(connection, catalog, relation),
        weak_target=_array(sql.SQL("target."), relation.weak or relation.identity),
        strong_target=_array(sql.SQL("target."), relation.identity),
        weak_made=_array(sql.SQL('model."row" -> '), relation.weak or relation.identity, named=True),
        strong_made=_array(sql.SQL('model."row" -> '), relation.identity, named=True),
        strong_deleted=_array(sql.SQL("changes.identity -> "), relation.identity, named=True),
        stays=relation.stays,
        repeated=sql.SQL(relation.repeated),
        of_writing=list(OF_WRITING),
    )


def _row(relation: Relation) -> sql.Composable:
    if not relation.stays:
        return sql.SQL("to_jsonb(target)")
    return sql.SQL(
        "(select jsonb_object_agg(field.key, field.value) from jsonb_each(to_jsonb(target)) as field "
        "where field.key = any ({}))"
    ).format(["id", *relation.columns])


def _array(prefix: sql.SQL, columns: tuple[str, ...], *, named: bool = False) -> sql.Composed:
    """A key of several columns as one value that can be hashed, and in which nulls are equal."""
    name = sql.Literal if named else sql.Identifier
    return sql.SQL("jsonb_build_array({})").format(sql.SQL(", ").join(prefix + name(column) for column in columns))


def _made(connection: Connection, catalog: Catalog, relation: Relation) -> sql.Composed:
    """SELECT of `row`: what the models make of the source as it is now; other columns by their default."""
    models = [model for model in catalog.models_in_order() if model.target == f"public.{relation.name}"]
    if not models:
        return sql.SQL("select null::jsonb as {} where false").format(sql.Identifier("row"))
    return sql.SQL(" union all ").join(_made_by(connection, relation, model) for model in models)


def _made_by(connection: Connection, relation: Relation, model: Model) -> sql.Composed:
    move, types = batches.prepare(connection, model), postgres.columns(connection, model.target)
    made = dict.fromkeys([*move.columns, *(model.key if model.mode == "update" else ())])
    wanted = {"id", *relation.columns} if relation.stays else set(types)
    values = [
        sql.SQL("cast(made.{} as {}) as {}").format(sql.Identifier(name), sql.SQL(types[name]), sql.Identifier(name))
        for name in made
        if name in wanted
    ]
    values += [
        sql.SQL("{} as {}").format(sql.SQL(default or "null"), sql.Identifier(name))
        for name, default in batches.defaults(connection, model.target).items()
        if name in wanted and name not in made and name not in OF_WRITING
    ]
    return sql.SQL('select to_jsonb(model) as "row" from (select {} from ({}) as made) as model').format(
        sql.SQL(", ").join(values), sql.SQL(model.sql)
    )


def _keep_references(connection: Connection, run_id: str, relation: Relation, column: str, meant: str) -> None:
    """Of a row that nobody wrote, but that one of the archived means, keep by what it is found again."""
    target = next(found for found in RELATIONS if found.name == meant)
    connection.execute(
        sql.SQL(
            """
            insert into migration_archive.rows (run_id, relation, key, operation, "row", written_by, written_at)
            select distinct on (target.id) archived.run_id, {meant}, target.id, 'REFERENCE', {identity},
                archived.written_by, archived.written_at
            from migration_archive.rows as archived
            inner join {table} as target on target.id = (archived."row" ->> {column})::bigint
            where archived.run_id = {run} and archived.relation = {relation} and archived.operation <> 'REFERENCE'
            on conflict (run_id, relation, key) do nothing
            """
        ).format(
            meant=meant,
            identity=sql.SQL("jsonb_build_object({})").format(
                sql.SQL(", ").join(
                    sql.SQL("{}, target.{}").format(sql.Literal(name), sql.Identifier(name)) for name in target.identity
                )
            ),
            table=_table(target),
            column=column,
            run=run_id,
            relation=relation.name,
        )
    )


def _table(relation: Relation) -> sql.Identifier:
    return sql.Identifier("public", relation.name)
