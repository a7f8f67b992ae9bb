"""What is known of a run from what it says itself, kept up to date event by event; asks nobody."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from crm_migrate.events import Event
from crm_migrate.plan import Plan
from crm_migrate.watch.value import Client, Disk, PhaseProgress, Progress, Server

_STAGES = ("close", "snapshot", "backup", "phases", "verify", "open", "revert")
_PACE_FROM = 5.0  # estimated seconds that have to be over before the pace so far says anything


@dataclass(slots=True)
class _Rows:
    name: str
    done: int
    total: int | None
    rate: float | None
    eta_seconds: float | None


@dataclass(slots=True)
class Picture:
    """How far a run is; one thread tells it what happens, another asks.

    Attributes:
        estimate: seconds by phase, as the dry run has them; empty where nobody estimated.
        done: steps that are, by (phase, step).
        before: source rows that earlier calls have brought in, by (phase, step).
        rejects: rows that were set aside, by step.
    """

    plan: Plan
    estimate: Mapping[str, float]
    clock: Callable[[], float]
    stage: str
    done: set[tuple[str, str]]
    before: Mapping[tuple[str, str], int]
    rejects: dict[str, int]
    _phase: str = ""
    _retries: int = 0
    _rows: _Rows | None = None
    _began: dict[str, float] = field(default_factory=dict)
    _took: dict[str, float] = field(default_factory=dict)
    _reverted: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def hear(self, event: Event, /) -> None:
        """Take an event of the run."""
        with self._lock:
            match event.kind:
                case "stage" if event.name in _STAGES:
                    self.stage, self._phase, self._rows = event.name, "", None
                case "phase" if event.message == "completed":
                    self._took[event.name] = self.clock() - self._began.get(event.name, self.clock())
                    self._phase = ""
                case "phase":
                    self._phase, self._rows = event.name, None
                    self._began[event.name] = self.clock()
                case "step":
                    self._step(event.name)
                case "retry":
                    self._retries += 1
                case "progress" if event.rows_done is not None:
                    self._progress(event, event.rows_done)

    def _step(self, name: str) -> None:
        self._rows = None
        if self.stage == "revert":
            last = next((step for step in reversed(self._order()) if step in self.done and step[1] == name), None)
            if last is not None:
                self.done.remove(last)
                self._reverted.add(last[0])
        else:
            self.done.add((self._phase, name))

    def _progress(self, event: Event, rows: int) -> None:
        before = self.before.get((self._phase, event.name), 0)
        total = None if event.rows_total is None else before + event.rows_total
        self._rows = _Rows(event.name, before + rows, total, event.rate, event.eta_seconds)
        if event.rejected is not None:
            self.rejects[event.name] = event.rejected

    def _order(self) -> list[tuple[str, str]]:
        return [(kind.phase, kind.step.name) for kind in self.plan.steps()]

    def progress(self, *, client: Client, server: Server | None, disks: Iterable[Disk]) -> Progress:
        """All of it, with what was measured beside it."""
        with self._lock:
            phase, step = self._at_hand()
            rows = self._rows
            return Progress(
                stage=self.stage,
                phase=phase,
                step=step or ("" if rows is None else rows.name),
                rows_done=None if rows is None else rows.done,
                rows_total=None if rows is None else rows.total,
                rate=None if rows is None or rows.rate is None else round(rows.rate, 1),
                eta_seconds=None if rows is None or rows.eta_seconds is None else round(rows.eta_seconds, 1),
                run_eta_seconds=self._eta(),
                phases=tuple(self._of(planned.name) for planned in self.plan.phases),
                rejects=sum(self.rejects.values()),
                retries=self._retries,
                client=client,
                server=server,
                disks=tuple(disks),
            )

    def _at_hand(self) -> tuple[str, str]:
        """Steps come strictly in the order of the plan, or on the way back against it."""
        if self.stage == "revert":
            return next((step for step in reversed(self._order()) if step in self.done), ("", ""))
        if not self._phase:
            return "", ""
        return next((step for step in self._order() if step[0] == self._phase and step not in self.done), ("", ""))

    def _of(self, phase: str) -> PhaseProgress:
        steps = [step for step in self._order() if step[0] == phase]
        done = sum(step in self.done for step in steps)
        if phase in self._reverted:
            status = "running" if done else "reverted"
        elif done == len(steps):
            status = "completed"
        else:
            status = "running" if done or phase == self._phase else "pending"
        return PhaseProgress(phase, status, done, len(steps), round(self._seconds(phase), 1))

    def _seconds(self, phase: str) -> float:
        if phase in self._took:
            return self._took[phase]
        return self.clock() - self._began[phase] if phase in self._began else 0.0

    def _eta(self) -> float | None:
        """The estimate of what is left, at the pace so far; a step that takes longer by itself has the last word."""
        if not self.estimate or self.stage in ("verify", "open", "revert"):
            return None
        over = sum(self.estimate.get(phase, 0.0) for phase in self._took)
        pace = sum(self._took.values()) / over if over >= _PACE_FROM else 1.0
        left = 0.0
        for planned in self.plan.phases:
            status = self._of(planned.name).status
            if status == "pending":
                left += pace * self.estimate.get(planned.name, 0.0)
            elif status == "running":
                rest = pace * self.estimate.get(planned.name, 0.0) - self._seconds(planned.name)
                left += max(0.0, rest, (self._rows and self._rows.eta_seconds) or 0.0)
        return round(left, 1)
