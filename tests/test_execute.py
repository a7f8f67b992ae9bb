"""The engine: how much is one transaction, what stays when a step fails, how a run goes on, and what it is told."""

from __future__ import annotations

import errno
import itertools
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Literal

import psycopg
import pytest
from psycopg import errors as pg

from conftest import Database
from crm_migrate import execute, history, inputs, plan, postgres, revert
from crm_migrate.catalog import Catalog, Step
from crm_migrate.errors import Refused, ServerUnreachable, StepFailed, Stopped
from crm_migrate.events import Event, silent
from crm_migrate.execute import CommitMode, OnFailure
from crm_migrate.history import RunRecord
from crm_migrate.plan import Plan
from crm_migrate.postgres import Connection
from crm_migrate.settings import Settings, StepLimits
from crm_migrate.steps import Context, Kind, Problem
from nights import State, state

MODES: tuple[CommitMode, ...] = ("batch", "phase", "all")
FAILING = (
    ("1_1_foundation", "sql:30_columns"),
    ("1_2_contact_organizations", "load:contact_organizations"),
    ("1_4_activities", "policies:tasks->activities"),
)


@dataclass(frozen=True, slots=True)
class Hurdle:
    """A step that is done, and then fails with an error of the server, as often as it is told to."""

    kind: Kind
    sqlstate: str
    left: list[str]
    tried: list[str] = field(default_factory=list)

    @property
    def step(self) -> Step:
        return self.kind.step

    @property
    def phase(self) -> str:
        return self.kind.phase

    @property
    def why(self) -> str:
        return self.kind.why

    @property
    def irreversible(self) -> str:
        return self.kind.irreversible

    def apply(self, context: Context) -> None:
        self.tried.append("apply")
        self.kind.apply(context)
        if self.left:
            self.left.pop()
            context.connection.execute(
                f"do $$ begin raise exception 'in the way' using errcode = '{self.sqlstate}'; end $$".encode()
            )

    def revert(self, context: Context) -> None:
        self.kind.revert(context)

    def verify(self, context: Context) -> tuple[Problem, ...]:
        return self.kind.verify(context)


@dataclass(frozen=True, slots=True)
class Bench:
    """A database that is ready for its phases."""

    database: Database
    connection: Connection
    catalog: Catalog
    record: RunRecord
    settings: Settings

    def run(
        self,
        planned: Plan,
        commit: CommitMode = "batch",
        *,
        on_failure: OnFailure = execute.keep,
        emit: Callable[[Event], None] = silent,
        **given: object,
    ) -> None:
        execute.phases(
            self.connection,
            planned,
            catalog=self.catalog,
            settings=self.settings.model_copy(update=given),
            record=self.record,
            commit=commit,
            emit=emit,
            save=lambda *, now=False: None,
            on_failure=on_failure,
        )

    def steps(self) -> dict[tuple[str, str], history.StepRecord]:
        return history.steps(self.connection, self.record.run_id)

    def context(self) -> Context:
        record = self.record
        return Context(
            self.connection, self.catalog, self.settings, record.run_id, "", record.backup_stamp, silent, lambda: None
        )


@pytest.fixture
def bench(sample: Database, catalog: Catalog) -> Iterator[Bench]:
    with postgres.connect(sample.url, autocommit=True) as connection:
        with connection.transaction():
            history.prepare(connection, catalog)
            given = inputs.load(catalog.root / "mappings", None, options={"link_deal_contacts": False})
            inputs.store(connection, given)
            record = history.begin(connection, "test")
        yield Bench(sample, connection, catalog, record, Settings(batch_size=120))


@pytest.fixture
def planned(catalog: Catalog) -> Plan:
    return plan.build(catalog)


def hindered(planned: Plan, where: tuple[str, str], sqlstate: str = "22012", times: int = 1) -> tuple[Plan, Hurdle]:
    """The plan with a hurdle at one step."""
    found = next(kind for kind in planned.steps() if (kind.phase, kind.step.name) == where)
    hurdle = Hurdle(found, sqlstate, ["again"] * times)
    return Plan(
        tuple(
            replace(phase, steps=tuple(hurdle if kind is found else kind for kind in phase.steps))
            for phase in planned.phases
        )
    ), hurdle


@pytest.mark.parametrize("commit", MODES)
@pytest.mark.parametrize("where", FAILING)
def test_a_failure_keeps_the_phases_before_it_and_another_mode_and_batch_goes_on(
    where: tuple[str, str], commit: CommitMode, bench: Bench, planned: Plan, undisturbed: State
) -> None:
    hurdled, _hurdle = hindered(planned, where)
    with pytest.raises(StepFailed, match="a value does not fit: DivisionByZero") as failure:
        bench.run(hurdled, commit)
    assert (failure.value.phase, failure.value.step) == where
    found = bench.steps()
    before = [phase for phase in planned.phases if phase.name < where[0]]
    assert all(found[kind.phase, kind.step.name].status == "completed" for phase in before for kind in phase.steps)
    assert found[where].status == "failed"
    same_phase = [record for record in found.values() if record.phase == where[0] and record.step != where[1]]
    assert bool(same_phase) == (commit == "batch")
    row = bench.connection.execute("select message from migration.events where kind = 'error'").fetchone()
    assert row == (str(failure.value),)
    other: dict[CommitMode, CommitMode] = {"batch": "all", "phase": "batch", "all": "phase"}
    bench.run(planned, other[commit], batch_size=70)
    assert {record.status for record in bench.steps().values()} == {"completed"}
    assert all(record.error is None for record in bench.steps().values())
    assert state(bench.database.url) == undisturbed


@pytest.mark.parametrize("commit", MODES)
@pytest.mark.parametrize("where", FAILING)
def test_after_a_failure_in_any_mode_the_way_back_leads_to_the_start(
    where: tuple[str, str], commit: CommitMode, bench: Bench, planned: Plan
) -> None:
    before = state(bench.database.url)
    hurdled, _hurdle = hindered(planned, where)
    with pytest.raises(StepFailed) as failure:
        bench.run(hurdled, commit, on_failure=lambda failed: "abort")
    assert failure.value.take_back
    if commit == "all":
        assert state(bench.database.url) == before
    revert.revert(bench.context(), planned, save=lambda *, now=False: None)
    assert state(bench.database.url) == before
    assert bench.connection.execute("select count(*) from migration.events where kind = 'error'").fetchone() == (1,)


@pytest.mark.parametrize(("commit", "open_"), [("batch", False), ("phase", False), ("all", True)])
def test_whoever_is_asked_may_take_the_time_with_the_transaction_open(
    commit: CommitMode, open_: bool, bench: Bench, planned: Plan
) -> None:
    seen: list[tuple[bool, str]] = []

    def ask(failure: StepFailed) -> Literal["keep", "abort"]:
        idle = bench.connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        row = bench.connection.execute("select current_setting('idle_in_transaction_session_timeout')").fetchone()
        assert row is not None
        seen.append((not idle, row[0]))
        return "keep"

    postgres.set_limits(bench.connection, bench.settings.limits())
    hurdled, _hurdle = hindered(planned, FAILING[1])
    with pytest.raises(StepFailed):
        bench.run(hurdled, commit, on_failure=ask)
    assert seen == [(open_, "0" if open_ else "5min")]


@pytest.mark.parametrize("commit", MODES)
@pytest.mark.parametrize("sqlstate", ["55P03", "40P01", "40001"])
def test_a_step_that_may_work_the_second_time_is_tried_again_within_its_savepoint(
    sqlstate: str, commit: CommitMode, bench: Bench, planned: Plan
) -> None:
    told: list[Event] = []
    first = Plan(planned.phases[:1])
    hurdled, hurdle = hindered(first, FAILING[0], sqlstate)
    bench.run(hurdled, commit, emit=told.append)
    assert hurdle.tried == ["apply", "apply"]
    assert [event.name for event in told if event.kind == "retry"] == ["sql:30_columns"]
    assert {record.status for record in bench.steps().values()} == {"completed"}


@pytest.mark.parametrize("commit", MODES)
def test_what_cannot_work_the_second_time_is_tried_once(commit: CommitMode, bench: Bench, planned: Plan) -> None:
    hurdled, hurdle = hindered(planned, FAILING[0], "53100")
    with pytest.raises(StepFailed, match="the server's disk is full") as failure:
        bench.run(hurdled, commit)
    assert hurdle.tried == ["apply"]
    assert "Make room on the server" in failure.value.hint


@pytest.mark.parametrize(
    ("sqlstate", "words"),
    [
        ("53200", "ran out of memory"),
        ("53300", "no connection left"),
        ("57014", "a statement was cancelled"),
        ("58030", "cannot read or write its files"),
        ("XX001", "files damaged"),
        ("42501", "may not do that"),
        ("P0001", "in the way"),
    ],
)
def test_each_cause_is_named_and_says_what_to_do(sqlstate: str, words: str, bench: Bench, planned: Plan) -> None:
    hurdled, _hurdle = hindered(planned, FAILING[0], sqlstate)
    with pytest.raises(StepFailed, match=rf"{words}.*SQLSTATE {sqlstate}") as failure:
        bench.run(hurdled)
    assert failure.value.hint
    assert failure.value.exit_code == 5


@pytest.mark.parametrize("commit", MODES)
def test_a_session_that_is_ended_leaves_a_state_to_go_on_from(
    commit: CommitMode, bench: Bench, planned: Plan, undisturbed: State
) -> None:
    def end_it(event: Event) -> None:
        if event.kind == "progress" and event.name == "load:opportunity_participants":
            with psycopg.connect(bench.database.admin_url) as admin:
                admin.execute("select pg_terminate_backend(%s, 5000)", [bench.connection.info.backend_pid])

    with pytest.raises(Stopped, match=r"somebody ended this session|session with the server is lost") as stopped:
        bench.run(planned, commit, emit=end_it)
    assert not isinstance(stopped.value, StepFailed)
    assert "it resumes" in stopped.value.hint
    with postgres.connect(bench.database.url, autocommit=True) as connection:
        again = replace(bench, connection=connection)
        assert bool(again.steps()) == (commit != "all")
        again.run(planned)
        assert state(bench.database.url) == undisturbed


@pytest.mark.parametrize(
    ("error", "said", "hint"),
    [
        (psycopg.InterfaceError("the connection is closed"), "the session with the server is lost", "it answers"),
        (pg.CrashShutdown("x"), "the server crashed, and recovers now (SQLSTATE 57P02)", "it answers"),
        (pg.AdminShutdown("x"), "somebody ended this session (SQLSTATE 57P01)", "Find out who"),
        (pg.TooManyConnections("x"), "no connection left (SQLSTATE 53300)", "max_connections"),
        (ServerUnreachable("no session with database 'x'", hint="Look."), "no session with database 'x'", "Look. Then"),
        (OSError(errno.ENOSPC, "No space left on device", "run.json"), "this machine is full (run.json)", "Make room"),
        (KeyboardInterrupt(), "what was committed is kept", "the same command"),
    ],
)
def test_what_stops_a_run_from_outside_is_told_with_exit_code_5(error: BaseException, said: str, hint: str) -> None:
    told = execute.stopped(error, "run x")
    assert isinstance(told, Stopped)
    assert str(told).startswith("run x ")
    assert said in str(told)
    assert hint in told.hint
    assert told.exit_code == 5


def test_what_is_no_ones_fault_but_ours_is_not_told_as_a_stop() -> None:
    mistake = ValueError("ours")
    assert execute.stopped(mistake, "run x") is mistake


def test_what_is_finished_still_holds_after_every_later_step(bench: Bench, planned: Plan) -> None:
    """Else a run that goes on would be stopped by its own work."""
    told: list[str] = []
    context = replace(bench.context(), emit=lambda event: told.append(event.name))
    for kind in planned.steps():
        kind.apply(context)
        execute.require_intact(context, planned)
    loads = {kind.step.name for kind in planned.steps() if kind.step.kind == "load"}
    assert loads == set(told) & loads


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("delete from {} where contact_id = 121", r"1 rows are missing, 0 are double or changed, first keys 121"),
        ("insert into {} select * from {} where contact_id = 121", r"0 rows are missing, 1 are double"),
        ("update {} set created_by = null where contact_id = 121", r"1 rows are missing, 1 are double or changed"),
    ],
)
def test_a_last_batch_that_was_meddled_with_stops_the_run_before_it_goes_on(
    statement: str, said: str, bench: Bench, planned: Plan
) -> None:
    table = "public.contact_organizations"
    hurdled, _hurdle = hindered(planned, FAILING[1])
    with pytest.raises(StepFailed):
        bench.run(hurdled)
    with bench.connection.transaction():
        bench.connection.execute("create temporary table kept as select * from public.contact_organizations")
    bench.connection.execute(
        statement.replace("{}", table).replace("121", "(select max(contact_id) from kept)").encode()
    )
    row = bench.connection.execute("select max(contact_id) from kept").fetchone()
    assert row is not None
    with pytest.raises(Stopped, match=said.replace("121", str(row[0]))) as stopped:
        bench.run(planned)
    assert stopped.value.exit_code == 5
    assert "rollback" in stopped.value.hint
    bench.connection.execute("truncate public.contact_organizations")
    bench.connection.execute("insert into public.contact_organizations select * from kept")
    bench.run(planned)
    assert {record.status for record in bench.steps().values()} == {"completed"}


def test_a_source_row_that_went_midway_stops_its_load_with_both_ways_on(bench: Bench, planned: Plan) -> None:
    batches = []

    def interrupt(event: Event) -> None:
        if (event.kind, event.name) == ("progress", "load:activities_from_tasks"):
            batches.append(event)
            if len(batches) == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench.run(planned, emit=interrupt)
    [gone] = bench.connection.execute(
        "delete from public.tasks where id = (select min(id) from public.tasks) returning to_jsonb(tasks)::text"
    ).fetchall()
    for _ in range(2):
        with pytest.raises(StepFailed, match="went through 330 of 329 source rows") as stopped:
            bench.run(planned)
        assert "public.tasks came or went midway" in stopped.value.hint
        assert "`crm-migrate abort --confirm DATABASE`" in stopped.value.hint
    bench.connection.execute(
        "insert into public.tasks select made.* from jsonb_populate_record(null::public.tasks, %s::jsonb) as made", gone
    )
    bench.run(planned)
    assert {record.status for record in bench.steps().values()} == {"completed"}


def test_a_last_step_that_was_meddled_with_stops_the_run_before_it_goes_on(bench: Bench, planned: Plan) -> None:
    hurdled, _hurdle = hindered(planned, ("1_2_contact_organizations", "sql:40_rules"))
    with pytest.raises(StepFailed):
        bench.run(hurdled)
    bench.connection.execute("alter table public.contact_organizations drop constraint contact_organizations_pkey")
    with pytest.raises(Stopped, match=r"last finished step, sql:30_keys of 1_2_contact_organizations, does not hold"):
        bench.run(planned)


def test_limits_are_those_of_the_step_in_each_mode_and_end_with_it(bench: Bench, planned: Plan) -> None:
    seen: dict[str, str] = {}
    names = ["backup:contacts", "backup:deals", "load:companies", "load:contacts"]

    @dataclass(frozen=True, slots=True)
    class Looking(Hurdle):
        def apply(self, context: Context) -> None:
            with context.transaction(self.step):  # as a load does; for others it is a savepoint with the same limits
                row = context.connection.execute("select current_setting('work_mem')").fetchone()
                assert row is not None
                seen[self.step.name] = row[0]
            self.kind.apply(context)

    first = replace(planned.phases[0], steps=tuple(Looking(kind, "", []) for kind in planned.phases[0].steps))
    limits = {"backup:contacts": StepLimits(work_mem="3MB"), "load:companies": StepLimits(work_mem="5MB")}
    bench.run(Plan((first,)), "phase", steps=limits, work_mem="7MB")
    assert [seen[name] for name in names] == ["3MB", "7MB", "5MB", "7MB"]
    assert bench.connection.execute("select current_setting('work_mem')").fetchone() != ("7MB",)


@pytest.mark.parametrize(("commit", "sizes"), [("batch", [200, 100, 30]), ("phase", [200, 130])])
def test_a_batch_that_holds_its_locks_for_long_makes_the_next_smaller_where_it_commits(
    commit: CommitMode, sizes: list[int], bench: Bench, planned: Plan
) -> None:
    told: list[Event] = []
    seconds = itertools.count(step=11)
    settings = bench.settings.model_copy(update={"batch_size": 200})
    context = replace(bench.context(), settings=settings, clock=lambda: float(next(seconds)), emit=told.append)
    for kind in planned.steps():
        name = kind.step.name
        with bench.connection.transaction() if commit == "phase" else nullcontext():
            kind.apply(context if name == "load:activities_from_tasks" else bench.context())
        if name == "load:activities_from_tasks":
            break
    found = bench.connection.execute("select rows from migration.batches where step = %s order by id", [name])
    assert [row[0] for row in found] == sizes
    notes = [event.message for event in told if event.kind == "note"]
    assert [note.split(" from")[0] for note in notes] == (["batches of 100 rows"] if commit == "batch" else [])
    progress = [event for event in told if event.kind == "progress"]
    assert [event.rows_done for event in progress] == list(itertools.accumulate(sizes))
    assert all(event.rate and event.eta_seconds is not None for event in progress)


def test_a_step_begins_visibly_and_says_failed_no_more_when_it_is_tried_again(bench: Bench, planned: Plan) -> None:
    where = ("1_2_contact_organizations", "load:contact_organizations")
    hurdled, _hurdle = hindered(planned, where)
    with pytest.raises(StepFailed):
        bench.run(hurdled)
    assert bench.steps()[where].status == "failed"
    seen: list[tuple[str, str | None]] = []

    def look(event: Event) -> None:
        if event.kind == "progress" and event.name == "load:contact_preferred_principals":
            with postgres.connect(bench.database.url) as other:
                found = history.steps(other, bench.record.run_id)
            seen.extend((found[key].status, found[key].error) for key in (where, (where[0], event.name)))

    bench.run(planned, emit=look)
    assert seen[:2] == [("completed", None), ("running", None)]


@pytest.mark.parametrize("commit", MODES)
def test_a_driving_table_that_somebody_locks_is_waited_for(commit: CommitMode, bench: Bench, planned: Plan) -> None:
    postgres.set_limits(bench.connection, {"lock_timeout": "20ms"})
    with postgres.connect(bench.database.url) as other:

        def let_go(event: Event) -> None:
            if event.kind == "retry":
                other.rollback()

        bench.run(Plan(planned.phases[:3]), commit)
        other.execute('lock table public.tasks, public."dealNotes"')
        bench.run(planned, commit, emit=let_go, lock_timeout_ms=20)
    assert {record.status for record in bench.steps().values()} == {"completed"}


def test_a_run_that_nobody_drives_is_not_running(bench: Bench, planned: Plan) -> None:
    run_id = bench.record.run_id
    assert execute.state(bench.connection, planned, run_id).status == "stopped"
    with postgres.migration_lock(bench.connection):
        assert execute.state(bench.connection, planned, run_id).status == "running"
        with pytest.raises(Refused, match=r"run test is midway \(stopped\)"):
            history.enter_stage(bench.connection, run_id, "phases")
            execute.require_no_other(bench.connection, "another")
