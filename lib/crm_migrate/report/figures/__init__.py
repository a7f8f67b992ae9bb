"""Charts that answer a question: each takes a saved run, says its finding in the title, and can be read without hover.

A figure's `layout.meta["alt"]` says the same in words, for those who do not see it.
"""

from crm_migrate.report.figures.assess import findings_by_table, warning_ratio
from crm_migrate.report.figures.execute import duration_by_phase, rows_by_step
from crm_migrate.report.figures.partners import network
from crm_migrate.report.figures.proof import up_down_up
from crm_migrate.report.figures.rehearsal import rehearsed_steps
from crm_migrate.report.figures.relationships import (
    activities_by_month,
    organizations_per_contact,
    participants_per_opportunity,
)
from crm_migrate.report.figures.resources import resource_use
from crm_migrate.report.figures.simulate import criteria, records_by_target, rejects_by_reason, stage_mapping
from crm_migrate.report.figures.speed import throughput
from crm_migrate.report.figures.verify import counts_before_after, predicted_and_found

__all__ = [
    "activities_by_month",
    "counts_before_after",
    "criteria",
    "duration_by_phase",
    "findings_by_table",
    "network",
    "organizations_per_contact",
    "participants_per_opportunity",
    "predicted_and_found",
    "records_by_target",
    "rehearsed_steps",
    "rejects_by_reason",
    "resource_use",
    "rows_by_step",
    "stage_mapping",
    "throughput",
    "up_down_up",
    "warning_ratio",
]
