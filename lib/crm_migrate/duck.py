"""Everything that is DuckDB's: open a session, load the prelude, run PostgreSQL's SELECTs in it (design, idea 1).

Two translations give other answers in silence where types are unknown (integer `/`, `round(double)`), so every query is
qualified and annotated with the column types of the relations that stand in the session before it is written anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import polars
import sqlglot
from sqlglot import exp
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from crm_migrate import personal
from crm_migrate.errors import DamagedFile, MigrationError, UsageError

Session = duckdb.DuckDBPyConnection
_INTERRUPTED = "Query interrupted"  # how DuckDB, in a RuntimeError, words a Ctrl-C that it met in a query
_MEMORY = "600MB"  # H2: flat memory; larger work spills to the temporary folder


@contextmanager
def session(prelude: str, *, scratch: Path) -> Iterator[Session]:
    """An in-memory session with UTC as its time zone and `prelude` loaded; it can reach no network.

    Args:
        scratch: folder for what does not fit into memory; owned by the session while it lives.

    Raises:
        UsageError: a file cannot be written, or read.
        KeyboardInterrupt: somebody interrupted a query.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect(
        ":memory:",
        config={
            "memory_limit": _MEMORY,
            "temp_directory": str(scratch),
            "autoinstall_known_extensions": "false",
            "preserve_insertion_order": "false",
            "TimeZone": "UTC",
        },
    )
    try:
        for statement in re.split(r";\s*$", prelude, flags=re.MULTILINE):
            if statement.strip():
                connection.execute(statement)
        yield connection
    except duckdb.IOException as error:
        said = personal.without_quotes(str(error)).split("\n", 1)[0]
        raise UsageError(said, hint="Mend the place: is the disk full, or may nobody write there?") from error
    except RuntimeError as error:
        if str(error) != _INTERRUPTED:
            raise
        raise KeyboardInterrupt from None
    finally:
        connection.close()


@contextmanager
def reading(files: Mapping[Path, Sequence[str]], *, hint: str) -> Iterator[None]:
    """Blame a damaged file for what fails meanwhile, in place of the query that met it; free where all is well.

    Args:
        files: Parquet files that are read meanwhile, each with the columns that it has to have.
        hint: what to do: the stage that makes such a file anew.

    Raises:
        DamagedFile: DuckDB, or Polars, failed, and one of the files is not there, is no Parquet, or lacks a column.
    """
    try:
        yield
    except (MigrationError, duckdb.Error, polars.exceptions.PolarsError) as error:
        if not isinstance(error, MigrationError) or isinstance(error.__cause__, duckdb.Error):
            require_readable(files, hint=hint)
        raise


def require_readable(files: Mapping[Path, Sequence[str]], *, hint: str) -> None:
    """Read Parquet files from end to end.

    Args:
        files: each with the columns that it has to have.
        hint: what to do: the stage that makes such a file anew.

    Raises:
        DamagedFile: the first that cannot be read.
    """
    for path, columns in files.items():
        if not path.is_file():
            raise DamagedFile(path, "it is not there", hint=hint)
        with duckdb.connect(":memory:", config={"memory_limit": _MEMORY}) as connection:
            try:
                described = connection.execute(f"describe select * from read_parquet({literal(path)})").fetchall()
                connection.execute(f"select sum(hash(row)) from read_parquet({literal(path)}) as row").fetchall()
            except duckdb.Error:
                raise DamagedFile(path, "it is not Parquet", hint=hint) from None
        missing = set(columns) - {name for name, *_rest in described}
        if missing:
            raise DamagedFile(path, f"it has no column {', '.join(sorted(missing))}", hint=hint)


def relations(connection: Session) -> MappingSchema:
    """The relations that stand in a session now, with their column types: for many translations in a row."""
    return MappingSchema(_schema(connection), dialect="postgres", normalize=False)  # "contactNotes" as it is


def translate(connection: Session, query: str, *, origin: str, known: MappingSchema | None = None) -> str:
    """PostgreSQL's SELECT as DuckDB's, with the types of the relations that stand in `connection`.

    Args:
        origin: file or name for the error text.
        known: what `relations` said of the session, where nothing has come or gone since.

    Raises:
        MigrationError: SQLGlot cannot read it.
    """
    return str(tree(connection, query, origin=origin, known=known).sql("duckdb"))


def tree(connection: Session, query: str, *, origin: str, known: MappingSchema | None = None) -> Any:
    """The same as SQLGlot's tree, for whoever changes it further."""
    try:
        schema = relations(connection) if known is None else known
        parsed = sqlglot.parse_one(query, read="postgres")
        parsed = qualify(
            parsed, schema=schema, dialect="postgres", quote_identifiers=False, validate_qualify_columns=False
        )
        return annotate_types(parsed, schema=schema, dialect="postgres").transform(_adapt)
    except sqlglot.errors.SqlglotError as error:
        raise MigrationError(f"{origin} cannot be translated for DuckDB: {error}") from error


def run(connection: Session, query: str, *, origin: str) -> Session:
    """Run PostgreSQL's SELECT in DuckDB; the result is to be fetched from what is returned.

    Raises:
        MigrationError: it cannot be translated, or DuckDB refuses it; names `origin`.
    """
    return execute(connection, translate(connection, query, origin=origin), origin=origin)


def execute(connection: Session, statement: str, *, origin: str) -> Session:
    """Run a statement that is DuckDB's already.

    Raises:
        MigrationError: DuckDB refuses it; names `origin`.
        duckdb.IOException: a file cannot be written, or read, which is no fault of the statement's; `session` says so.
    """
    try:
        return connection.execute(statement)
    except duckdb.IOException:
        raise
    except duckdb.Error as error:
        raise MigrationError(f"{origin} fails in DuckDB: {personal.without_quotes(str(error))}") from error


def columns_of(expression: str) -> list[str]:
    """Names of the columns that an expression of PostgreSQL's speaks of, each once; none of an empty one."""
    if not expression:
        return []
    tree: Any = sqlglot.parse_one(expression, read="postgres")
    return list(dict.fromkeys(column.name for column in tree.find_all(exp.Column)))


def quoted(name: str) -> str:
    """A possibly schema-qualified name in double quotes."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in name.split("."))


def literal(value: object) -> str:
    """A text literal."""
    return "'" + str(value).replace("'", "''") + "'"


def _schema(connection: Session) -> dict[str, object]:
    """Schema → relation → column → type, of what stands in the session, as SQLGlot reads PostgreSQL's types."""
    found: dict[str, Any] = {}
    rows: list[tuple[str, str, str, str]] = connection.execute(
        "select schema_name, table_name, column_name, data_type from duckdb_columns() where not internal"
    ).fetchall()
    for schema, table, column, kind in rows:
        found.setdefault(schema, {}).setdefault(table, {})[column] = _postgres_type(kind)
    return found


def _postgres_type(kind: str) -> str:
    if kind.endswith("[]"):
        return _postgres_type(kind[:-2]) + "[]"
    names = {
        "VARCHAR": "text",
        "TIMESTAMP WITH TIME ZONE": "timestamptz",
        "JSON": "jsonb",
        "DOUBLE": "double precision",
    }
    return names.get(kind, "text" if kind.startswith("ENUM") else kind.lower())


def _adapt(node: Any) -> Any:
    """What SQLGlot leaves as PostgreSQL has it, or makes narrower than PostgreSQL."""
    if isinstance(node, exp.DataType) and node.is_type(exp.DataType.Type.DECIMAL) and not node.expressions:
        return exp.DataType.build("decimal(38, 10)", dialect="duckdb")  # numeric has no limit there, 18 digits here
    if isinstance(node, exp.Anonymous) and node.name.lower() == "jsonb_array_elements_text":
        # of jsonb_path_query_array(value, path): many times faster than to take each element and then its text
        texts = exp.Anonymous(this="json_extract_string", expressions=node.expressions[0].expressions)
        return exp.Unnest(expressions=[texts])
    if isinstance(node, exp.Anonymous) and node.name.lower() in ("jsonb_array_elements", "json_array_elements"):
        # a cast to json[] would turn a JSON null into a NULL
        listed = exp.Anonymous(this="json_extract", expressions=[node.expressions[0], exp.Literal.string("$[*]")])
        return exp.Unnest(expressions=[listed])
    return node
