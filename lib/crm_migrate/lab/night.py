"""The night: run it, pause it, watch it, come back to it; it goes on in a process of its own, whatever kernels do."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass, field

import ipywidgets as widgets

from crm_migrate import runs, workflow
from crm_migrate.errors import MigrationError
from crm_migrate.lab import parts
from crm_migrate.lab.parts import Picture
from crm_migrate.report import views
from crm_migrate.report.parts import Badge, View

_LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Night:
    """The widgets: the database's name typed back, what to do, whether to go on looking, and how far it is."""

    confirm: widgets.Text
    run: widgets.Button
    pause: widgets.Button
    follow: widgets.ToggleButton
    picture: Picture
    looking: list[threading.Thread] = field(default_factory=list)


def night(run_id: str = runs.LATEST) -> Night:
    """Drive and watch a run; after a restart of the kernel, or from another one, the same cell sees it again.

    The button stays shut until the name of the database stands there: the run is refused where it is another one.
    """
    name = parts.folder(run_id).name
    made = Night(
        widgets.Text(description="database", placeholder="its own name, typed back, changes it"),
        widgets.Button(description="Run, or go on", disabled=True),
        widgets.Button(description="Pause"),
        widgets.ToggleButton(description="Follow"),
        Picture(),
    )

    def seen() -> View:
        return views.of("sight", asdict(workflow.monitor(name)))

    def begun() -> View:
        begun = workflow.detach(name, confirm=made.confirm.value.strip())
        if begun.exit_code is not None:
            return View("Not begun", Badge("no", "bad"), begun.said)
        made.follow.value = True
        return View("Begun", Badge("at work", "good"), f"Run {name} goes on in process {begun.process}.")

    def paused() -> View:
        return View("Asked", Badge("pausing", "warn"), workflow.pause())

    def follow() -> None:
        stop = threading.Event()
        while made.follow.value:
            try:
                found = workflow.monitor(name)
            except MigrationError:
                break
            made.picture.show(views.of("sight", asdict(found)))
            if found.status != "running" or stop.wait(_LOOK_SECONDS):
                break
        made.follow.value = False

    def toggled(change: dict[str, object]) -> None:
        if change["new"]:
            thread = threading.Thread(target=follow, name="follow", daemon=True)
            made.looking.append(thread)
            thread.start()

    def named(_change: object) -> None:
        made.run.disabled = not made.confirm.value.strip()

    made.confirm.observe(named, "value")
    made.run.on_click(lambda _button: made.picture.show_what(begun))
    made.pause.on_click(lambda _button: made.picture.show_what(paused))
    made.follow.observe(toggled, "value")
    made.picture.show_what(seen)
    box = widgets.VBox([widgets.HBox([made.confirm, made.run, made.pause, made.follow]), made.picture])
    parts.put(box, made.picture)
    return made
