"""What is left of a migration: what may go, what stays for now, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from crm_migrate.usage import Usage


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that does not go in this call.

    Attributes:
        what: named as a person finds it.
        due: from when on it may go; None where that is not a matter of time alone.
        why: why not now, or what it needs, in one sentence.
    """

    what: str
    due: datetime | None
    why: str


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What goes, what stays for now, and what killed processes left behind.

    Attributes:
        copies: names of backup tables, with their schema.
        dumps: files of the workspace.
        scratch: folders of the workspace whose processes are dead.
        rehearsals: databases on the embedded server whose rehearsals are dead.
        compatibility: views under old names that go.
        functions: functions whose text names the old names: they may fail when these are gone.
        archived: rows of migration_archive that go.
        state: whether the state of the migration itself goes; nothing can be verified or taken back after that.
        waiting: what stays for now.
        usage: who uses the old names; None where no view answers under them.
        removed: whether all of it was removed, or only listed.
    """

    copies: tuple[str, ...]
    dumps: tuple[str, ...]
    scratch: tuple[str, ...]
    rehearsals: tuple[str, ...]
    compatibility: tuple[str, ...]
    functions: tuple[str, ...]
    archived: int
    state: bool
    waiting: tuple[Waiting, ...]
    usage: Usage | None
    removed: bool

    @property
    def kept(self) -> int:
        """How many things stay for now."""
        return len(self.waiting)
