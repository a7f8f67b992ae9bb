"""Original data is kept for a time and then removed by a command, never by itself (E3)."""

from crm_migrate.retention.clean import clean
from crm_migrate.retention.value import Leftovers, Waiting

__all__ = ["Leftovers", "Waiting", "clean"]
