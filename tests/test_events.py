"""Events say what goes on, with rate and time left; sinks are functions."""

from __future__ import annotations

import json
from pathlib import Path

from crm_migrate import events
from crm_migrate.events import Event


def test_rate_and_time_left_follow_from_rows_and_seconds() -> None:
    event = Event("progress", "load:x", "going", rows_done=250, rows_total=1_000, seconds=5.0)
    assert event.rate == 50
    assert event.eta_seconds == 15


def test_without_rows_or_seconds_there_is_no_rate() -> None:
    assert Event("note", "x", "y").rate is None
    assert Event("progress", "x", "y", rows_done=0, rows_total=5, seconds=1.0).eta_seconds is None
    assert Event("progress", "x", "y", rows_done=5, rows_total=5, seconds=0.0).rate is None


def test_each_sink_hears_each_event_in_order() -> None:
    heard: list[str] = []
    emit = events.tee(lambda event: heard.append(f"a {event.name}"), lambda event: heard.append(f"b {event.name}"))
    emit(Event("note", "1", ""))
    emit(Event("note", "2", ""))
    assert heard == ["a 1", "b 1", "a 2", "b 2"]


def test_events_are_kept_line_by_line(tmp_path: Path) -> None:
    emit = events.jsonl_sink(tmp_path / "run" / "events.jsonl")
    emit(Event("step", "sql:10_tables", "done\nand so on", seconds=1.5))
    emit(Event("note", "ü", "…"))
    lines = [json.loads(line) for line in (tmp_path / "run" / "events.jsonl").read_text("utf-8").splitlines()]
    assert [line["name"] for line in lines] == ["sql:10_tables", "ü"]
    assert lines[0]["seconds"] == 1.5


def test_the_log_has_time_level_rate_and_time_left(tmp_path: Path) -> None:
    emit = events.log_sink(tmp_path / "logs" / "migration.log")
    emit(Event("progress", "load:x", "going", rows_done=250, rows_total=1_000, seconds=5.0))
    emit(Event("error", "load:x", "stopped"))
    first, second = (tmp_path / "logs" / "migration.log").read_text("utf-8").splitlines()
    assert "level='info'" in first
    assert "rate='50 rows/s'" in first
    assert "eta='15 s'" in first
    assert "level='error'" in second


def test_events_that_cannot_be_written_stop_nothing_and_the_next_one_has_its_own_line(tmp_path: Path) -> None:
    path = tmp_path / "run" / "events.jsonl"
    emit = events.jsonl_sink(path)
    path.mkdir(parents=True)
    emit(Event("note", "test", "lost"))
    path.rmdir()
    path.write_text('{"kind": "no')  # what a full disk has left of a line
    emit(Event("note", "test", "kept"))
    assert json.loads(path.read_text().splitlines()[1])["message"] == "kept"
