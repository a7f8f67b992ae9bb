"""The decision, taken with a name and a reason."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import ipywidgets as widgets

from crm_migrate import runs, workflow
from crm_migrate.lab import parts
from crm_migrate.lab.parts import Picture
from crm_migrate.report import views
from crm_migrate.report.parts import View


@dataclass(frozen=True, slots=True)
class Decision:
    """The widgets: who, why, the button that records it, and what was decided."""

    name: widgets.Text
    comment: widgets.Textarea
    record: widgets.Button
    picture: Picture


def decision(run_id: str = runs.LATEST) -> Decision:
    """Weigh all criteria and record who takes the decision; reads of the database only."""
    made = Decision(
        widgets.Text(description="your name"),
        widgets.Textarea(description="reason", placeholder="why you take it; kept with the decision"),
        widgets.Button(description="Record the decision", disabled=True),
        Picture(),
    )

    def decided() -> View:
        found = workflow.decide(
            parts.folder(run_id).name, approved_by=made.name.value.strip(), comment=made.comment.value.strip()
        )
        return views.of("decision", asdict(found))

    def named(_change: object) -> None:
        made.record.disabled = not made.name.value.strip()

    made.name.observe(named, "value")
    made.record.on_click(lambda _button: made.picture.show_what(decided))
    made.picture.show_what(lambda: views.of("decision", parts.read(run_id).stage("decision")))
    parts.put(widgets.VBox([made.name, made.comment, made.record, made.picture]), made.picture)
    return made
