"""What every piece for a terminal is made of: lines of progress, tables, facts, durations."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from crm_migrate.events import Event, Sink

STYLES = {"error": "bold red", "warning": "yellow", "retry": "yellow", "stage": "bold", "phase": "bold cyan"}
SEVERITIES = {"blocker": "bold red", "warning": "yellow", "info": "dim"}
MARKS = {True: Text("✓", style="green"), False: Text("✗", style="bold red")}
_NUMERIC = (
    "failing",
    "of",
    "rows",
    "source rows",
    "rejects",
    "seconds",
    "rows now",
    "added",
    "changed",
    "removed",
    "failing now",
)


def sink(console: Console) -> Sink:
    """A sink that writes each event as one line, with rows, rate and time left where it has them."""

    def write(event: Event, /) -> None:
        line = Text(f"{event.at:%H:%M:%S}  {event.name}: {event.message}", style=STYLES.get(event.kind, ""))
        facts = []
        if event.kind == "progress" and event.rate is not None:
            facts.append(f"{event.rate:,.0f}/s")
        if event.kind == "progress" and event.eta_seconds:
            facts.append(f"{duration(event.eta_seconds)} left")
        elif event.seconds is not None:
            facts.append(duration(event.seconds))
        if facts:
            line.append(f"  ({', '.join(facts)})", style="dim")
        with suppress(OSError, SystemExit):  # a reader that is gone does not stop the work
            console.print(line, soft_wrap=True, highlight=False)

    return write


def duration(seconds: float) -> str:
    """Seconds as a person says them: 0.4 s, 12 s, 3 min 20 s, 1 h 05 min."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"


def facts(pairs: Iterable[tuple[str, object]]) -> RenderableType:
    """Names and values, a line each."""
    table = Table.grid(padding=(0, 2))
    for name, value in pairs:
        table.add_row(Text(name, style="dim"), Text(str(value)))
    return table


def figure(value: float | str) -> str:
    """A number with its thousands apart, a text as it is."""
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"


def table(*headings: str) -> Table:
    """A table without lines; what holds numbers stands to the right."""
    made = Table(show_lines=False, header_style="bold", box=None, pad_edge=False)
    for heading in headings:
        numeric = heading in _NUMERIC or heading.endswith((" MB", " seconds"))
        made.add_column(heading, justify="right" if numeric else "left", overflow="fold")
    return made
