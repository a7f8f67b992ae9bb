"""What does not depend on the migration's own way back: a dump of the database, and copies of its tables (C2)."""

from crm_migrate.backup.copies import SCHEMA, Copy, copies, copy_table, is_whole
from crm_migrate.backup.dump import Dump, dump, load
from crm_migrate.backup.restore import close_as_then, hang_up_again, restore

__all__ = [
    "SCHEMA",
    "Copy",
    "Dump",
    "close_as_then",
    "copies",
    "copy_table",
    "dump",
    "hang_up_again",
    "is_whole",
    "load",
    "restore",
]
