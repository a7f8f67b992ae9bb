"""What does not depend on the migration's own way back: a dump of the database, and copies of its tables (C2)."""

from crm_migrate.backup.copies import SCHEMA, Copy, copies, copy_table, is_whole
from crm_migrate.backup.dump import Dump, dump, load
from crm_migrate.backup.restore import restore

__all__ = ["SCHEMA", "Copy", "Dump", "copies", "copy_table", "dump", "is_whole", "load", "restore"]
