"""`sql/` is read strictly: a file that was half understood stops the load, with file and line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from crm_migrate import catalog as catalogs
from crm_migrate.catalog import Catalog
from crm_migrate.errors import CatalogError

CHECK = """-- check: deals.odd
-- severity: warning
-- table: public.deals
-- why: A first line
--  and a second one.
-- fix: Mend it.
-- returns: one row per deal (id, detail)

select id, 'odd' as detail from public.deals;
"""
MODEL = """-- model: things
-- target: public.things
-- mode: insert
-- driver: public.deals.id
-- key: deal_id, name
-- rows: same
-- why: Because.

select id as deal_id, name from public.deals
"""
STEP = "-- step: 10_tables\n-- why: The {part} of it.\n\nselect '{part}'\n"
PLAN = '[[phase]]\nname = "1_1_first"\nwhy = "To begin with."\nsteps = ["sql:10_tables", "load:things"]\n'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small `sql/` that is right."""
    written = {
        "checks/deals/odd.sql": CHECK,
        "models/things.sql": MODEL,
        "reconcile/rows.sql": "-- question: rows\n-- why: None may be gone.\n\nselect count(*) from public.deals\n",
        "plan.toml": PLAN,
        "duckdb/prelude.sql": "create schema public;\n",
        "state/10_state.sql": "create schema migration;\n",
    }
    written |= {
        f"phases/1_1_first/10_tables.{part}.sql": STEP.format(part=part) for part in ("apply", "revert", "verify")
    }
    for name, content in written.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    return tmp_path


def broken(root: Path, name: str, before: str, after: str) -> CatalogError:
    """What is said when a file has `after` in place of `before`."""
    path = root / name
    content = path.read_text(encoding="utf-8")
    assert before in content
    path.write_text(content.replace(before, after), encoding="utf-8")
    with pytest.raises(CatalogError) as caught:
        catalogs.load(root)
    return caught.value


def test_the_projects_own_files_hang_together(catalog: Catalog) -> None:
    assert len(catalog.phases) == 5
    assert {model.name for model in catalog.models_in_order()} == set(catalog.models)
    assert len(catalog.checks) >= 30
    assert {check.severity for check in catalog.checks} == {"blocker", "warning", "info"}


def test_a_file_becomes_its_header_and_its_statement(root: Path) -> None:
    catalog = catalogs.load(root)
    [check] = catalog.checks
    assert (check.name, check.severity, check.table) == ("deals.odd", "warning", "public.deals")
    assert check.why == "A first line and a second one."
    assert check.sql == "select id, 'odd' as detail from public.deals"
    model = catalog.models["things"]
    assert (model.driver, model.driver_key, model.key) == ("public.deals", "id", ("deal_id", "name"))
    assert [question.name for question in catalog.questions] == ["rows"]
    assert catalog.state == ("create schema migration;\n",)


def test_a_step_has_its_statement_its_way_back_and_its_proof(root: Path) -> None:
    catalog = catalogs.load(root)
    assert [step.name for step in catalog.phases[0].steps] == ["sql:10_tables", "load:things"]
    files = catalog.sql_files["1_1_first", "10_tables"]
    assert (files.apply, files.revert, files.verify) == ("select 'apply'", "select 'revert'", "select 'verify'")
    assert files.why == "The apply of it."


@pytest.mark.parametrize(
    ("name", "before", "after", "line", "told"),
    [
        ("checks/deals/odd.sql", "-- fix:", "-- fixes:", 6, "unknown key 'fixes'; known are check, fix, returns,"),
        ("checks/deals/odd.sql", "-- fix: Mend it.\n", "-- table: x\n", 6, "key 'table' stands twice"),
        ("checks/deals/odd.sql", "-- fix: Mend it.\n", "", 7, "missing key 'fix'"),
        ("checks/deals/odd.sql", "deals.odd", "deals.even", 1, "called 'deals.even', its path says 'deals.odd'"),
        ("checks/deals/odd.sql", "y: warning", "y: hint", 2, "severity 'hint' is not blocker, warning or info"),
        ("checks/deals/odd.sql", "\n\nselect id, 'odd' as detail from public.deals;\n", "", 7, "no statement below"),
        ("models/things.sql", "model: things", "model: others", 1, "called 'others', its file 'things'"),
        ("models/things.sql", "mode: insert", "mode: upsert", 3, "mode 'upsert' is not insert or update"),
        ("models/things.sql", "rows: same", "rows: some", 1, "rows 'some' is not same, fewer or more"),
        ("models/things.sql", "public.deals.id", "deals.id", 4, "driver 'deals.id' is not schema.table.column"),
        ("reconcile/rows.sql", "question: rows", "question: sums", 1, "called 'sums', its file 'rows'"),
        ("phases/1_1_first/10_tables.revert.sql", "10_tables", "20_keys", 1, "called '20_keys', its file '10_tables'"),
        ("plan.toml", '"load:things"', '"load:nothing"', 4, "step 'load:nothing': there is no model 'nothing'"),
        ("plan.toml", '"load:things"', '"load:things", "load:things"', 4, "step 'load:things' stands twice"),
        ("plan.toml", ', "load:things"', "", 1, "no phase of plan.toml loads this model"),
        ("plan.toml", '"sql:10_tables", ', "", 1, "no step of plan.toml uses this file"),
        ("plan.toml", 'why = "To begin with."\n', "", 1, "a phase has exactly name, why and steps"),
        ("plan.toml", "steps = [", "steps = ", 1, "not TOML"),
    ],
)
def test_a_file_that_breaks_its_contract_is_named_with_its_line(
    name: str, before: str, after: str, line: int, told: str, root: Path
) -> None:
    error = broken(root, name, before, after)
    assert told in error.problem
    assert error.line == line
    assert error.exit_code == 2


@pytest.mark.parametrize("part", ["apply", "revert", "verify"])
def test_a_step_that_lacks_one_of_its_three_files_does_not_load(part: str, root: Path) -> None:
    (root / "phases/1_1_first" / f"10_tables.{part}.sql").unlink()
    with pytest.raises(CatalogError, match=f"lacks its {part} file"):
        catalogs.load(root)


def test_the_fingerprint_is_that_of_names_and_contents(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    first = catalogs.load(root).fingerprint
    copy = tmp_path_factory.mktemp("copy") / "sql"
    shutil.copytree(root, copy)
    assert catalogs.fingerprint(copy) == first
    (copy / "mappings").mkdir()
    (copy / "mappings" / "stages.csv").write_text("won,closed_won\n")
    with_mapping = catalogs.fingerprint(copy)
    (copy / "mappings" / "stages.csv").rename(copy / "mappings" / "states.csv")
    assert len({first, with_mapping, catalogs.fingerprint(copy)}) == 3
