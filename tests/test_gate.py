"""GO only while everything holds, every reason in words, and a decision is about what is there (B4, B5)."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from crm_migrate import gate
from crm_migrate.assess import Assessment, CheckResult, Source
from crm_migrate.checklist import Checklist, Mark, Task
from crm_migrate.drift import TableDrift
from crm_migrate.errors import NoSuchRun, Refused, StaleInput
from crm_migrate.gate import Decision, Evidence, Fingerprint
from crm_migrate.preflight import Check, Preflight
from crm_migrate.rehearsal import Rehearsal
from crm_migrate.settings import Criteria
from crm_migrate.simulate import Estimate, ModelResult, Simulation

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LIMITS = Criteria()
FINGERPRINT = Fingerprint(snapshot="s1", sql="a", schema="b", inputs="c", settings="d")
READY = Preflight((Check("version", True, "PostgreSQL 18.4"), Check("disk", True, "enough")), 1_000, 2_000)
ASSESSED = Assessment(
    snapshot=Source(id="s1", taken_at=NOW.isoformat(), server_version="18.4", rows={}),
    records=1_000,
    warning_rows=9,
    warning_ratio=0.009,
    blocker_rows=0,
    score=99,
    checks=(),
    totals={},
    tables={},
)
SIMULATED = Simulation(
    snapshot_id="s1",
    models=(),
    new_entities={},
    estimate=Estimate(1.0, 1, 1),
    late_rejects=0,
    stages=(),
    rejects_by_reason={},
)


def decide(
    assessment: Assessment = ASSESSED,
    simulation: Simulation = SIMULATED,
    preflight: Preflight = READY,
    fingerprint: Fingerprint = FINGERPRINT,
    approved_by: str | None = "Ada",
    limits: Criteria = LIMITS,
    rehearsal: Rehearsal | None = None,
    checklist: Checklist | None = None,
) -> Decision:
    return gate.decide(
        Evidence(assessment, simulation, preflight, rehearsal, checklist),
        fingerprint=fingerprint,
        limits=limits,
        approved_by=approved_by,
        now=NOW,
    )


def check(
    decision: Decision,
    fingerprint: Fingerprint = FINGERPRINT,
    drift: tuple[TableDrift, ...] = (),
    now: datetime = NOW + timedelta(hours=1),
) -> None:
    gate.check(decision, fingerprint=fingerprint, drift=drift, limits=LIMITS, now=now)


def test_it_is_go_when_every_criterion_holds() -> None:
    decision = decide()
    assert (decision.verdict, decision.reasons) == ("GO", ())
    assert all(criterion.ok for criterion in decision.criteria)
    check(decision)


def test_the_same_arguments_give_the_same_decision() -> None:
    assert decide() == decide()


def test_one_row_with_a_blocker_is_no_go_and_the_check_is_named() -> None:
    checks = (
        CheckResult("contacts.company", "blocker", "contacts", 3, 9, "", ""),
        CheckResult("contacts.email", "warning", "contacts", 5, 9, "", ""),
        CheckResult("deals.company", "blocker", "deals", 0, 9, "", ""),
    )
    decision = decide(replace(ASSESSED, blocker_rows=3, checks=checks))
    assert decision.verdict == "NO_GO"
    assert decision.reasons == ("3 rows have a blocker: contacts.company 3",)


def test_warnings_below_one_percent_are_go_and_exactly_one_percent_is_not() -> None:
    assert decide(replace(ASSESSED, warning_rows=9, warning_ratio=0.00999)).verdict == "GO"
    decision = decide(replace(ASSESSED, warning_rows=10, warning_ratio=0.01))
    assert decision.reasons == ("10 of 1,000 records have a warning: 1.00%, and NO-GO begins at 1.00%",)


def test_a_row_that_a_late_key_would_refuse_is_no_go() -> None:
    decision = decide(simulation=replace(SIMULATED, late_rejects=1_234))
    assert [reason.split(" break")[0] for reason in decision.reasons] == ["1,234 predicted rows"]


@pytest.mark.parametrize(
    ("rejects", "ratio", "rows", "reasons"),
    [
        (15, 0.01, 1_000, ()),
        (16, 0.01, 1_000, ("16 of 1,501 rows are rejected, and reject_ratio allows 15",)),
        (16, 1.0, 15, ("16 of 1,501 rows are rejected, and reject_rows allows 15",)),
        (16, 0.5, 1_000, ()),
    ],
)
def test_a_load_that_is_foretold_to_stop_at_its_rejects_is_no_go(
    rejects: int, ratio: float, rows: int, reasons: tuple[str, ...]
) -> None:
    models = (
        ModelResult("contacts", "contacts", "update", 3_001, 3_001, 0),
        ModelResult("activities_from_deal_notes", "activities", "insert", 1_501, 1_501 - rejects, rejects),
    )
    decision = gate.decide(
        Evidence(ASSESSED, replace(SIMULATED, models=models), READY, reject_rows=rows, reject_ratio=ratio),
        fingerprint=FINGERPRINT,
        limits=LIMITS,
        approved_by="Ada",
        now=NOW,
    )
    said = tuple(f"load:activities_from_deal_notes would stop midway: {reason}" for reason in reasons)
    assert (decision.verdict, decision.reasons) == ("NO_GO" if reasons else "GO", said)


def test_free_disk_of_exactly_twice_the_database_is_enough_and_a_byte_less_is_not() -> None:
    assert decide(preflight=replace(READY, free_bytes=2_000)).verdict == "GO"
    decision = decide(preflight=replace(READY, free_bytes=1_999))
    assert len(decision.reasons) == 1
    assert "2 times the database" in decision.reasons[0]


def test_a_pre_flight_check_that_fails_is_no_go_with_its_detail() -> None:
    failed = replace(READY, checks=(Check("backup", False, "no pg_dump of version 18 or later", "Install it."),))
    assert decide(preflight=failed).reasons == ("pre-flight, backup: no pg_dump of version 18 or later",)


def test_a_pre_flight_warning_is_no_reason() -> None:
    warned = replace(READY, checks=(Check("long transactions", True, "session 7 for 12 min", "End it."),))
    assert decide(preflight=warned).verdict == "GO"


def test_every_reason_is_listed_not_only_the_first() -> None:
    decision = decide(
        replace(ASSESSED, blocker_rows=1, warning_rows=900, warning_ratio=0.9),
        replace(SIMULATED, late_rejects=1),
        Preflight((Check("lock", False, "held"),), 1_000, 0),
    )
    assert len(decision.reasons) == 5
    assert sum(not criterion.ok for criterion in decision.criteria) == 5


@pytest.mark.parametrize(
    ("assessed", "simulated", "fingerprint"),
    [("s0", "s1", "s1"), ("s1", "s0", "s1"), ("s1", "s1", "s0")],
)
def test_stages_of_different_snapshots_are_stale(assessed: str, simulated: str, fingerprint: str) -> None:
    with pytest.raises(StaleInput, match="s0"):
        decide(
            replace(ASSESSED, snapshot=replace(ASSESSED.snapshot, id=assessed)),
            replace(SIMULATED, snapshot_id=simulated),
            fingerprint=replace(FINGERPRINT, snapshot=fingerprint),
        )


@pytest.mark.parametrize("name", [None, "", "  "])
def test_a_decision_that_nobody_approved_is_a_draft(name: str | None) -> None:
    decision = decide(approved_by=name)
    assert (decision.verdict, decision.approved_by) == ("GO", None)
    with pytest.raises(Refused, match="draft"):
        check(decision)


def test_a_no_go_does_not_pass_even_if_approved() -> None:
    with pytest.raises(Refused, match="NO-GO: 1,234 predicted rows"):
        check(decide(simulation=replace(SIMULATED, late_rejects=1_234)))


def test_a_decision_holds_a_day_and_not_a_moment_longer() -> None:
    decision = decide()
    check(decision, now=NOW + timedelta(hours=24, microseconds=-1))
    with pytest.raises(Refused, match="expired at 2026-11-23 12:00 UTC"):
        check(decision, now=NOW + timedelta(hours=24))


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("snapshot", "another snapshot"),
        ("sql", "under sql/"),
        ("schema", "schema of the database"),
        ("inputs", "input files"),
        ("settings", "setting"),
    ],
)
def test_a_decision_about_something_else_is_refused_and_says_which(part: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        check(decide(), fingerprint=replace(FINGERPRINT, **{part: "other"}))


def test_small_tables_may_drift_by_the_rows_that_are_always_allowed() -> None:
    check(decide(), drift=(TableDrift("tags", 5, 15, added=10, removed=0, changed=0),))
    with pytest.raises(Refused, match="11 rows of tags were written"):
        check(decide(), drift=(TableDrift("tags", 5, 6, added=5, removed=4, changed=2),))


def test_large_tables_may_drift_by_their_share() -> None:
    check(decide(), drift=(TableDrift("contacts", 100_000, 100_000, added=0, removed=0, changed=1_000),))
    with pytest.raises(Refused, match="1,001 rows of contacts"):
        check(decide(), drift=(TableDrift("contacts", 100_000, 100_000, added=0, removed=0, changed=1_001),))


def test_a_refusal_lists_everything_that_stands_against_it() -> None:
    with pytest.raises(Refused) as refused:
        check(
            decide(approved_by=None),
            fingerprint=replace(FINGERPRINT, sql="x", settings="y"),
            drift=(TableDrift("tags", 5, 50, added=45, removed=0, changed=0),),
            now=NOW + timedelta(days=2),
        )
    assert str(refused.value).count(";") == 4
    assert refused.value.exit_code == 4
    assert refused.value.hint


def test_a_saved_decision_is_read_back_as_it_was(tmp_path: Path) -> None:
    decision = decide()
    gate.save(decision, tmp_path)
    assert gate.load(tmp_path) == decision


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("approved_by", "Mallory"),
        ("verdict", "NO_GO"),
        ("expires_at", "2036-11-22T12:00:00+00:00"),
        ("reasons", ["none"]),
        ("signature", "0"),
        ("criteria", []),
        ("fingerprint", {}),
        ("decided_at", "yesterday"),
        ("more", 1),
    ],
)
def test_a_decision_changed_by_hand_is_refused(tmp_path: Path, key: str, value: object) -> None:
    gate.save(decide(), tmp_path)
    document = json.loads((tmp_path / gate.FILE).read_text())
    (tmp_path / gate.FILE).write_text(json.dumps(document | {key: value}))
    with pytest.raises(Refused, match="by hand"):
        gate.load(tmp_path)


def test_a_run_without_a_decision_says_how_to_take_one(tmp_path: Path) -> None:
    with pytest.raises(NoSuchRun) as error:
        gate.load(tmp_path)
    assert "decide" in error.value.hint


def test_limits_are_those_of_the_settings_and_each_criterion_names_its_own() -> None:
    named = {criterion.setting.removeprefix("criteria.") for criterion in decide().criteria if criterion.setting}
    assert named == {"blocker_rows", "warning_ratio", "late_rejects", "lost_objects", "snapshot_hours", "disk_factor"}
    assert named < set(Criteria.model_fields)
    lenient = Criteria(blocker_rows=3, warning_ratio=0.5, late_rejects=1)
    assert (
        decide(
            replace(ASSESSED, blocker_rows=3, warning_ratio=0.4), replace(SIMULATED, late_rejects=1), limits=lenient
        ).verdict
        == "GO"
    )


def test_a_snapshot_of_a_day_is_young_enough_and_an_older_one_is_not() -> None:
    for hours, verdict in ((24, "GO"), (25, "NO_GO")):
        source = replace(ASSESSED.snapshot, taken_at=(NOW - timedelta(hours=hours)).isoformat())
        decision = decide(replace(ASSESSED, snapshot=source))
        assert decision.verdict == verdict
    assert decision.reasons == ("the snapshot is 25.0 hours old, and 24 are allowed",)


def test_the_server_s_disk_counts_where_it_can_be_seen() -> None:
    assert decide(preflight=replace(READY, server_free_bytes=2_000)).verdict == "GO"
    [reason] = decide(preflight=replace(READY, server_free_bytes=1_999)).reasons
    assert "on the server" in reason


def test_a_warning_of_the_pre_flight_is_shown_among_the_criteria() -> None:
    warned = replace(READY, checks=(Check("replication slots", True, "slot s holds back 3 GB", "Drop it."),))
    found = [(criterion.value, criterion.ok) for criterion in decide(preflight=warned).criteria]
    assert ("slot s holds back 3 GB", True) in found


REHEARSED = Rehearsal("s1", "a", "c", 0.1, 3.0, 1.0, True, None, 0, 0, (), (), ())


def test_a_rehearsal_that_went_well_is_shown_and_is_demanded_only_if_so_set() -> None:
    assert decide().verdict == "GO"
    assert decide(limits=Criteria(rehearsal=True)).reasons == (
        "there was no rehearsal with this snapshot, these SQL files and these inputs",
    )
    decision = decide(limits=Criteria(rehearsal=True), rehearsal=REHEARSED)
    assert decision.verdict == "GO"
    assert "rehearsal" in [criterion.name for criterion in decision.criteria]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"verified": False, "differing": 3}, "3 rows differ from the prediction"),
        ({"failed": "step x stopped"}, "step x stopped"),
        ({"differing_back": 2}, "2 rows were not as before after the way back"),
        ({"left_over": ("table a", "table b")}, "2 objects were not as before after the way back: table a, table b"),
    ],
)
def test_a_rehearsal_that_failed_is_no_go_even_where_none_is_demanded(changed: dict[str, object], said: str) -> None:
    [reason] = decide(rehearsal=replace(REHEARSED, **changed)).reasons  # type: ignore[arg-type]
    assert said in reason


def test_an_open_checklist_is_no_go_and_a_missing_one_only_if_demanded() -> None:
    done = Mark("Ada", NOW - timedelta(days=1))
    marks = {"implemented": done, "tested": done, "reviewed": Mark("Ben", done.at), "signed": Mark("Cy", done.at)}
    assert decide(checklist=Checklist((Task("views", marks),))).verdict == "GO"
    [reason] = decide(checklist=Checklist((Task("views", marks | {"reviewed": Mark("ada", done.at)}),))).reasons
    assert reason == "the checklist: 'views' is reviewed by ada, who implemented it"
    assert decide(limits=Criteria(checklist=True)).reasons == ("there is no checklist.toml in the folder of inputs",)


@pytest.mark.parametrize(
    ("part", "before", "now", "said"),
    [
        (
            "settings",
            {"reject_rows": "1000"},
            {"reject_rows": "7"},
            "a setting has changed: reject_rows from 1000 to 7",
        ),
        ("settings", {}, {"new_one": "7"}, "a setting has changed: new_one is new"),
        ("sql", {"models/a.sql": "1"}, {"models/a.sql": "2"}, "a file under sql/ has changed: models/a.sql"),
        ("inputs", {}, {"stages.csv": "2"}, "stages.csv is new"),
        ("schema", {"column deals.x": "1", "table y": "2"}, {"table y": "2"}, "column deals.x is gone"),
        ("sql", {}, {str(number): "1" for number in range(10)}, "and 2 more"),
    ],
)
def test_a_refusal_names_what_came_went_or_changed(
    part: str, before: dict[str, str], now: dict[str, str], said: str
) -> None:
    decision = decide(fingerprint=replace(FINGERPRINT, parts={part: before}))
    with pytest.raises(Refused, match=said):
        check(decision, fingerprint=replace(FINGERPRINT, **{part: "other"}, parts={part: now}))  # type: ignore[arg-type]
