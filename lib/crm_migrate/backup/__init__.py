"""What does not depend on the migration's own way back: a dump of the database, and copies of its tables (C2)."""

from crm_migrate.backup.copies import Copy, copies, copy_table
from crm_migrate.backup.dump import Dump, dump, load
from crm_migrate.backup.restore import restore

__all__ = ["Copy", "Dump", "copies", "copy_table", "dump", "load", "restore"]
