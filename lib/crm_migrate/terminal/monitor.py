"""A run that is watched: phases, the step at hand, what the machines do, what happened last."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from crm_migrate.monitor import Sight
from crm_migrate.terminal.parts import STYLES, duration, facts
from crm_migrate.terminal.parts import table as tabled
from crm_migrate.watch import Progress

_TONES = {"running": "bold cyan", "completed": "bold green", "stopped": "bold red", "paused": "bold yellow"}


def sight(found: Sight) -> RenderableType:
    """All that is known of it; what nobody knows is left out."""
    head = Text.assemble(
        ("run ", "bold"),
        (found.run_id, "bold"),
        f" on database {found.database}: ",
        (found.status.replace("_", " "), _TONES.get(found.status, "bold")),
        f", stage {found.stage}",
    )
    parts: list[RenderableType] = [head]
    if found.runner is not None:
        parts.append(Text(found.runner, style="dim"))
    parts.append(_phases(found))
    if found.status == "running" and found.progress is not None:
        parts += [_step(found.progress), facts(_figures(found.progress))]
    elif found.step is not None and found.step.status == "failed":
        parts.append(Text(f"{found.step.step}: failed", style="bold red"))
    if found.window is not None:
        until = "" if found.window.until is None else f", likely until {found.window.until}"
        parts.append(Text(f"The window is closed since {found.window.since}{until}.", style="yellow"))
    if found.error is not None and found.status != "running":
        parts.append(Text(found.error, style="bold red"))
    if found.hint:
        parts.append(Text(found.hint, style="bold"))
    if found.events:
        parts += [Text(), _events(found)]
    return Group(*parts)


@dataclass(frozen=True, slots=True)
class OnOneScreen:
    """All that is known of a run, with as many of the last events as the terminal has room for."""

    found: Sight

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Leave out the oldest event, then the next, until the rest fits."""
        events = self.found.events
        for first in range(len(events) + 1):
            shown = sight(replace(self.found, events=events[first:]))
            if len(console.render_lines(shown, options, pad=False)) <= options.size.height:
                break
        yield shown


def _phases(found: Sight) -> RenderableType:
    table = tabled("phase", "status", "steps", "seconds", "source rows", "rejects")
    told = {} if found.progress is None else {phase.phase: phase for phase in found.progress.phases}
    for phase in found.phases:
        beside = told.get(phase.phase)
        table.add_row(
            Text(phase.phase),
            Text(phase.status, style=_TONES.get(phase.status, "dim")),
            "" if beside is None else f"{beside.done} of {beside.steps}",
            f"{phase.seconds:.1f}",
            f"{phase.rows:,}",
            f"{phase.rejects:,}",
        )
    return table


def _step(progress: Progress) -> RenderableType:
    """The step at hand with its bar, where it has rows."""
    line = Table.grid(padding=(0, 2))
    said = Text(progress.step or progress.stage, style="bold")
    if progress.rows_done is None or not progress.rows_total:
        line.add_row(said)
        return line
    rows = [f"{progress.rows_done:,} of {progress.rows_total:,} rows"]
    if progress.rate is not None:
        rows.append(f"{progress.rate:,.0f}/s")
    if progress.eta_seconds:
        rows.append(f"{duration(progress.eta_seconds)} left")
    bar = ProgressBar(total=progress.rows_total, completed=progress.rows_done, width=30)
    line.add_row(said, bar, Text(", ".join(rows)))
    return line


def _figures(progress: Progress) -> list[tuple[str, str]]:
    client, server = progress.client, progress.server
    found = []
    if progress.run_eta_seconds is not None:
        found.append(("to the end of the phases", f"about {duration(progress.run_eta_seconds)}"))
    found.append(("set aside, tried again", f"{progress.rejects:,} rows, {progress.retries:,} times"))
    moved = ""
    if client.read_bytes is not None and client.written_bytes is not None:
        moved = f", {client.read_bytes / 1e6:,.0f} MB read, {client.written_bytes / 1e6:,.0f} MB written"
    found.append(("runner", f"{client.cpu_percent:.0f} % CPU, {client.memory_bytes / 1e6:,.0f} MB of memory{moved}"))
    if server is not None:
        log = "" if server.wal_bytes is None else f", {server.wal_bytes / 1e6:,.0f} MB of write-ahead log"
        waits = f"{server.locks_waited_for} locks waited for"
        found.append(("server", f"{server.active_queries} active queries, {waits}{log}"))
        if server.blocked_by:
            pids = ", ".join(str(pid) for pid in server.blocked_by)
            found.append(("the runner waits for", f"sessions {pids}"))
        for work in server.work:
            share = f" {work.done / work.total:.0%}" if work.total else ""
            found.append((f"{work.what} {work.relation}", f"{work.phase}{share}"))
    found += [(f"free: {disk.what}", f"{disk.free_bytes / 1e9:,.1f} GB") for disk in progress.disks]
    return found


def _events(found: Sight) -> RenderableType:
    lines = Table.grid(padding=(0, 2))
    for event in found.events:
        at = event.at.partition("T")[2][:8]
        lines.add_row(Text(at, style="dim"), Text(event.name), Text(event.message, style=STYLES.get(event.kind, "")))
    return lines
