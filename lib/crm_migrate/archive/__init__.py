"""What users wrote since the migration and the old system has no place for: kept, and brought back (E1)."""

from crm_migrate.archive.keep import Counts, Kept, keep, preview, written
from crm_migrate.archive.relations import RELATIONS, Relation
from crm_migrate.archive.returning import Returned, bring_back

__all__ = ["RELATIONS", "Counts", "Kept", "Relation", "Returned", "bring_back", "keep", "preview", "written"]
