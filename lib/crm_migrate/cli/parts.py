"""What every command shares: the app, the options that several take, and how a command ends.

Standard output carries the answer (with `--json` one JSON document), standard error everything else.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, ParamSpec

import psycopg
import typer
from psycopg.conninfo import conninfo_to_dict
from rich.console import Console, RenderableType
from rich.text import Text

from crm_migrate import events, runs, terminal
from crm_migrate import settings as settings_module
from crm_migrate.errors import MigrationError, Stopped, UsageError
from crm_migrate.events import Event, Sink
from crm_migrate.settings import Settings

app = typer.Typer(
    name="crm-migrate",
    help="Assess, rehearse, decide, execute, verify and undo the migration of an Atomic CRM to a B2B system.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
OUT, ERR = Console(), Console(stderr=True)
P = ParamSpec("P")
_WAY_BACK = ("abort", "rollback")  # a run can be taken back also where its folder is lost
_REPORT = "Please report this, with the command and this line."


def _there(run: str) -> str:
    """The id of a run that is there; only `snapshot` and `run` begin one."""
    if run == runs.NEW:
        raise typer.BadParameter("'new' is no run yet: begin one with `crm-migrate snapshot`, then leave --run out")
    return run


_RUN_HELP = "Which run; a folder's name under reports."
RunOption = Annotated[str, typer.Option("--run", metavar="ID", help=_RUN_HELP, callback=_there)]
NewRunOption = Annotated[str, typer.Option("--run", metavar="ID", help=_RUN_HELP)]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]
PersonalOption = Annotated[
    bool, typer.Option("--show-personal-data", help="Show names, addresses and texts as they are, not masked.")
]
ConfirmOption = Annotated[
    str | None,
    typer.Option("--confirm", metavar="DATABASE", help="The database's own name: yes, this one is to be changed."),
]


def told(command: Callable[P, None]) -> Callable[P, None]:
    """End a command as the contract says: one paragraph on standard error, and the right exit code.

    A run that is named has to be there, also where the command is about none in particular. The function is called as
    the command is, with `__` behind the name of its group.
    """

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        name = command.__name__.removesuffix("_command").replace("__", " ").replace("_", "-")
        try:
            named = kwargs.get("run")
            if isinstance(named, str) and named not in (runs.LATEST, runs.NEW) and name not in _WAY_BACK:
                runs.folder(named, settings_module.load().reports)
            command(*args, **kwargs)
        except MigrationError as error:
            raise _ended(name, error) from None
        except (typer.Exit, typer.Abort):
            raise
        except KeyboardInterrupt:
            say("interrupted; nothing is half-written", "Run the command again.")
            raise typer.Exit(5) from None
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction) as error:
            raise _ended(name, _not_allowed(name, error)) from None
        except psycopg.OperationalError as error:  # the session is lost, or the server has no room
            from crm_migrate.execute import causes  # with the engine, which few commands need

            words, hint = causes.cause(error)
            anew = hint.replace(": it resumes", "")  # only a night does, and that has told already
            raise _ended(name, Stopped(f"`crm-migrate {name}` stopped: {words}", hint=anew)) from None
        except OSError as error:
            say(f"{error.strerror or type(error).__name__}: {error.filename or 'a file or folder'}", "Mend the place.")
            raise typer.Exit(UsageError.exit_code) from None
        except Exception as error:  # noqa: BLE001  the last line of defence: no traceback reaches a user
            message = f"unexpected {type(error).__name__} in {_place(error)}"
            say(message, _REPORT)
            _log(name, message, _REPORT)
            raise typer.Exit(1) from None

    return wrapped


def _ended(command: str, error: MigrationError) -> typer.Exit:
    """Say how a command ended, note it, and give the exit code."""
    say(str(error), error.hint)
    if error.exit_code != UsageError.exit_code:
        _log(command, f"ended with exit code {error.exit_code}: {error}", error.hint)
    return typer.Exit(error.exit_code)


def _not_allowed(command: str, error: psycopg.Error) -> UsageError:
    """Who may not do that, or what takes no writes; the server's words only where they name an object and no row."""
    if isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
        return UsageError(
            f"`crm-migrate {command}` writes, and the database takes no writes (SQLSTATE {error.sqlstate}): it is a "
            "standby, or default_transaction_read_only is on",
            hint="Connect to the primary server, or `alter database … reset default_transaction_read_only` (or the "
            "role), then run the command again.",
        )
    said = error.diag.message_primary or ""
    what = f": {said}" if said.startswith("permission denied for") else ""
    return UsageError(
        f"{_role()} may not do what `crm-migrate {command}` does{what} (SQLSTATE {error.sqlstate})",
        hint="Connect as the owner of the tables, who also owns what the migration has made.",
    )


def _role() -> str:
    """The role of the sessions, where the settings name one."""
    url = settings_module.load().database_url
    user = None if url is None else conninfo_to_dict(url.get_secret_value()).get("user")
    return "this role" if user is None else f"role {user}"


def _log(command: str, message: str, hint: str) -> None:
    """Note in the log how a command ended, where this is a workbench."""
    with suppress(MigrationError, OSError):
        settings = settings_module.load()
        if settings.workspace.is_dir():
            events.log_sink(settings.log_file)(Event("error", command, message, hint=hint or None))


def _place(error: BaseException) -> str:
    """Module and line where an error arose; its text may quote personal data and stays out."""
    trace, place = error.__traceback__, "the command line"
    while trace is not None:
        name = trace.tb_frame.f_globals.get("__name__", "")
        if name.startswith("crm_migrate"):
            place = f"{name}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return place


def say(message: str, hint: str = "") -> None:
    """Say one paragraph on standard error."""
    ERR.print(Text(f"{message}{'' if message.endswith('.') else '.'} {hint}".strip()), soft_wrap=True)


def answer(as_json: bool, document: Path | dict[str, Any], shown: RenderableType) -> None:
    """Print the answer on standard output: the document itself for a script, what is `shown` for a person."""
    if not as_json:
        OUT.print(shown)
        return
    text = document.read_text(encoding="utf-8") if isinstance(document, Path) else json.dumps(document, default=str)
    typer.echo(text.rstrip("\n"))


def sink() -> Sink:
    """What says on standard error what goes on."""
    return terminal.sink(ERR)


def started(run: str) -> tuple[Settings, Path]:
    """The settings, and the folder of a run that is there."""
    settings = settings_module.load()
    return settings, runs.folder(run, settings.reports)
