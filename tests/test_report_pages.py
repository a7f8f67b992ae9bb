"""Pages open from disk, offline, under a strict policy, and hold no markup that came from the data."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import saved_run
from crm_migrate.errors import NoSuchRun, Refused
from crm_migrate.report import figures, overview, pages, render, saved, summary, views
from crm_migrate.report.parts import View

MAX_BYTES = 6_000_000


class Parsed(HTMLParser):
    """What of a page asks for something or runs something."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.references: list[str] = []
        self.scripts: list[str] = []
        self.handlers: list[str] = []
        self.links: list[str] = []
        self.policy = ""
        self._runs = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.handlers += [name for name in given if name.startswith("on")]
        if tag == "a":
            self.links += [given.get("href") or ""] if given.get("class") != "skip" else []
        else:
            self.references += [given[name] or "" for name in ("src", "href", "data", "srcset") if name in given]
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given.get("content") or ""
        self._runs = tag == "script" and given.get("type") != "application/json"
        if self._runs:
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._runs = False

    def handle_data(self, data: str) -> None:
        if self._runs:
            self.scripts[-1] += data


def executed(folder: Path, *outputs: Any, name: str = "01_assess") -> Path:
    cells = [new_markdown_cell("# Is the data *fit*?\n\nIt changes nothing."), new_code_cell('run_id = "latest"')]
    cells += [new_code_cell("notebook.figure(chart)", outputs=[output], execution_count=2) for output in outputs]
    notebook = new_notebook(cells=cells, metadata={"language_info": {"name": "python"}})
    nbformat.write(notebook, folder / f"{name}.ipynb")
    return folder / f"{name}.ipynb"


def drawn(run: Path, *names: str) -> list[Any]:
    return [
        new_output(
            "execute_result",
            execution_count=2,
            data={
                "application/vnd.plotly.v1+json": json.loads(
                    getattr(figures, name)(saved.load(run)).to_json(engine="json")
                ),
                "text/plain": "Figure()",
            },
        )
        for name in names
    ]


def shown(run: Path, stage: str) -> Any:
    return new_output(
        "display_data", data={"text/html": render.fragment(views.of(stage, saved.load(run).stage(stage)))}
    )


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return saved_run.write(tmp_path / "reports" / "run-1")


@pytest.fixture
def page(run: Path) -> str:
    outputs = [shown(run, "assessment"), *drawn(run, "findings_by_table", "stage_mapping", "criteria")]
    return overview.notebook_html(executed(run, *outputs)).read_text(encoding="utf-8")


def test_a_page_refers_to_nothing_outside_itself(page: str) -> None:
    parsed = Parsed(page)
    assert [found for found in parsed.references if not found.startswith("data:")] == []
    assert not [link for link in parsed.links if "//" in link]
    styles = "".join(re.findall(r"<style>(.*?)</style>", page, re.DOTALL))
    assert "url(" not in styles
    assert "@import" not in styles


def test_plotly_comes_once_a_page_and_the_page_stays_under_its_size(page: str) -> None:
    scripts = Parsed(page).scripts
    assert [len(script) > 1_000_000 for script in scripts].count(True) == 1
    assert page.count('class="plot"') == 3
    assert len(page.encode()) <= MAX_BYTES


def test_a_page_without_a_chart_brings_no_plotly_along(run: Path) -> None:
    page = overview.notebook_html(executed(run, shown(run, "assessment"))).read_text(encoding="utf-8")
    assert not any("plotly" in script.lower() for script in Parsed(page).scripts)
    assert len(page) < 100_000


def test_the_policy_allows_the_page_s_own_scripts_and_nothing_else(page: str) -> None:
    parsed = Parsed(page)
    hashes = {base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in parsed.scripts}
    assert set(re.findall(r"'sha256-([^']+)'", parsed.policy)) == hashes
    assert "default-src 'none'" in parsed.policy
    assert "unsafe-eval" not in parsed.policy
    assert parsed.handlers == []


def test_a_name_that_ends_a_script_stays_a_name(page: str) -> None:
    assert saved_run.NASTY not in page
    assert not any("alert(1)" in script for script in Parsed(page).scripts)
    assert "&lt;/script&gt;&lt;script&gt;alert(1)" in page


def test_the_verdict_stands_before_the_notebook_s_own_words_and_once_only(page: str) -> None:
    verdict = "Nothing stands in the way; 0.52 % of the records have a warning."
    assert page.count(verdict) == 1
    assert page.index(verdict) < page.index("It changes nothing.")
    assert page.count("<h1>") == 1


def test_warnings_over_the_line_are_no_good_news(run: Path) -> None:
    view = views.of("assessment", saved_run.ASSESSMENT | {"warning_ratio": 0.031})
    assert (view.badge.word, view.badge.tone) == ("too many warnings", "bad")
    assert view.sentence == "3.1 % of the records have a warning; from 1 % on it is NO-GO."


def test_code_stays_in_the_notebook_which_is_linked_and_what_it_was_run_with_is_told(run: Path) -> None:
    given = new_code_cell('run_id = "run-7"  # which', metadata={"tags": ["parameters"]})
    notebook = nbformat.read(executed(run, *drawn(run, "criteria")), as_version=4)
    notebook.cells.append(given)
    nbformat.write(notebook, run / "01_assess.ipynb")
    page = overview.notebook_html(run / "01_assess.ipynb").read_text(encoding="utf-8")
    assert "notebook.figure(chart)" not in page
    assert "01_assess.ipynb" in Parsed(page).links
    assert "<code>run_id = &#39;run-7&#39;</code>" in page


@pytest.mark.parametrize(
    ("shown", "said"), [("False", "personal data masked, names too"), ("True", "shows personal data")]
)
def test_a_page_says_whether_personal_data_is_masked(run: Path, shown: str, said: str) -> None:
    executed(run, *drawn(run, "criteria"))
    notebook = nbformat.read(run / "01_assess.ipynb", as_version=4)
    notebook.cells.append(new_code_cell(f"show_personal_data = {shown}", metadata={"tags": ["injected-parameters"]}))
    nbformat.write(notebook, run / "01_assess.ipynb")
    assert f"</span> {said}</span>" in overview.notebook_html(run / "01_assess.ipynb").read_text(encoding="utf-8")


def test_pictures_come_before_what_folds(run: Path) -> None:
    cells = [
        new_markdown_cell("# Is the data fit?"),
        new_markdown_cell("## A table of it\n\nLook."),
        new_code_cell("1", outputs=[shown(run, "assessment")]),
        new_markdown_cell("## A picture of it\n\nLook."),
        new_code_cell("2", outputs=drawn(run, "criteria")),
    ]
    nbformat.write(new_notebook(cells=cells), run / "01_assess.ipynb")
    page = overview.notebook_html(run / "01_assess.ipynb").read_text(encoding="utf-8")
    assert page.index("<h2>A picture of it</h2>") < page.index("<h2>In detail</h2>")
    assert page.index("<h2>In detail</h2>") < page.index("<summary>A table of it</summary>")


def test_a_cell_that_our_own_error_stopped_gives_message_and_hint_and_no_traceback(run: Path) -> None:
    error = Refused("the gate is closed: nobody has approved it", hint="Run `crm-migrate decide --approved-by NAME`.")
    output = new_output("error", ename="Refused", evalue=str(error), traceback=error._render_traceback_())
    cells = [
        new_markdown_cell("# Run the migration"),
        new_markdown_cell("## Execute\n\nIt changes the database."),
        new_code_cell("run = workflow.execute(run_id)", outputs=[output], execution_count=2),
        new_markdown_cell("## Where the time went\n\nCompare it."),
        new_code_cell("notebook.figure(chart)"),
    ]
    nbformat.write(new_notebook(cells=cells), run / "03_execute.ipynb")
    page = overview.notebook_html(run / "03_execute.ipynb").read_text(encoding="utf-8")
    assert "stopped in cell 2 under “Execute”: the gate is closed: nobody has approved it" in page
    assert "What to do: Run `crm-migrate decide --approved-by NAME`." in page
    assert "stopped here" in page
    assert "workflow.execute" not in page
    assert "Where the time went" not in page  # it was not come to


def test_a_cell_that_an_unforeseen_error_stopped_shows_its_kind_and_keeps_its_text_to_itself(run: Path) -> None:
    output = new_output(
        "error", ename="KeyError", evalue="ann@example.com", traceback=["Traceback (most recent call last)", "line 7"]
    )
    page = overview.notebook_html(executed(run, output)).read_text(encoding="utf-8")
    assert "nobody foresaw (KeyError)" in page
    assert "ann@example.com" not in page
    assert "Traceback" not in page


def test_every_link_of_the_index_leads_to_a_file_that_is_there(run: Path) -> None:
    for name in overview.NOTEBOOKS:
        executed(run, *drawn(run, "warning_ratio"), name=name)
    index = overview.write(run)
    for page in [index, *(run / f"{name}.html" for name in overview.NOTEBOOKS), run.parent / "index.html"]:
        links = Parsed(page.read_text(encoding="utf-8")).links
        assert links
        assert [link for link in links if not (page.parent / link).is_file()] == []


def test_the_index_tells_the_whole_run_from_its_files(run: Path) -> None:
    page = overview.write(run).read_text(encoding="utf-8")
    for said in ("767 rows of 6 tables", "Ada Reviewer", "529 new rows", "All 5 phases are done", "each as predicted"):
        assert said in page


def test_the_index_of_a_run_that_has_just_begun_says_what_is_not_there_yet(tmp_path: Path) -> None:
    (tmp_path / "run-2").mkdir()
    page = overview.write(tmp_path / "run-2").read_text(encoding="utf-8")
    assert page.count("There is nothing yet.") == 6


def test_a_migration_taken_back_is_no_longer_called_verified(tmp_path: Path) -> None:
    run = saved_run.write(tmp_path / "run-3", run={"status": "rolled_back"})
    verdict = '<div class="verdict tone-warn">\n<p><span class="badge tone-warn">'
    index = overview.write(run).read_text(encoding="utf-8")
    assert verdict in index
    assert "Forecast against fact" not in index  # of which nothing is left
    shown = executed(run, *drawn(run, "rows_by_step"), name="04_verify")
    page = overview.notebook_html(shown).read_text(encoding="utf-8")
    assert verdict in page  # before anything that was verified once
    assert page.index("The migration was taken back") < page.index("each as predicted")


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("running", "The migration is being taken back: 1 of 5 phases so far."),
        ("stopped", "The way back stopped after 1 of 5 phases. Mend the cause; the same command goes on."),
    ],
)
def test_a_way_back_that_has_begun_comes_before_what_was_verified(tmp_path: Path, state: str, said: str) -> None:
    phases = [*saved_run.RUN["phases"][:-1], saved_run.RUN["phases"][-1] | {"status": "reverted"}]
    back = {"status": state, "stage": "revert", "phases": phases, "error": "the session was lost"}
    run = saved_run.write(tmp_path / "run-4", run=back)
    index = overview.write(run).read_text(encoding="utf-8")
    assert index.index(said) < index.index("each as predicted")
    assert "Forecast against fact" not in index
    page = overview.notebook_html(executed(run, name="04_verify")).read_text(encoding="utf-8")
    assert page.index(said) < page.index("each as predicted")
    assert said in (tmp_path / "index.html").read_text(encoding="utf-8")
    assert ("the session was lost" in index) is (state == "stopped")


def test_pages_written_anew_bring_the_summary_of_a_run_taken_back_up_to_date(tmp_path: Path) -> None:
    run = saved_run.write(tmp_path / "run-6")
    summary.write(run)
    saved_run.write(run, run={"status": "rolled_back", "stage": "revert"})
    for name in ("03_execute", "04_verify"):
        executed(run, name=name)  # newer than the files, so that no kernel is started
    pages.write(run)
    assert "**rolled back**" in (run / "summary.md").read_text(encoding="utf-8").splitlines()[2]


def test_a_stopped_run_names_its_reason_and_no_time_of_a_phase_that_never_began(tmp_path: Path) -> None:
    phases = [*saved_run.RUN["phases"][:-1], saved_run.RUN["phases"][-1] | {"status": "pending", "seconds": 0.0}]
    stopped = {"status": "stopped", "stage": "phases", "phases": phases, "error": "the disk is full"}
    run = saved_run.write(tmp_path / "run-5", run=stopped, verification=None)
    index = overview.write(run).read_text(encoding="utf-8")
    assert index.index("Stopped after 4 of 5 phases") < index.index("the disk is full") < index.index("What happened")
    assert "0.0 s" not in index


def test_the_list_of_runs_names_each_the_newest_first(tmp_path: Path) -> None:
    for name in ("20261101T000000Z", "20261122T000000Z"):
        overview.write(saved_run.write(tmp_path / name))
    (tmp_path / "no-run").mkdir()
    listed = Parsed((tmp_path / "index.html").read_text(encoding="utf-8")).links
    assert listed == ["20261122T000000Z/index.html", "20261101T000000Z/index.html"]
    assert "files of this run" not in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_pages_of_a_run_that_is_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NoSuchRun):
        pages.write(tmp_path / "never")


def test_a_long_table_has_its_controls_once_and_rows_without_them(run: Path) -> None:
    checks = shown_view(views.of("checks", saved.load(run).stage("assessment")))
    columns = shown_view(views.of("profile", saved.load(run).stage("profile")))
    page = overview.notebook_html(executed(run, checks, columns)).read_text(encoding="utf-8")
    assert sum("dataset.filter" in script for script in Parsed(page).scripts) == 1
    assert page.count("<table data-filter=") == 2
    assert "deals.unknown_stage" in page
    assert saved_run.NASTY not in page


def test_failing_rows_are_shown_worst_first_and_without_an_address(run: Path) -> None:
    view = views.failing(*saved.load(run).findings())
    assert view.sentence == "2 findings in all. All of them are in findings.parquet."
    assert [row[2] for row in view.tables[0].rows] == ["contacts.bad_email", "deals.unknown_stage"]
    assert "zebedee" not in str(view)


def test_some_failing_rows_of_each_check_are_shown_and_the_rest_is_counted(run: Path) -> None:
    rows, total = saved.load(run).findings(most=1)
    assert views.failing(rows, total).sentence.startswith("2 findings in all; 1 are shown here")


def test_a_run_without_findings_shows_none(tmp_path: Path) -> None:
    assert views.failing(*saved.load(tmp_path).findings()).badge.word == "none"


def test_the_view_of_columns_draws_how_values_are_spread(run: Path) -> None:
    rows = {row[1]: row for row in views.of("profile", saved.load(run).stage("profile")).tables[0].rows}
    assert rows["archived_at"][6] == "▅█\n2026-09 to 2026-10, by month"
    assert rows["archived_at"][2] == "timestamptz"
    assert rows["first_name"][7] == "A… (7)\nB… (5)"


def shown_view(view: View) -> Any:
    return new_output("display_data", data={"text/html": render.fragment(view)})
