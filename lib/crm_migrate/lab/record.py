"""One record before and after, chosen by table and id."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import ipywidgets as widgets

from crm_migrate import explain, runs, snapshot, workflow
from crm_migrate.errors import NoSuchRun
from crm_migrate.lab import parts
from crm_migrate.lab.parts import Picture
from crm_migrate.report import views
from crm_migrate.report.parts import View


@dataclass(frozen=True, slots=True)
class Record:
    """The widgets: the table, the id, and the record."""

    table: widgets.Dropdown
    key: widgets.Text
    picture: Picture


def record(asked: str = "deals", run_id: str = runs.LATEST, *, show_personal_data: bool = False) -> Record:
    """Look at one record after the other.

    Args:
        asked: the one to begin with: a table and an id, such as `deals 42`; a table alone means its first record.
    """
    name, _, key = asked.strip().partition(" ")
    tables = _followed(run_id)
    made = Record(
        widgets.Dropdown(description="table", options=tables, value=name if name in tables else None),
        widgets.Text(description="id", value=key.strip(), continuous_update=False, placeholder="the first one"),
        Picture(),
    )

    def explained() -> View:
        found = workflow.explain_record(
            made.table.value or name,
            made.key.value.strip() or None,
            parts.folder(run_id).name,
            show_personal_data=show_personal_data,
        )
        return views.of("explanation", asdict(found))

    def draw(_change: object = None) -> None:
        made.picture.show_what(explained)

    made.table.observe(draw, "value")
    made.key.observe(draw, "value")
    draw()
    parts.put(widgets.VBox([widgets.HBox([made.table, made.key]), made.picture]), made.picture)
    return made


def _followed(run_id: str) -> tuple[str, ...]:
    try:
        return explain.followed(snapshot.of_run(parts.folder(run_id)))
    except NoSuchRun:  # which the picture says
        return ()
