"""The log says what to do about each error, and neither it nor what lies beside it holds a secret or personal data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from conftest import Server
from crm_migrate import events, postgres, workflow
from crm_migrate.errors import AnswerIsNo, Stopped
from crm_migrate.events import Event
from evenings import Evening, evening, fresh

LIMITS = {"lock_timeout_ms": 100, "retries": 1, "disk_floor": "1MB"}


@pytest.fixture(scope="module")
def approved_evening(
    server: Server, sample_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Evening]:
    with evening(server, sample_template, tmp_path_factory.mktemp("logged"), **LIMITS) as made:
        yield made


@pytest.fixture
def tonight(server: Server, approved_evening: Evening, tmp_path: Path) -> Evening:
    return fresh(server, approved_evening, tmp_path)


def lines(made: Evening) -> list[str]:
    return made.settings.log_file.read_text(encoding="utf-8").splitlines()


def test_an_error_has_its_level_its_sqlstate_and_what_to_do(tonight: Evening) -> None:
    with psycopg.connect(tonight.database.admin_url) as other:
        other.execute("lock table public.companies in access exclusive mode")
        tonight.stops()
    (error,) = (line for line in lines(tonight) if "level='error'" in line)
    assert "sqlstate='55P03'" in error
    assert "hint='End that session, or raise lock_timeout_ms" in error
    assert any("level='warning'" in line and "kind='retry'" in line for line in lines(tonight))


def test_no_secret_and_no_personal_data_gets_into_what_a_night_writes_down(tonight: Evening) -> None:
    """A trigger that tells of a person refuses rows, a password stands in the address, and a statement is refused."""
    database = tonight.database
    secret = database.url.replace("crm_owner@", "crm_owner:not-to-be-seen@")
    assert secret != database.url
    night = tonight.at(tonight.settings.model_copy(update={"database_url": SecretStr(secret)}))

    with psycopg.connect(database.admin_url, autocommit=True) as admin:
        admin.execute("create schema obstacle")
        admin.execute(
            """
            create function obstacle.tell() returns event_trigger language plpgsql as
            $$ begin
                if exists (select from pg_event_trigger_ddl_commands() where object_identity = 'public.products') then
                    raise exception 'no more of jane.roe@example.org';
                end if;
            end $$
            """
        )
        admin.execute("create event trigger obstacle on ddl_command_end execute function obstacle.tell()")
        admin.execute(
            """
            create function obstacle.refuse() returns trigger language plpgsql as
            $$ begin raise exception 'call % of % on +49 30 1234567', new.subject, new.source_id; end $$
            """
        )

    def refuse(event: Event, /) -> None:
        if (event.kind, event.name) == ("progress", "load:activities_from_tasks"):
            with psycopg.connect(database.admin_url, autocommit=True) as admin:
                admin.execute(
                    """
                    create or replace trigger refuse before insert on public.activities for each row
                    when (new.source_id % 97 = 0) execute function obstacle.refuse()
                    """
                )

    with pytest.raises(Stopped):
        night.night(emit=refuse)
    with psycopg.connect(database.admin_url, autocommit=True) as admin:
        admin.execute("drop event trigger obstacle")
    with pytest.raises(AnswerIsNo):
        night.night()
    with postgres.connect(database.url) as connection:
        rejects = connection.execute("select \"row\" ->> 'subject' from migration.rejects").fetchall()
        told = connection.execute("select string_agg(message, ' ') from migration.events").fetchone()
        shown = connection.execute("select string_agg(document::text, ' ') from migration.progress").fetchone()
    assert rejects
    folder = workflow.run_folder("latest", night.settings)
    written = [night.settings.log_file, night.settings.metrics_file, folder / "events.jsonl", folder / "run.json"]
    everything = " ".join([*(file.read_text(encoding="utf-8") for file in written), str(told), str(shown)])
    assert "rejected" in everything
    for kept in ("not-to-be-seen", "jane.roe", "1234567", *(subject for (subject,) in rejects if subject)):
        assert kept not in everything


def test_a_log_that_cannot_be_written_is_told_of_once_and_holds_nothing_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sink = events.log_sink(tmp_path / "migration.log")
    (tmp_path / "migration.log").mkdir()
    for number in range(3):
        sink(Event("note", "some step", f"number {number}"))
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("kind", ["a file where the folder should be", "a place where no folder can be made"])
def test_a_log_whose_folder_cannot_be_made_is_told_of_once_and_holds_nothing_up(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path("/proc/nowhere/logs") if kind.startswith("a place") else tmp_path / "logs"
    if kind.startswith("a file"):
        folder.write_text("")
    sink = events.log_sink(folder / "migration.log")
    for number in range(3):
        sink(Event("note", "some step", f"number {number}"))
    assert capsys.readouterr().err.count("\n") == 1
