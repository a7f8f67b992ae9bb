"""The entry point; `python -m crm_migrate` is `crm-migrate`."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress


def main() -> None:
    """Start the command line; whoever ends it before it is loaded has nothing to mend.

    Whoever starts a night beside another one hears of it before the rest of the program is loaded, which takes longer
    than all else that such a call does.
    """
    for said in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(said) != signal.SIG_IGN:
            signal.signal(said, _interrupted)
    if sys.argv[1:2] == ["execute"] and "--confirm" in sys.argv:
        _refuse_second_runner()
    from crm_migrate import cli  # what it loads takes most of a second

    cli.main()


def _interrupted(*_signal: object) -> None:
    """End at once: an exception in the middle of an import would come out as a traceback, or as another one."""
    with suppress(OSError):
        os.write(2, b"interrupted; nothing was begun. Run the command again.\n")
    os._exit(5)


def _refuse_second_runner() -> None:
    import psycopg

    from crm_migrate import embedded, postgres, settings
    from crm_migrate.errors import MigrationError, Refused

    try:
        chosen = settings.load()
        if chosen.database_url is None and not embedded.is_running(chosen.workspace):
            return
        with postgres.connect(embedded.database_url(chosen), autocommit=True, purpose="execute") as connection:
            postgres.require_free(connection)
    except Refused as error:
        sys.stderr.write(f"{error}. {error.hint}\n")
        sys.exit(error.exit_code)
    except (MigrationError, psycopg.Error):
        return  # the command itself comes to the same, and says it


if __name__ == "__main__":
    main()
