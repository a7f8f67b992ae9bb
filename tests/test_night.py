"""The night on a real database: it migrates, it refuses, it stops and goes on, and it can be taken back."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from pydantic import SecretStr

from conftest import Database
from crm_migrate import embedded, events, execute, gate, history, maintenance, postgres, workflow
from crm_migrate.catalog import Catalog
from crm_migrate.demo import database as databases
from crm_migrate.errors import AnswerIsNo, NoSuchRun, Refused, StaleInput, StepFailed, Stopped
from crm_migrate.execute import CommitMode, Run
from crm_migrate.settings import Criteria, Settings
from nights import State, approved, settings_for, state, stop_at


def executed(settings: Settings, database: Database, *, commit: CommitMode = "batch", batch_size: int = 50) -> Run:
    run = workflow.execute(confirm=database.name, commit=commit, batch_size=batch_size, settings=settings)
    assert run is not None
    return run


def test_a_clean_crm_is_migrated_verified_and_open_again(sample: Database, decided: Settings) -> None:
    before = state(sample.url)
    run = executed(decided, sample)
    assert run.status == "completed"
    assert [phase.status for phase in run.phases] == ["completed"] * 5
    found = workflow.verify(settings=decided)
    assert found.ok, [check for check in found.checks if not check.ok]
    assert found.compared["activities"].rows == 780  # 330 tasks, 300 contact notes, 150 deal notes
    assert not sum(compared.differing for compared in found.compared.values())
    with postgres.connect(sample.url) as connection:
        assert not maintenance.is_closed(connection)
    after = state(sample.url)
    legacy = {right for right in before.rights if not right[0].startswith(("deals", "dealNotes"))}
    assert legacy <= after.rights
    assert {right for right in before.rights if right[0] == "deals"} <= after.rights


def test_the_way_back_restores_schema_rights_and_rows_and_the_way_there_is_open_again(
    sample: Database, decided: Settings
) -> None:
    before = state(sample.url)
    executed(decided, sample)
    up = state(sample.url)
    assert workflow.revert(confirm=sample.name, settings=decided).status == "rolled_back"
    assert state(sample.url) == before
    approved(decided)
    executed(decided, sample)
    assert state(sample.url) == up


def test_a_night_is_the_same_whatever_a_database_says_of_times_and_texts_and_time_outs(
    sample: Database, tmp_path: Path, undisturbed: State
) -> None:
    with postgres.connect(sample.admin_url, autocommit=True) as admin:
        for name, value in (
            *(("timezone", "Asia/Kathmandu"), ("datestyle", "German"), ("client_encoding", "LATIN1")),
            *(("intervalstyle", "sql_standard"), ("extra_float_digits", "-3"), ("bytea_output", "escape")),
            *(("search_path", "auth"), ("quote_all_identifiers", "on"), ("idle_session_timeout", "300ms")),
            ("row_security", "off"),
            *([("transaction_timeout", "300ms")] if admin.info.server_version >= 170_000 else []),
        ):
            admin.execute(f'alter database "{sample.name}" set {name} to "{value}"'.encode())
    before = state(sample.url)
    settings = settings_for(sample, tmp_path)
    approved(settings)
    assert executed(settings, sample).status == "completed"
    assert state(sample.url) == undisturbed
    with postgres.connect(sample.admin_url, autocommit=True) as admin:
        admin.execute(f'alter database "{sample.name}" set timezone to "America/New_York"'.encode())
    assert workflow.verify(settings=settings).ok
    workflow.revert(confirm=sample.name, settings=settings)
    assert state(sample.url) == before


def test_a_session_that_is_lost_before_the_first_change_leaves_word_of_the_window(
    sample: Database, decided: Settings
) -> None:
    def strike(event: events.Event, /) -> None:
        if (event.kind, event.name) == ("stage", "snapshot"):
            with postgres.connect(sample.admin_url) as admin:
                admin.execute(
                    "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = current_database() "
                    "and application_name like 'crm-migrate%' and pid <> pg_backend_pid()"
                )

    with pytest.raises(Stopped, match="the window may still be closed") as stopped:
        workflow.execute(confirm=sample.name, settings=decided, emit=strike)
    assert "`crm-migrate window open`" in stopped.value.hint
    assert workflow.window(settings=decided).closed
    assert executed(decided, sample).status == "completed"


@pytest.mark.parametrize(
    "lost", ["{reports}/{run}", "{bench}/snapshots/{run}-final", "{reports}/{run}/final/rejects.parquet"]
)
def test_what_is_lost_under_a_night_stops_it_midway_and_brought_back_it_goes_on(
    lost: str, sample: Database, decided: Settings, undisturbed: State, tmp_path: Path
) -> None:
    folder = workflow.run_folder("latest", decided)
    place = Path(lost.format(reports=decided.reports, bench=decided.workspace, run=folder.name))
    kept = tmp_path / "kept"

    def lose(event: events.Event, /) -> None:
        if (event.kind, event.name) == ("step", "sql:30_keys") and place.exists():
            place.rename(kept)

    with pytest.raises(Stopped) as stopped:
        workflow.execute(confirm=sample.name, settings=decided, emit=lose)
    assert type(stopped.value) is Stopped
    assert str(place) in str(stopped.value)
    assert "same command again" in stopped.value.hint
    assert workflow.window(settings=decided).closed
    if place.is_dir():
        shutil.rmtree(place)  # what the night wrote there since
    kept.rename(place)
    assert executed(decided, sample).status == "completed"
    assert state(sample.url) == undisturbed


@pytest.mark.parametrize("damage", ["lost", "cut short", "written over"])
def test_behind_its_first_change_a_night_needs_neither_its_decision_nor_the_decided_snapshot(
    damage: str, sample: Database, decided: Settings, undisturbed: State
) -> None:
    stop_at("step", "load:contacts", decided, sample)
    for name in ("decision.json", "snapshot.json"):
        file = workflow.run_folder("latest", decided) / name
        text = file.read_text()
        file.unlink()
        if damage != "lost":
            file.write_text(text.replace("Tess Ter", "Nobody") if damage == "written over" else text[:20])
    assert executed(decided, sample).status == "completed"
    assert state(sample.url) == undisturbed
    assert executed(decided, sample).status == "completed"  # where nothing is left to do


@pytest.mark.parametrize("commit", ["phase", "all"])
def test_every_commit_mode_gives_the_same_database(
    commit: CommitMode, sample: Database, decided: Settings, undisturbed: State
) -> None:
    assert executed(decided, sample, commit=commit).status == "completed"
    assert state(sample.url) == undisturbed


@pytest.mark.parametrize("step", ["load:contacts", "load:activities_from_tasks", "sql:30_keys"])
def test_killed_midway_and_run_again_the_database_is_the_same(
    step: str, sample: Database, decided: Settings, undisturbed: State
) -> None:
    kill_at(step, decided, sample)
    with postgres.connect(sample.url) as connection:
        record = history.runs(connection)[-1]
        assert record.status == "running"
        assert maintenance.is_closed(connection)
        begun = history.steps(connection, record.run_id)
    assert any(name == step for _phase, name in begun)
    assert executed(decided, sample).status == "completed"
    assert state(sample.url) == undisturbed


def kill_at(step: str, settings: Settings, database: Database) -> None:
    """Run the command line on its own, and kill it as soon as it speaks of `step`."""
    environment = os.environ | {
        "CRM_MIGRATE_DATABASE_URL": database.url,
        "CRM_MIGRATE_WORKSPACE": str(settings.workspace),
        "CRM_MIGRATE_REPORTS": str(settings.reports),
        "CRM_MIGRATE_GRACE_SECONDS": "0",
    }
    command = [sys.executable, "-m", "crm_migrate", "execute", "--confirm", database.name, "--batch-size", "20"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if f" {step}: " in line:
                process.send_signal(signal.SIGKILL)
                break
        else:
            pytest.fail(f"the run never came to {step}")


def test_without_a_decision_nothing_is_changed(sample: Database, tmp_path: Path) -> None:
    settings = settings_for(sample, tmp_path)
    workflow.snapshot(settings=settings)
    with pytest.raises(NoSuchRun, match="nothing was decided"):
        executed(settings, sample)


def test_a_draft_is_refused_and_the_database_is_as_it_was(sample: Database, tmp_path: Path) -> None:
    settings = settings_for(sample, tmp_path)
    before = state(sample.url)
    workflow.assess(settings=settings)
    workflow.dry_run(settings=settings)
    assert workflow.decide(settings=settings).approved_by is None
    with pytest.raises(Refused, match="draft"):
        executed(settings, sample)
    assert state(sample.url) == before


def test_another_name_than_the_databases_is_refused(sample: Database, decided: Settings) -> None:
    with pytest.raises(Refused, match="confirmation missing"):
        workflow.execute(confirm="production", settings=decided)


def test_an_expired_decision_is_refused(sample: Database, tmp_path: Path) -> None:
    settings = settings_for(sample, tmp_path, criteria=Criteria(decision_hours=1))
    folder = workflow.run_folder(approved(settings), settings)
    decision = gate.decide(
        gate.Evidence(
            workflow.assess(settings=settings), workflow.dry_run(settings=settings), workflow.doctor(settings=settings)
        ),
        fingerprint=gate.load(folder).fingerprint,
        limits=settings.criteria,
        approved_by="Tess Ter",
        now=datetime.now(UTC) - timedelta(hours=2),
    )
    gate.save(decision, folder)
    with pytest.raises(Refused, match="expired"):
        executed(settings, sample)


def test_a_changed_setting_makes_the_decision_stale(sample: Database, tmp_path: Path) -> None:
    approved(settings_for(sample, tmp_path))
    with pytest.raises(Refused, match="a setting has changed"):
        executed(settings_for(sample, tmp_path, reject_rows=7), sample)


def test_a_changed_schema_makes_the_decision_stale(sample: Database, decided: Settings) -> None:
    with postgres.connect(sample.url) as connection:
        connection.execute("alter table public.contacts add column shoe_size integer")
    with pytest.raises(Refused, match="schema of the database has changed"):
        executed(decided, sample)


def test_drift_beyond_the_limit_is_refused_with_the_window_open_again(sample: Database, decided: Settings) -> None:
    with postgres.connect(sample.url) as connection:
        connection.execute("update public.contacts set title = 'changed' where id <= 11")
    before = state(sample.url)
    with pytest.raises(Refused, match="11 rows of contacts were written"):
        executed(decided, sample)
    assert state(sample.url) == before


def test_drift_within_the_limit_is_migrated_as_it_is_now(sample: Database, decided: Settings) -> None:
    with postgres.connect(sample.url) as connection:
        connection.execute("update public.deals set stage = 'lost' where id = (select min(id) from public.deals)")
    executed(decided, sample)
    assert workflow.verify(settings=decided).ok
    with postgres.connect(sample.url) as connection:
        row = connection.execute("select stage::text from public.opportunities order by id limit 1").fetchone()
    assert row == ("closed_lost",)


def test_a_failed_step_leaves_the_phases_before_it_and_the_next_call_goes_on(
    sample: Database, decided: Settings, undisturbed: State
) -> None:
    with postgres.connect(sample.admin_url, autocommit=True) as admin:
        admin.execute("create schema obstacle")  # not in schema public, so that the decision still fits
        admin.execute(
            """
            create function obstacle.stand() returns event_trigger language plpgsql as
            $$ begin
                if exists (select from pg_event_trigger_ddl_commands() where object_identity = 'public.products') then
                    raise exception 'in the way';
                end if;
            end $$
            """
        )
        admin.execute("create event trigger obstacle on ddl_command_end execute function obstacle.stand()")
    with pytest.raises(StepFailed, match="in the way") as failure:
        executed(decided, sample)
    assert failure.value.exit_code == 5
    saved = execute.load(workflow.run_folder("latest", decided))
    assert saved.status == "stopped"
    assert [phase.status for phase in saved.phases] == ["completed"] * 4 + ["failed"]
    with postgres.connect(sample.admin_url, autocommit=True) as admin:
        admin.execute("drop event trigger obstacle")
        admin.execute("drop schema obstacle cascade")
    assert executed(decided, sample).status == "completed"
    assert state(sample.url) == undisturbed


def test_a_pause_is_honoured_between_two_batches(sample: Database, decided: Settings, undisturbed: State) -> None:

    def pause(event: events.Event, /) -> None:
        if event.kind == "progress" and event.name == "load:contacts":
            workflow.pause(settings=decided)

    with pytest.raises(Stopped, match="paused"):
        workflow.execute(confirm=sample.name, batch_size=50, settings=decided, emit=pause)
    assert execute.load(workflow.run_folder("latest", decided)).status == "paused"
    assert executed(decided, sample).status == "completed"
    assert state(sample.url) == undisturbed


def test_a_second_run_is_refused_while_the_first_holds_the_lock(sample: Database, decided: Settings) -> None:
    with (
        postgres.connect(sample.url, purpose="execute") as first,
        postgres.migration_lock(first),
        pytest.raises(Refused, match=f"session {first.info.backend_pid} "),
    ):
        executed(decided, sample)


def test_a_migrated_database_is_not_migrated_again_by_another_run(sample: Database, decided: Settings) -> None:
    executed(decided, sample)
    done = state(sample.url)
    assert executed(decided, sample).status == "completed"  # the same run: nothing left to do
    with pytest.raises(Refused, match="is migrated already"):
        workflow.snapshot("new", settings=decided)
    assert state(sample.url) == done


def test_a_run_that_has_changed_the_database_is_not_decided_on_again(sample: Database, decided: Settings) -> None:
    folder = workflow.run_folder("latest", decided)
    before = gate.load(folder)
    stop_at("stage", "phases", decided, sample)
    with pytest.raises(Refused, match="has changed the database already") as refused:
        workflow.decide(approved_by="Somebody Else", settings=decided)
    assert "`crm-migrate execute`" in refused.value.hint
    executed(decided, sample)
    with pytest.raises(Refused, match=r"already \(completed\)") as refused:
        workflow.decide(approved_by="Somebody Else", settings=decided)
    assert "`crm-migrate snapshot`" in refused.value.hint
    assert gate.load(folder) == before


def test_a_run_that_was_taken_back_is_not_executed_again(sample: Database, decided: Settings) -> None:
    executed(decided, sample)
    workflow.revert(confirm=sample.name, settings=decided)
    with pytest.raises(Refused, match="was taken back"):
        executed(decided, sample)


def test_killed_before_the_first_change_and_refused_afterwards_the_window_is_open_again(
    sample: Database, decided: Settings, catalog: Catalog, tmp_path: Path
) -> None:
    before = state(sample.url)
    run_id = workflow.run_folder("latest", decided).name
    with postgres.connect(sample.url, autocommit=True) as connection:
        with connection.transaction():
            history.prepare(connection, catalog)
            history.begin(connection, run_id)
        maintenance.close(connection, grace_seconds=0, emit=events.silent)
        history.enter_stage(connection, run_id, "backup")
    assert state(sample.url).rights != before.rights
    with pytest.raises(Refused, match="a setting has changed"):
        executed(settings_for(sample, tmp_path, retries=1), sample)
    assert state(sample.url) == before


def test_a_customers_own_triggers_and_comments_stay_and_do_not_meddle(sample: Database, tmp_path: Path) -> None:
    with postgres.connect(sample.url) as connection:
        connection.execute("comment on column public.deals.stage is 'ours'")
        connection.execute(
            """
            create function public.touch() returns trigger language plpgsql as
            $$ begin new.updated_at := now(); return new; end $$;
            create trigger touch before update on public.deals for each row execute function public.touch();
            create function public.guard() returns trigger language plpgsql as
            $$ begin if new.stage = 'locked' then raise exception 'locked'; end if; return new; end $$;
            create trigger guard before update on public.deals for each row execute function public.guard();
            create trigger asleep before update on public.deals for each row execute function public.guard();
            alter table public.deals disable trigger asleep;
            alter table public.deals enable always trigger touch;
            """
        )
    settings = settings_for(sample, tmp_path)
    before = state(sample.url)
    approved(settings)
    assert executed(settings, sample).status == "completed"
    with postgres.connect(sample.url) as connection:
        enabled = connection.execute(
            "select tgname, tgenabled::text from pg_trigger where tgrelid = 'public.opportunities'::regclass "
            "and not tgisinternal and tgname !~ '^(zz_)?(opportunities|note)_' order by 1"
        ).fetchall()
    assert enabled == [("asleep", "D"), ("guard", "O"), ("touch", "A")]
    workflow.revert(confirm=sample.name, settings=settings)
    assert state(sample.url) == before
    with postgres.connect(sample.url) as connection:
        number = "(select attnum from pg_attribute where attrelid = 'public.deals'::regclass and attname = 'stage')"
        comment = connection.execute(f"select col_description('public.deals'::regclass, {number})").fetchone()
    assert comment == ("ours",)


def test_a_half_taken_back_run_says_so_and_is_not_executed(migrated: tuple[Settings, Database]) -> None:
    settings, database = migrated
    run_id = workflow.run_folder("latest", settings).name
    with postgres.connect(database.url, autocommit=True) as connection:
        connection.execute("update migration.runs set stage = 'revert', status = 'running' where run_id = %s", [run_id])
    with pytest.raises(Refused, match="half taken back"):
        executed(settings, database)


def test_a_restore_that_would_empty_a_strangers_publication_is_refused(sample: Database, tmp_path: Path) -> None:
    settings = settings_for(sample, tmp_path)
    with postgres.connect(sample.admin_url) as admin:
        admin.execute("create publication feed for table public.contacts")
    approved(settings)
    executed(settings, sample)
    before = state(sample.url)
    with pytest.raises(Refused, match="publication feed"):
        workflow.revert(confirm=sample.name, restore=True, settings=settings)
    assert state(sample.url).rows == before.rows
    assert workflow.revert(confirm=sample.name, settings=settings).status == "rolled_back"


def test_nobody_can_pause_a_run_that_is_dead(sample: Database, catalog: Catalog, tmp_path: Path) -> None:
    with postgres.connect(sample.url) as connection:
        history.prepare(connection, catalog)
        history.begin(connection, "dead")
    with pytest.raises(NoSuchRun, match="no run is under way"):
        workflow.pause(settings=settings_for(sample, tmp_path))


def test_an_approved_run_is_refused_where_another_has_migrated_the_database(sample: Database, tmp_path: Path) -> None:
    settings = settings_for(sample, tmp_path)
    first = approved(settings)
    approved(settings)
    executed(settings, sample)
    done = state(sample.url)
    with pytest.raises(Refused, match="has migrated this database"):
        workflow.execute(first, confirm=sample.name, settings=settings)
    assert state(sample.url) == done


@pytest.mark.parametrize(("hours", "open_"), [(47, True), (49, False)])
def test_the_way_back_is_open_for_48_hours(hours: int, open_: bool, migrated: tuple[Settings, Database]) -> None:
    settings, database = migrated
    with postgres.connect(database.url) as connection:
        connection.execute("update migration.runs set finished_at = now() - make_interval(hours => %s)", [hours])
    if open_:
        assert workflow.revert(confirm=database.name, settings=settings).status == "rolled_back"
    else:
        with pytest.raises(Refused, match=r"49\.0 hours ago"):
            workflow.revert(confirm=database.name, settings=settings)


def test_restored_from_the_dump_the_database_is_as_it_was_and_the_way_there_is_open_again(
    sample: Database, decided: Settings, undisturbed: State
) -> None:
    before = state(sample.url)
    executed(decided, sample)
    with postgres.connect(sample.url) as connection:
        connection.execute("update public.contacts set title = 'Chief' where id = 1")
    assert workflow.revert(confirm=sample.name, restore=True, settings=decided).status == "rolled_back"
    assert state(sample.url) == before
    with postgres.connect(sample.url) as connection:
        assert not maintenance.is_closed(connection)
    approved(decided)
    executed(decided, sample)
    assert state(sample.url) == undisturbed


def test_what_users_write_after_the_migration_survives_the_way_back(sample: Database, decided: Settings) -> None:
    executed(decided, sample)
    with postgres.connect(sample.url) as connection:
        connection.execute("insert into public.deals (id, name, stage, amount) values (900001, 'new', 'won', 7)")
        connection.execute("update public.contacts set title = 'Chief' where id = 1")
    workflow.revert(confirm=sample.name, settings=decided)
    with postgres.connect(sample.url) as connection:
        assert connection.execute("select name, stage from public.deals where id = 900001").fetchone() == ("new", "won")
        assert connection.execute("select title from public.contacts where id = 1").fetchone() == ("Chief",)


@pytest.mark.parametrize(
    "corruption",
    [
        "update public.opportunities set probability = 1 where id = (select min(id) from public.opportunities)",
        "delete from public.activities where id = (select min(id) from public.activities)",
        "insert into public.activities (activity_type, type, subject, contact_id) "
        "values ('engagement', 'call', 'x', 1)",
        "update public.contacts set last_name = 'Nobody' where id = 1",
        "update public.opportunities set amount = amount + 1 where id = (select min(id) from public.opportunities)",
        'drop policy "Contact Delete Policy" on public.contact_organizations',
        "drop index public.activities_contact_id_idx",
        "alter view public.deals reset (security_invoker)",
        "revoke select on public.activities from authenticated",
        "alter table public.products disable row level security",
    ],
)
def test_verification_sees_what_was_corrupted(corruption: str, migrated: tuple[Settings, Database]) -> None:
    settings, database = migrated
    with postgres.connect(database.url) as connection:
        connection.execute(corruption.encode())
    assert not workflow.verify(settings=settings).ok


def test_a_row_that_a_rule_refuses_is_kept_aside_as_predicted(sample: Database, tmp_path: Path) -> None:
    with postgres.connect(sample.url) as connection:
        connection.execute("insert into public.deals (id, name, stage) values (700, 'nobody buys', 'won')")
        connection.execute("""insert into public."dealNotes" (id, deal_id, text) values (800, 700, 'private words')""")
    settings = settings_for(sample, tmp_path, reject_ratio=0.5)
    approved(settings)
    run = executed(settings, sample)
    assert run.status == "completed"
    assert {phase.phase: phase.rejects for phase in run.phases}["1_4_activities"] == 1
    with postgres.connect(sample.url) as connection:
        rows = connection.execute(
            'select step, "table", key, sqlstate, message, "row" from migration.rejects'
        ).fetchall()
    assert [row[:5] for row in rows] == [
        ("load:activities_from_deal_notes", "activities", "800", "23514", "violates activities_about_check")
    ]
    assert rows[0][5]["description"] == "private words"
    assert "private words" not in settings.log_file.read_text()


def test_rejects_that_have_come_up_since_the_decision_and_would_stop_a_load_are_refused_before_the_first_change(
    sample: Database, tmp_path: Path
) -> None:
    with postgres.connect(sample.url) as connection:
        connection.execute("insert into public.deals (id, name, stage) values (700, 'nobody buys', 'won')")
    settings = settings_for(sample, tmp_path, reject_rows=4, reject_ratio=1)
    approved(settings)
    with postgres.connect(sample.url) as connection:
        connection.execute(
            """insert into public."dealNotes" (deal_id, text) select 700, 'x' from generate_series(1, 5)"""
        )
    before = state(sample.url)
    with pytest.raises(Refused, match=r"5 of .* rows are rejected, and reject_rows allows 4"):
        executed(settings, sample)
    assert state(sample.url) == before


def test_too_many_rejects_stop_the_step_and_after_mending_the_same_call_brings_them_in(
    sample: Database, tmp_path: Path
) -> None:
    function = "create or replace function own.fine(bigint) returns boolean language sql immutable as 'select {}'"
    with postgres.connect(sample.admin_url) as admin:
        admin.execute("create schema own; grant usage on schema own to public")
        admin.execute(function.format("true").encode())
        admin.execute("alter table public.contacts add constraint fine check (own.fine(id))")
    settings = settings_for(sample, tmp_path, reject_rows=4, reject_ratio=1)
    approved(settings)
    with postgres.connect(sample.admin_url) as admin:
        admin.execute(function.format("$1 > 5").encode())
    for _ in range(2):
        with pytest.raises(StepFailed, match=r"5 rows were rejected.*fine"):
            executed(settings, sample)
    with postgres.connect(sample.admin_url) as admin:
        admin.execute(function.format("true").encode())
    assert executed(settings, sample).status == "completed"


@pytest.mark.parametrize(("kind", "name"), [("step", "load:activities_from_tasks"), ("stage", "verify")])
def test_a_run_does_not_go_on_with_other_input_files_than_those_it_began_with(
    kind: str, name: str, sample: Database, decided: Settings, undisturbed: State, tmp_path: Path
) -> None:
    stop_at(kind, name, decided, sample)
    before = state(sample.url)
    others = tmp_path / "others"
    others.mkdir()
    (others / "organizations.csv").write_text(
        "company_id,organization_type,is_principal,is_distributor,parent_company_id,segment,priority\n1,vendor,,,,,\n"
    )
    with pytest.raises(StaleInput, match="with other input files or mappings than there are now") as refused:
        executed(decided.model_copy(update={"inputs": others}), sample)
    assert "same command again" in refused.value.hint
    assert state(sample.url) == before
    assert executed(decided, sample).status == "completed"
    assert state(sample.url) == undisturbed


def test_a_decision_about_one_database_opens_no_other(sample: Database, migrated: tuple[Settings, Database]) -> None:
    settings, _database = migrated
    elsewhere = settings.model_copy(update={"database_url": SecretStr(sample.url)})
    with pytest.raises(Refused, match="the decision is about database"):
        executed(elsewhere, sample)


def test_a_decision_about_a_database_of_one_server_opens_none_of_that_name_on_another(
    sample: Database, decided: Settings
) -> None:
    with TemporaryDirectory(prefix="crm-") as folder:
        other = embedded.start(Path(folder))
        try:
            with postgres.connect(other.admin_url(), autocommit=True) as admin:
                databases.make_roles(admin)
                admin.execute(f'create database "{sample.name}" owner {embedded.OWNER}'.encode())
            with postgres.connect(other.url(sample.name)) as owner:
                databases.lay_tables(owner, roles=True)
                databases.lay_keys(owner, roles=True)
            elsewhere = decided.model_copy(update={"database_url": SecretStr(other.url(sample.name))})
            with pytest.raises(Refused, match="of another server"):
                executed(elsewhere, sample)
        finally:
            embedded.stop(Path(folder))
    assert executed(decided, sample).status == "completed"


def test_a_transaction_that_wrote_before_the_window_closed_is_waited_for(sample: Database, tmp_path: Path) -> None:
    settings = settings_for(sample, tmp_path, lock_timeout_ms=200)
    approved(settings)
    before = state(sample.url)
    with psycopg.connect(sample.admin_url) as other:
        other.execute("set role authenticated")
        other.execute("update public.deals set name = 'late' where id = 1")
        with pytest.raises(Refused, match="goes on writing"):
            executed(settings, sample)
        other.rollback()
    assert state(sample.url) == before


def test_the_way_back_needs_no_snapshot_but_the_last(migrated: tuple[Settings, Database]) -> None:
    settings, database = migrated
    (workflow.run_folder("latest", settings) / "snapshot.json").unlink()
    assert workflow.revert(confirm=database.name, settings=settings).status == "rolled_back"


def test_the_database_knows_every_step_and_run_json_tells_the_same(migrated: tuple[Settings, Database]) -> None:
    settings, database = migrated
    folder = workflow.run_folder("latest", settings)
    saved = json.loads((folder / "run.json").read_text())
    with postgres.connect(database.url) as connection:
        rows = connection.execute(
            "select phase, step, status, rows_done from public.migration_history where run_id = %s", [folder.name]
        ).fetchall()
    assert {(step["phase"], step["step"], step["status"], step["rows_done"]) for step in saved["steps"]} == set(rows)
    assert len(rows) == len(list(workflow.plan().steps()))


def test_verification_that_fails_keeps_the_window_closed(
    sample: Database, decided: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:

    def meddle(event: events.Event, /) -> None:
        if event.kind == "stage" and event.name == "verify":
            with postgres.connect(sample.url) as connection:
                connection.execute("delete from public.activities where source_id = 1")

    with pytest.raises(AnswerIsNo, match="not verified"):
        workflow.execute(confirm=sample.name, settings=decided, emit=meddle)
    with postgres.connect(sample.url) as connection:
        assert maintenance.is_closed(connection)
    assert workflow.revert(confirm=sample.name, settings=decided).status == "rolled_back"
    with postgres.connect(sample.url) as connection:
        assert not maintenance.is_closed(connection)
