"""`make expected`: write sql/expected.json anew from what the plan makes of a plain Atomic CRM without rows."""

from __future__ import annotations

import tempfile
from pathlib import Path

from conftest import scratch_database
from crm_migrate import catalog, embedded, postgres, schema
from crm_migrate.demo import database as databases
from crm_migrate.verify import expected, structure
from crm_migrate.verify.expected import Entry
from test_routines import migrate


def made(url: str) -> dict[str, Entry]:
    """What the plan makes of the empty database at `url`."""
    with postgres.connect(url) as owner:
        databases.lay_tables(owner, roles=True)
        databases.lay_keys(owner, roles=True)
        before = schema.describe(owner)
    migrate(url, catalog.load())
    with postgres.connect(url) as owner:
        return expected.of(before, structure.objects(owner))


def main() -> None:
    """Start a server, migrate, write the file."""
    with tempfile.TemporaryDirectory(prefix="crm-") as place:
        server = embedded.start(Path(place))
        try:
            with postgres.connect(server.admin_url()) as admin:
                databases.make_roles(admin)
            with scratch_database(server) as database:
                expected.save(made(database.url), catalog.default_root() / expected.FILE)
        finally:
            embedded.stop(Path(place))


if __name__ == "__main__":
    main()
