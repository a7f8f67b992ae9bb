"""The entry point; `python -m crm_migrate` is `crm-migrate`."""

from __future__ import annotations

import sys

import psycopg

from crm_migrate import embedded, postgres, settings
from crm_migrate.errors import MigrationError, Refused


def main() -> None:
    """Start the command line.

    Whoever starts a night beside another one hears of it before the rest of the program is loaded, which takes longer
    than all else that such a call does.
    """
    if sys.argv[1:2] == ["execute"] and "--confirm" in sys.argv:
        _refuse_second_runner()
    from crm_migrate import cli  # what it loads takes most of a second

    cli.main()


def _refuse_second_runner() -> None:
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
