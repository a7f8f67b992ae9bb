"""After a GO, whatever changed is refused before anything is done, and the refusal says what it was (B5)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from conftest import Database, Server, scratch_database
from crm_migrate import catalog as catalogs
from crm_migrate import gate, inputs, postgres, rehearsal, workflow
from crm_migrate.errors import DamagedFile, Refused, StaleInput
from crm_migrate.rehearsal import Rehearsal
from crm_migrate.settings import Criteria, Settings
from nights import approved, settings_for

_ORGANIZATIONS = """company_id,organization_type,is_principal,is_distributor,parent_company_id,segment,priority
1,customer,false,false,,Gold,A
"""
_PRODUCTS = """principal_id,name,description,sku,category,unit_price,unit_cost,is_active,min_order_quantity
1,Thing,,,,,,true,
"""


@dataclass(frozen=True, slots=True)
class Decided:
    """A sample with an approved GO, which is read from folders that a test may change."""

    database: Database
    settings: Settings
    run: str
    inputs: Path
    sql: Path


@pytest.fixture(scope="module")
def decided(server: Server, sample_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Decided]:
    folder = tmp_path_factory.mktemp("decided")
    inputs, root = folder / "inputs", folder / "sql"
    shutil.copytree(catalogs.load().root, root)
    inputs.mkdir()
    shutil.copy(root / "mappings" / "stages.csv", inputs / "stages.csv")
    (inputs / "organizations.csv").write_text(_ORGANIZATIONS, encoding="utf-8")
    load = catalogs.load
    with scratch_database(server, template=sample_template) as made, pytest.MonkeyPatch.context() as patched:
        patched.setattr(catalogs, "load", lambda: load(root))
        settings = settings_for(made, folder, inputs=inputs)
        yield Decided(made, settings, approved(settings), inputs, root)


def refusal(decided: Decided, settings: Settings | None = None) -> str:
    """What execute says; it is refused before it begins, so that the next test finds all as it was."""
    with pytest.raises(Refused) as refused:
        workflow.execute(confirm=decided.database.name, settings=settings or decided.settings)
    assert refused.value.exit_code == 4
    with postgres.connect(decided.database.url) as connection:
        assert connection.execute("select to_regclass('migration.runs')").fetchone() == (None,)
    return str(refused.value)


@contextmanager
def changed_by(file: Path, old: str, new: str) -> Iterator[None]:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    try:
        yield
    finally:
        file.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"reject_rows": 7}, "a setting has changed: reject_rows from 1000 to 7"),
        ({"link_deal_contacts": True}, "a setting has changed: link_deal_contacts from false to true"),
        ({"criteria": Criteria(drift_rows=9_999)}, "a setting has changed: criteria.drift_rows from 10 to 9999"),
    ],
)
def test_another_setting_is_named_with_both_values(decided: Decided, given: dict[str, object], said: str) -> None:
    assert said in refusal(decided, decided.settings.model_copy(update=given))


@pytest.mark.parametrize(
    ("place", "file", "old", "new", "said"),
    [
        (
            "inputs",
            "organizations.csv",
            "Gold",
            "Silver",
            "input files or the mappings have changed: organizations.csv",
        ),
        ("inputs", "stages.csv", "closed_won", "closed_lost", "input files or the mappings have changed: stages.csv"),
        ("sql", "mappings/probabilities.csv", "10", "11", "a file under sql/ has changed: mappings/probabilities.csv"),
        ("sql", "models/opportunities.sql", "-- why: ", "-- why: Now ", "has changed: models/opportunities.sql"),
    ],
)
def test_another_line_of_a_file_is_named_by_its_file(
    decided: Decided, place: str, file: str, old: str, new: str, said: str
) -> None:
    with changed_by((decided.inputs if place == "inputs" else decided.sql) / file, old, new):
        assert said in refusal(decided)


def test_a_new_input_file_is_named(decided: Decided) -> None:
    file = decided.inputs / "products.csv"
    file.write_text(_PRODUCTS, encoding="utf-8")
    try:
        assert "products.csv is new" in refusal(decided)
    finally:
        file.unlink()


def test_a_new_column_is_named(decided: Decided) -> None:
    with postgres.connect(decided.database.url, autocommit=True) as owner:
        owner.execute("alter table public.deals add column region text")
        try:
            assert "the schema of the database has changed: column deals.region is new" in refusal(decided)
        finally:
            owner.execute("alter table public.deals drop column region")


def test_a_rehearsal_that_failed_since_closes_the_gate(decided: Decided) -> None:
    folder = workflow.run_folder(decided.run, decided.settings)
    approved_one = gate.load(folder)
    assert workflow.decide(settings=decided.settings) == approved_one
    failed = Rehearsal(
        approved_one.fingerprint.snapshot, catalogs.load().fingerprint, fingerprint_of_inputs(decided), 1.0, 1.0, 1.0,
        verified=False, failed="step sql:10_types stopped", differing=0, differing_back=0, left_over=(), not_copied=(),
        steps=(),
    )  # fmt: skip
    rehearsal.save(failed, folder)
    try:
        assert "since the decision, the rehearsal: step sql:10_types stopped" in refusal(decided)
        assert workflow.decide(settings=decided.settings).verdict == "NO_GO"
    finally:
        (folder / rehearsal.FILE).unlink()
        gate.save(approved_one, folder)


def test_a_decision_does_not_hold_without_the_evidence_it_was_taken_on(decided: Decided) -> None:
    file = workflow.run_folder(decided.run, decided.settings) / "findings.parquet"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    try:
        with pytest.raises(DamagedFile, match="findings"):
            workflow.decide(settings=decided.settings)
        with pytest.raises(DamagedFile, match="findings"):
            workflow.execute(confirm=decided.database.name, settings=decided.settings)
    finally:
        file.write_bytes(whole)


def test_status_says_that_a_decision_was_edited_and_goes_on_while_run_refuses(decided: Decided) -> None:
    file = workflow.run_folder(decided.run, decided.settings) / gate.FILE
    with changed_by(file, '"criteria.drift_rows": "10"', '"criteria.drift_rows": "9999"'):
        found = workflow.status(settings=decided.settings)
        assert (found.decision, found.stage) == (None, "simulated")
        assert found.doubt is not None
        assert "changed by hand" in found.doubt
        with pytest.raises(Refused, match="changed by hand"):
            workflow.run(confirm=decided.database.name, settings=decided.settings)


def test_a_decision_edited_by_hand_is_noticed(decided: Decided) -> None:
    file = workflow.run_folder(decided.run, decided.settings) / gate.FILE
    with changed_by(file, '"criteria.drift_rows": "10"', '"criteria.drift_rows": "9999"'):
        assert "changed by hand" in refusal(decided)
        assert workflow.decide(settings=decided.settings).approved_by is None  # as the refusal advises


def test_no_decision_is_taken_on_stages_that_were_made_with_other_files(decided: Decided) -> None:
    for file, old, new, said in (
        (decided.inputs / "organizations.csv", "Gold", "Silver", "other input files or mappings"),
        (decided.sql / "mappings/probabilities.csv", "10", "11", "other files under sql/"),
    ):
        with changed_by(file, old, new), pytest.raises(StaleInput) as stale:
            workflow.decide(approved_by="Tess Ter", settings=decided.settings)
        assert str(stale.value) == f"the assessment was made with {said}; the dry run was made with {said}"


def test_signing_the_checklist_needs_no_new_dry_run_but_a_new_decision(decided: Decided) -> None:
    file = decided.inputs / "checklist.toml"
    file.write_text('[[task]]\nname = "views"\nimplemented = "Ada @ 2026-11-20"\n', encoding="utf-8")
    try:
        assert "checklist.toml is new" in refusal(decided)
        basis = workflow.decide(settings=decided.settings)
        assert basis.reasons == ("the checklist: 'views' is not tested nor reviewed nor signed",)
    finally:
        file.unlink()
        workflow.decide(approved_by="Tess Ter", settings=decided.settings)


def test_with_everything_as_it_was_the_gate_is_open(decided: Decided) -> None:
    run = workflow.execute(confirm=decided.database.name, settings=decided.settings)
    assert run is not None
    assert run.status == "completed"


def fingerprint_of_inputs(decided: Decided) -> str:
    """As the rehearsal notes it."""
    root = catalogs.load().root
    options = {"link_deal_contacts": decided.settings.link_deal_contacts}
    return inputs.load(root / "mappings", decided.inputs, options=options).fingerprint
