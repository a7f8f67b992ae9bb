"""What `sql/` itself says of the target: what it renames, creates and fills, and what the legacy columns mean."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass

from crm_migrate import postgres
from crm_migrate.catalog import Catalog, created
from crm_migrate.dictionary import expressions
from crm_migrate.errors import CatalogError

_RENAMED = re.compile(
    r'alter table public\."?(?P<table>\w+)"? rename (?:column (?P<column>\w+) )?to "?(?P<name>\w+)"?;', re.IGNORECASE
)
_VIEWS = ("companies_summary", "contacts_summary", "deals", "dealNotes", "init_state")
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Meanings:
    """`sql/meanings.toml`: table → column → sentence; the table's own stands under the empty name."""

    texts: Mapping[str, Mapping[str, str]]

    def of(self, table: str, column: str = "") -> str:
        """The sentence, or an empty text."""
        return self.texts.get(table, {}).get(column, "")


@dataclass(frozen=True, slots=True)
class Origins:
    """What is known beforehand of where things come from.

    Attributes:
        renamed: new name of a table → old name.
        renamed_columns: (new name of the table, new name of the column) → old name of the column.
        legacy: old name of a table or view → its columns as Atomic CRM has them; empty for a view.
        created: (kind, name) as `catalog.created` says it.
        filled: (table, column) → (model, expression), in order of the plan.
    """

    renamed: Mapping[str, str]
    renamed_columns: Mapping[Key, str]
    legacy: Mapping[str, tuple[str, ...]]
    created: frozenset[Key]
    filled: Mapping[Key, tuple[Key, ...]]
    meanings: Meanings

    def legacy_name(self, table: str, column: str) -> str | None:
        """What a column of a table was called before the migration, or None where it was not there."""
        if (table, column) in self.renamed_columns:
            return self.renamed_columns[table, column]
        moved = {old for (renamed_in, _), old in self.renamed_columns.items() if renamed_in == table}
        there = self.legacy.get(self.renamed.get(table, table), ())
        return column if column in there and column not in moved else None


def of(catalog: Catalog) -> Origins:
    """Read the files.

    Raises:
        CatalogError: `meanings.toml` is not of its form.
    """
    meanings = _meanings(catalog)
    renamed: dict[str, str] = {}
    columns: dict[Key, str] = {}
    for sql_files in catalog.sql_files.values():
        for match in _RENAMED.finditer(sql_files.apply):
            if match["column"]:
                columns[match["table"], match["name"]] = match["column"]
            else:
                renamed[match["name"]] = match["table"]
    tables: dict[str, tuple[str, ...]] = {
        table: tuple(postgres.SOURCE_COLUMNS.get(table, "").split())
        or tuple(filter(None, meanings.texts.get(table, ())))
        for table in (*postgres.SOURCE_TABLES, *postgres.OPTIONAL_TABLES)
    }
    return Origins(
        renamed=renamed,
        renamed_columns=columns,
        legacy={**dict.fromkeys(_VIEWS, ()), **tables},
        created=frozenset({*created(catalog), ("relation", "migration_history"), ("relation", "migration_status")}),
        filled=_filled(catalog),
        meanings=meanings,
    )


def _filled(catalog: Catalog) -> dict[Key, tuple[Key, ...]]:
    """Read each model's last SELECT; the key of an update only finds the row."""
    filled: dict[Key, tuple[Key, ...]] = {}
    for model in catalog.models_in_order():
        table = model.target.removeprefix("public.")
        for column, expression in expressions.shown(model.sql).items():
            if model.mode == "insert" or column not in model.key:
                filled[table, column] = (*filled.get((table, column), ()), (model.name, expression))
    return filled


def _meanings(catalog: Catalog) -> Meanings:
    path = catalog.root / "meanings.toml"
    try:
        texts = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise CatalogError(path, 1, f"not TOML: {error}") from None
    for table, sentences in texts.items():
        if not isinstance(sentences, dict) or not all(isinstance(text, str) for text in sentences.values()):
            raise CatalogError(path, 1, f"[{table}] is no list of names with a sentence each")
    return Meanings(texts)
