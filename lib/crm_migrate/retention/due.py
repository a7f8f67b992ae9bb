"""What may go by now, by the server's clock, and what may not, with the reason; nothing here changes anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from crm_migrate import compatibility, history, maintenance
from crm_migrate.history import RunRecord
from crm_migrate.postgres import Connection
from crm_migrate.retention.value import Waiting
from crm_migrate.usage import QUIET_DAYS, Usage

STATE = "state of the migration: history, events, rejects, schema migration"


@dataclass(frozen=True, slots=True)
class Clock:
    """The server's time, and how long things are kept."""

    now: datetime
    kept: timedelta
    answering: timedelta


@dataclass(slots=True)
class Found:
    """What goes and what waits, as it is found."""

    copies: list[str] = field(default_factory=list)
    dumps: list[Path] = field(default_factory=list)
    compatibility: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    archived: list[int] = field(default_factory=list)
    state: bool = False
    waiting: list[Waiting] = field(default_factory=list)
    usage: Usage | None = None


def clock(connection: Connection, *, days: int, compatibility_days: int) -> Clock:
    """Ask the server what time it is."""
    row = connection.execute("select clock_timestamp()").fetchone()
    assert row is not None
    return Clock(row[0], timedelta(days=days), timedelta(days=compatibility_days))


def find(connection: Connection, workspace: Path, clock: Clock, seen: Usage, *, views: bool, archive: bool) -> Found:
    """Go through everything that a migration has left.

    Args:
        seen: the use of the old names as it is now.
        views: whether the old names are to go, if they may.
        archive: whether archived rows that were never brought back are to go, if they are old enough.
    """
    found, runs = Found(), {run.run_id: run for run in history.runs(connection)}
    _copies(connection, clock, runs, found)
    _dumps(workspace / "dumps", clock, runs, found)
    _archive(connection, clock, found, wanted=archive)
    if seen.relations:
        found.usage = seen
        _views(connection, clock, runs, found, wanted=views)
    _state(connection, clock, runs, found)
    return found


def _copies(connection: Connection, clock: Clock, runs: Mapping[str, RunRecord], found: Found) -> None:
    by_stamp = {run.backup_stamp: run for run in runs.values()}
    for name, made_at in connection.execute("select copy_name, made_at from migration.backups order by 1"):
        what, due = f"migration_backup.{name}", made_at + clock.kept
        run = by_stamp.get(name.rpartition("_")[2])
        if run is not None and _unfinished(run):
            found.waiting.append(Waiting(what, None, f"run {run.run_id} has not come to its end"))
        elif due > clock.now:
            found.waiting.append(Waiting(what, due, f"original data is kept for {clock.kept.days} days"))
        else:
            found.copies.append(name)


def _dumps(folder: Path, clock: Clock, runs: Mapping[str, RunRecord], found: Found) -> None:
    """A dump is as old as its run; that of a run which this database does not know is another's business."""
    for file in sorted(path for path in folder.glob("*/*") if path.is_file()):
        run = runs.get(file.parent.name)
        if run is None:
            said = f"run {file.parent.name} is not known in this database: clean up where it ran, or delete it by hand"
            found.waiting.append(Waiting(str(file), None, said))
        elif _unfinished(run):
            found.waiting.append(Waiting(str(file), None, f"run {run.run_id} has not come to its end"))
        elif run.started_at + clock.kept > clock.now:
            due = run.started_at + clock.kept
            found.waiting.append(Waiting(str(file), due, f"original data is kept for {clock.kept.days} days"))
        else:
            found.dumps.append(file)


def _archive(connection: Connection, clock: Clock, found: Found, *, wanted: bool) -> None:
    """What came back whole is there twice; what did not is users' only copy."""
    if connection.execute("select to_regclass('migration_archive.rows')").fetchone() == (None,):
        return
    rows = connection.execute(
        """
        select archived.id, archived.archived_at,
            archived.returned_at is not null and archived.reason is null or archived.operation = 'REFERENCE'
                and not exists (
                    select from migration_archive.rows as others
                    where others.run_id = archived.run_id and others.operation <> 'REFERENCE'
                        and (others.returned_at is null or others.reason is not null)
                )
        from migration_archive.rows as archived
        order by archived.id
        """
    ).fetchall()
    old = [(number, spare) for number, at, spare in rows if at + clock.kept <= clock.now]
    found.archived = [number for number, spare in old if spare or wanted]
    young = max((at for _number, at, _spare in rows if at + clock.kept > clock.now), default=None)
    what = "migration_archive"
    if young is not None:
        number = len(rows) - len(old)
        said = (
            f"{number:,} rows that users wrote are kept for {clock.kept.days} days: the next migration brings them back"
        )
        found.waiting.append(Waiting(what, young + clock.kept, said))
    only = sum(not spare for _number, spare in old)
    if only and not wanted:
        said = f"{only:,} rows that users wrote exist nowhere else; with --archive they go for good"
        found.waiting.append(Waiting(what, None, said))


def _views(connection: Connection, clock: Clock, runs: Mapping[str, RunRecord], found: Found, *, wanted: bool) -> None:
    assert found.usage is not None
    standing = compatibility.standing(connection)
    found.functions = standing.functions
    reasons = list(_why_not(clock, runs, found.usage, standing.objects))
    if not reasons and not wanted:
        reasons = [(None, f"nobody has used them for {QUIET_DAYS} days; with --compatibility they go")]
    if not reasons:
        found.compatibility = found.usage.relations
    found.waiting += [Waiting(old_names(found.usage), due, said) for due, said in reasons]


def old_names(seen: Usage) -> str:
    """How the views are called in messages."""
    return f"old names {' and '.join(seen.relations)}"


def _why_not(
    clock: Clock, runs: Mapping[str, RunRecord], seen: Usage, standing: tuple[str, ...]
) -> Iterator[tuple[datetime | None, str]]:
    last = max(runs.values(), key=lambda run: run.started_at)
    if last.status != "completed" or last.finished_at is None:
        yield None, f"run {last.run_id} has not come to its end"
        return
    if last.finished_at + clock.answering > clock.now:
        yield last.finished_at + clock.answering, f"old clients have {clock.answering.days} days to follow"
    quiet = timedelta(days=QUIET_DAYS)
    for use in seen.uses:
        if use.last_at + quiet > clock.now:
            times = "statements" if use.source == "counter" else "sessions"
            last_at = use.last_at.astimezone(UTC)
            said = f"in use: {use.relation} by {use.who}, {use.count:,} {times}, last {last_at:%Y-%m-%d %H:%M} UTC"
            yield use.last_at + quiet, said
    if seen.counted_since is None or seen.counted_since + quiet > clock.now:
        due = None if seen.counted_since is None else seen.counted_since + quiet
        yield due, f"their use has not been counted for {QUIET_DAYS} days yet; `crm-migrate observe` notes it"
    if standing:
        yield None, f"something stands on them: {', '.join(standing)}; let it stand on the new names, or drop it"


def _state(connection: Connection, clock: Clock, runs: Mapping[str, RunRecord], found: Found) -> None:
    """It goes alone, after all else has gone: nothing can be verified or taken back without it."""
    ours = [entry for entry in found.waiting if "is not known in this database" not in entry.why]
    ends = [run.finished_at for run in runs.values() if run.finished_at is not None]
    if any(_unfinished(run) for run in runs.values()) or not ends or maintenance.is_closed(connection):
        found.waiting.append(Waiting(STATE, None, "a run has not come to its end"))
    elif max(ends) + clock.kept > clock.now:
        said = f"kept for {clock.kept.days} days, and until all else is gone"
        found.waiting.append(Waiting(STATE, max(ends) + clock.kept, said))
    elif ours or found.copies or found.dumps or found.archived or found.compatibility:
        found.waiting.append(Waiting(STATE, None, "goes last, by a call that finds nothing else"))
    else:
        found.state = True


def _unfinished(run: RunRecord) -> bool:
    return run.status not in ("completed", "rolled_back")
