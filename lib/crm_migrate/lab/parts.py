"""What the widgets share: a picture that is drawn again in place, and how they are put into a notebook."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import ipywidgets as widgets
from IPython.display import display

from crm_migrate import runs, workflow
from crm_migrate.errors import MigrationError, NoSuchRun
from crm_migrate.report import render, saved
from crm_migrate.report.parts import Badge, View
from crm_migrate.report.saved import Saved

ALL = "all"


class Picture(widgets.HTML):  # type: ignore[misc]
    """A view, drawn again whenever another one is shown."""

    def show(self, view: View) -> None:
        """Show `view` in place of what was there."""
        self.value = render.fragment(view)

    def show_what(self, make: Callable[[], View]) -> None:
        """Show what `make` comes to; an error of ours is shown as its paragraph."""
        try:
            self.show(make())
        except NoSuchRun as error:
            self.show(View("Not yet", Badge("not yet", "quiet"), f"{error}."))
        except MigrationError as error:
            reasons = (error.hint,) if error.hint else ()
            self.show(View("Not done", Badge("no", "bad"), f"{error}.", reasons=reasons))


def folder(run_id: str) -> Path:
    """A run's folder; `new` is taken for the latest, which a cell above began."""
    return workflow.run_folder(runs.LATEST if run_id == runs.NEW else run_id)


def read(run_id: str) -> Saved:
    """What a run has saved so far."""
    place = folder(run_id)
    with saved.reading(place):
        return saved.load(place)


def put(box: widgets.Widget, *pictures: Picture) -> None:
    """Put a widget into the notebook, and its pictures in its place where nothing draws widgets."""
    shown = {"text/html": "".join(picture.value for picture in pictures), "text/plain": "a widget of JupyterLab"}
    model = {"version_major": 2, "version_minor": 0, "model_id": box.model_id}
    display({"application/vnd.jupyter.widget-view+json": model, **shown}, raw=True)
