"""Execute the notebooks headlessly, in order, through papermill, and write their pages.

The kernel runs with the caller's interpreter, working folder and environment, so it reads the same settings; nothing
but the notebooks' own parameters is handed over, and no secret is one.
"""

from __future__ import annotations

import ast
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ipykernel import kernelspec
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError
from papermill.execute import execute_notebook
from papermill.inspection import inspect_notebook

from crm_migrate import errors
from crm_migrate.errors import AnswerIsNo, MigrationError, Stopped, UsageError
from crm_migrate.events import Event, Sink, silent
from crm_migrate.report import overview, saved, summary, views
from crm_migrate.report.executed import notebook_html
from crm_migrate.report.saved import Saved
from crm_migrate.runs import Stage

STAGES: Mapping[Stage, str] = {
    "assess": "01_assess",
    "dry-run": "02_dry_run",
    "execute": "03_execute",
    "verify": "04_verify",
}
_LOOKING = {"03_execute": "run.json", "04_verify": "verification.json"}  # without `confirm`, and what they look at
_HANDED = ("run_id", "confirm")  # have options of their own
_YES, _NO = ("true", "yes", "1"), ("false", "no", "0")


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it.

    Attributes:
        index: the run's index page.
        executed: the notebooks that were executed, in the run's folder.
        exit_code: 0, or 3 where a verdict is no.
        verdict: the last verdict in one word: GO, NO_GO, verified, wrong, or nothing where none was reached.
        reasons: why not, where a verdict is no.
    """

    index: Path
    executed: tuple[Path, ...]
    exit_code: int
    verdict: str
    reasons: tuple[str, ...]


class NotebookFailed(MigrationError):
    """A cell raised; its page is written and shows where and why.

    The exit code is that of the error raised in the notebook where it is one of ours, else 1.
    """

    def __init__(self, notebook: str, error: PapermillExecutionError, page: Path) -> None:
        known = _ours(error.ename)
        said = error.evalue if known else f"{error.ename}, which nobody foresaw"
        hint = next(
            (line.removeprefix("What to do: ") for line in error.traceback if line.startswith("What to do: ")), ""
        )
        super().__init__(f"{notebook} stopped: {said}", hint=f"{hint} The page {page} shows where.".strip())
        self.notebook, self.page = notebook, page
        self.exit_code = known.exit_code if known else 1


@dataclass(frozen=True, slots=True)
class _Answer:
    no: bool
    verdict: str
    reasons: tuple[str, ...]


class _ThisInterpreter(KernelSpecManager):
    """Whatever kernels are installed: the one that runs is that of this interpreter."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        quiet = ["--log-level=CRITICAL"]  # what the kernel itself has to say would land in the caller's terminal
        return KernelSpec(resource_dir=kernelspec.RESOURCES, **kernelspec.get_kernel_dict(extra_arguments=quiet))


class _Kernel(AsyncKernelManager):
    """A kernel of this interpreter that talks over an encrypted channel where it can."""

    def __init__(self, **given: Any) -> None:
        super().__init__(kernel_spec_manager=_ThisInterpreter(), **given)
        if self.has_trait("transport_encryption"):
            self.transport_encryption = "auto"


def run_notebooks(
    folder: Path,
    *,
    until: Stage = "verify",
    parameters: Mapping[str, str] | None = None,
    confirm: str | None = None,
    notebooks: Path | None = None,
    emit: Sink = silent,
) -> Done:
    """Execute the notebooks in order and write their pages, the run's index and the list of runs.

    A verdict that says no ends it there; the notebooks behind it are not executed.

    Args:
        folder: of the run; its name goes to the notebooks as `run_id`.
        until: the last one to execute.
        parameters: by name, as text; each goes to every notebook that has it, as the type of its default.
        confirm: the database's own name, for the notebooks that change or verify it; None lets them only look.
        notebooks: where they lie; the ones of this checkout or package where None.

    Raises:
        UsageError: a parameter is unknown or its value does not fit, before anything is executed.
        NotebookFailed: a cell raised; the pages so far, its own among them, are written.
        Stopped: the kernel died.
    """
    place = default_notebooks() if notebooks is None else notebooks
    names = _up_to(until)
    given = _checked(place, names, parameters or {})
    executed: list[Path] = []
    answer: _Answer | None = None
    for name in names:
        handed = {"run_id": folder.name, "confirm": confirm or ""}
        known = _parameters(place / f"{name}.ipynb")
        values = given[name] | {key: value for key, value in handed.items() if key in known}
        executed.append(_execute(place / f"{name}.ipynb", folder, values, emit))
        answer = _answer(folder, name) or answer
        if answer is not None and answer.no:
            break
    summary.write(folder)
    index = overview.write(folder)
    if answer is None:
        return Done(index, tuple(executed), 0, "", ())
    return Done(index, tuple(executed), AnswerIsNo.exit_code if answer.no else 0, answer.verdict, answer.reasons)


def check_parameters(parameters: Mapping[str, str], *, until: Stage = "verify", notebooks: Path | None = None) -> None:
    """Ask whether the notebooks up to `until` can take these parameters, before there is a run.

    Raises:
        UsageError: a parameter is unknown or its value does not fit.
    """
    _checked(default_notebooks() if notebooks is None else notebooks, _up_to(until), parameters)


def _up_to(until: Stage) -> list[str]:
    return list(STAGES.values())[: list(STAGES).index(until) + 1]


def look(folder: Path, *, notebooks: Path | None = None, emit: Sink = silent) -> None:
    """Execute the notebooks that only look where their stage has a file that is newer than they are.

    Raises:
        NotebookFailed, Stopped: as `run_notebooks` does.
    """
    place = default_notebooks() if notebooks is None else notebooks
    for name, shown in _LOOKING.items():
        if _written(folder / shown) > _written(folder / f"{name}.ipynb"):
            _execute(place / f"{name}.ipynb", folder, {"run_id": folder.name, "confirm": ""}, emit)


def _written(path: Path) -> float:
    """When a file was written last; before all others where there is none."""
    return path.stat().st_mtime if path.is_file() else 0.0


def default_notebooks() -> Path:
    """The `notebooks/` of the checkout, or the copy that lies in the installed package."""
    package = Path(__file__).resolve().parents[1]
    checkout = package.parents[1] / "notebooks"
    return checkout if checkout.is_dir() else package / "_notebooks"


def _execute(notebook: Path, folder: Path, values: Mapping[str, Any], emit: Sink) -> Path:
    target = folder / notebook.name
    started = time.monotonic()
    emit(Event("stage", notebook.stem, f"{notebook.stem} begins"))
    try:
        execute_notebook(
            str(notebook),
            str(target),
            parameters=dict(values),
            progress_bar=False,
            kernel_name="python3",
            kernel_manager_class=_Kernel,
        )
    except PapermillExecutionError as error:
        page = notebook_html(target)
        failed = NotebookFailed(notebook.stem, error, page)
        summary.write(folder, stopped=str(failed))
        overview.write(folder)
        emit(Event("error", notebook.stem, str(failed), seconds=time.monotonic() - started))
        raise failed from None
    except DeadKernelError:
        raise Stopped(
            f"the kernel of {notebook.stem} died",
            hint="Memory may have run out. Run the same command again: it resumes.",
        ) from None
    page = notebook_html(target)
    emit(Event("stage", notebook.stem, f"page {page}", seconds=time.monotonic() - started))
    return target


def _answer(folder: Path, notebook: str) -> _Answer | None:
    """The verdict that a notebook's stage has saved, if it gives one."""
    with saved.reading(folder):
        return _verdict(saved.load(folder), notebook)


def _verdict(run: Saved, notebook: str) -> _Answer | None:
    if notebook == "02_dry_run" and (decision := run.stage("decision")):
        return _Answer(decision["verdict"] != "GO", decision["verdict"], tuple(decision["reasons"]))
    if notebook == "04_verify" and (verification := run.stage("verification")):
        view = views.of("verification", verification)
        return _Answer(not verification["ok"], view.badge.word, view.reasons)
    return None


def _parameters(notebook: Path) -> dict[str, Any]:
    """The parameters of a notebook and their defaults.

    Raises:
        UsageError: there is no such notebook.
    """
    if not notebook.is_file():
        raise UsageError(f"there is no notebook {notebook}", hint="Install the package anew, or mend the checkout.")
    inferred = inspect_notebook(str(notebook))
    return {name: ast.literal_eval(facts["default"]) for name, facts in inferred.items()}


def _checked(place: Path, names: list[str], given: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """By notebook, its parameters among those given, as the types of their defaults."""
    known = {name: _parameters(place / f"{name}.ipynb") for name in names}
    free = sorted({parameter for defaults in known.values() for parameter in defaults} - set(_HANDED))
    for parameter in given:
        if parameter not in free:
            own = {"run_id": "; use --run", "confirm": "; use --confirm"}.get(parameter, "")
            raise UsageError(
                f"these notebooks have no parameter {parameter!r} to give{own}", hint=f"Known are {', '.join(free)}."
            )
    return {
        name: {key: _typed(key, value, defaults[key]) for key, value in given.items() if key in defaults}
        for name, defaults in known.items()
    }


def _typed(name: str, text: str, default: object) -> object:
    """A text as the type of `default`."""
    if isinstance(default, bool):
        if text.lower() in _YES + _NO:
            return text.lower() in _YES
        raise UsageError(f"parameter {name}: {text!r} is neither true nor false", hint="Write true or false.")
    if isinstance(default, int | float):
        try:
            return type(default)(text)
        except ValueError:
            kind = "a whole number" if isinstance(default, int) else "a number"
            raise UsageError(f"parameter {name}: {text!r} is not {kind}", hint=f"The default is {default}.") from None
    return text


def _ours(name: str) -> type[MigrationError] | None:
    """The class of that name in the tree of our errors, if it is there."""
    found = getattr(errors, name, None)
    return found if isinstance(found, type) and issubclass(found, MigrationError) else None
