"""One tree of errors: each carries its facts, a hint what to do, and the exit code of the command line.

Exit codes (design.md): 1 unexpected, 2 usage or surroundings, 3 the answer is no, 4 refused, 5 stopped midway.
"""

from __future__ import annotations

from pathlib import Path


class MigrationError(Exception):
    """Root of everything this package raises on purpose.

    Attributes:
        hint: one sentence that says what to do now; may be empty.
        exit_code: what the command line returns.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows in place of a traceback: IPython asks for it by this name."""
        said = [f"{type(self).__name__}: {self}"]
        return [*said, f"What to do: {self.hint}"] if self.hint else said


class UsageError(MigrationError):
    """A command, a setting, an input or the surroundings are wrong; nothing was begun."""

    exit_code = 2


class CatalogError(UsageError):
    """A file under `sql/` does not follow its contract."""

    def __init__(self, path: Path, line: int, problem: str) -> None:
        super().__init__(f"{path}, line {line}: {problem}", hint="Mend the file; style.md tells its form.")
        self.path, self.line, self.problem = path, line, problem


class BadInputs(UsageError):
    """The analyst's CSV files hold lines that cannot be used; every one is listed.

    Attributes:
        problems: one text a wrong line, each with file, line, column and reason.
    """

    def __init__(self, problems: tuple[str, ...]) -> None:
        listed = "\n".join(f"  {problem}" for problem in problems)
        super().__init__(
            f"{len(problems)} problem(s) in the input files:\n{listed}",
            hint="Correct the files named above, then run the command again.",
        )
        self.problems = problems


class DamagedFile(UsageError):
    """A file that an earlier stage saved cannot be used: cut short, changed by hand, or made by another version.

    Attributes:
        path: the file.
    """

    def __init__(self, path: Path, problem: str, *, hint: str) -> None:
        super().__init__(
            f"{path} is not as this version saves it: {problem}. It was cut short, changed by hand, "
            "or made by another version",
            hint=hint,
        )
        self.path = path


class NoSuchRun(UsageError):
    """The run asked for, or the stage of it that is needed, does not exist."""


class ServerUnreachable(UsageError):
    """No session could be had: wrong host, port, password or database name."""


class NotAtomicCrm(UsageError):
    """The database answers, but it is not an Atomic CRM, or this role cannot see all of it."""


class AnswerIsNo(MigrationError):
    """The work was done and its answer is no: NO-GO, or a verification that failed."""

    exit_code = 3


class Refused(MigrationError):
    """The work was not begun, because a condition for it does not hold."""

    exit_code = 4


class ChangedByHand(Refused):
    """A decision that somebody wrote, or wrote over: its signature does not fit."""


class StaleInput(Refused):
    """Two stages do not belong together: one was made from something that has changed since."""


class Stopped(MigrationError):
    """The work stopped midway, in a state that is known; the same command goes on from there.

    Attributes:
        take_back: whether whoever was asked wants all of the run taken back.
    """

    exit_code = 5
    take_back = False


class StepFailed(Stopped):
    """A step stopped before its end.

    Batches up to `cursor_key` are committed, the failing one is rolled back; the database's error is the `__cause__`.
    """

    def __init__(
        self, phase: str, step: str, *, cursor_key: int | None, rows_done: int, reason: str, hint: str = ""
    ) -> None:
        done = "" if cursor_key is None else f" after {rows_done:,} source rows (last key {cursor_key})"
        super().__init__(
            f"step {step} of phase {phase} stopped{done}: {reason}",
            hint=hint or "Mend the cause, then run the same command again: it resumes.",
        )
        self.phase, self.step, self.cursor_key, self.rows_done = phase, step, cursor_key, rows_done


class NotCommitted(Stopped):
    """Every step went through, and then the server refused to commit them: a deferred rule of the customer's, say."""


class TakenBack(Stopped):
    """A step failed, and the run was taken back, as whoever was asked wanted it."""


class Undone(MigrationError):
    """The work failed and was undone as a whole: the same command begins it anew."""

    exit_code = 5


class Aborted(Stopped):
    """Somebody asked for the run to be aborted; whoever asked takes it back."""

    def __init__(self, run_id: str) -> None:
        super().__init__(
            f"run {run_id} was aborted as asked",
            hint="`crm-migrate abort` takes it back and opens the window; where that was cut off, run it again.",
        )


class Paused(Stopped):
    """Somebody asked for a pause, and the run honoured it between two batches, steps or stages."""

    def __init__(self, where: str, *, changed: bool = True) -> None:
        window = "the window stays closed" if changed else "nothing was changed, and the window is open"
        super().__init__(f"paused {where}, as asked; {window}", hint="Run the same command again: it resumes.")
