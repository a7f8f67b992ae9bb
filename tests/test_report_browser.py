"""Pages in a real browser: no request, no error, the verdict first, legible in light and dark, usable by keyboard.

Screenshots go to `$CI_ARTIFACTS`, or to `artifacts/`, which git ignores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from playwright.sync_api import Browser, Page

import saved_run
from browsers import SHOTS
from crm_migrate.report import figures, overview, render, saved, views

DESK, TELEPHONE = (1280, 800), (390, 844)
PAGES = ("01_assess.html", "02_dry_run.html", "03_execute.html", "04_verify.html", "index.html", "../index.html")
MOST_BYTES = 6_000_000
_CONTRAST = """
() => {
  const light = (color) => color.match(/[\\d.]+/g).slice(0, 3).map(Number)
    .map((part) => part / 255).map((part) => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0);
  const paper = light(getComputedStyle(document.querySelector("figure.chart")).backgroundColor);
  return [...document.querySelectorAll(".plot svg text:not(.bartext-inside)")]
    .filter((text) => text.textContent.trim())
    .map((text) => [light(getComputedStyle(text).fill), paper].sort((a, b) => a - b))
    .map(([dark, bright]) => (bright + 0.05) / (dark + 0.05));
}
"""


_CUT = """
() => [...document.querySelectorAll(".plot .main-svg text")].filter((text) => {
  const [one, all] = [text, text.ownerSVGElement].map((element) => element.getBoundingClientRect());
  return one.width && (one.left < all.left - 2 || one.right > all.right + 2);
}).map((text) => text.textContent)
"""


@dataclass
class Opened:
    """A page that a browser has opened from disk, and what it had to say."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of four notebooks: one holds every chart there is, all of them tables, a heat map and two sides."""
    folder = saved_run.write(tmp_path_factory.mktemp("reports") / "run-1")
    found = saved.load(folder)
    cells = [new_markdown_cell("# Every chart\n\nWhat it does.")]
    for name in figures.__all__:
        drawn = getattr(figures, name)(found)
        data = {"application/vnd.plotly.v1+json": drawn.to_plotly_json() | {"layout": drawn.layout.to_plotly_json()}}
        cells += [
            new_markdown_cell(f"## About {name}\n\nLook."),
            new_code_cell(name, outputs=[new_output("display_data", data=data)]),
        ]
    profile = {**found.stage("profile"), "rows": found.stage("assessment")["snapshot"]["rows"]}
    shown = {
        "checks": views.of("checks", found.stage("assessment")),
        "columns": views.of("profile", found.stage("profile")),
        "completeness": views.of("completeness", profile),
        "record": views.of("explanation", saved_run.EXPLANATION),
    }
    for name, view in shown.items():
        output = new_output("display_data", data={"text/html": render.fragment(view)})
        cells += [new_markdown_cell(f"## The {name}\n\nLook."), new_code_cell(name, outputs=[output])]
    tables = [new_markdown_cell("# Every table"), *cells[1 + 2 * len(figures.__all__) :]]
    for name in overview.NOTEBOOKS:
        part = cells if name == "01_assess" else tables
        nbformat.write(new_notebook(cells=part), folder / f"{name}.ipynb")
    overview.write(folder)
    return folder


@pytest.fixture
def opens(browser: Browser) -> Iterator[Callable[..., Opened]]:
    """Opens a file as a reader would: of this size, with this taste for colours; closed with the test."""
    contexts = []

    def open_page(path: Path, size: tuple[int, int] = DESK, scheme: Any = "light") -> Opened:
        context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
        contexts.append(context)
        found = Opened(context.new_page())
        found.page.on("console", lambda message: found.said.append(message.text))
        found.page.on("pageerror", lambda error: found.said.append(str(error)))
        found.page.on("dialog", lambda dialog: found.said.append(dialog.message))
        found.page.on("request", lambda request: found.asked.append(request.url))
        found.page.goto(path.resolve().as_uri())
        return found

    yield open_page
    for context in contexts:
        context.close()


def test_a_page_draws_every_chart_asks_for_nothing_and_has_nothing_to_complain_of(
    run: Path, opens: Callable[..., Opened]
) -> None:
    opened = opens(run / "01_assess.html")
    assert opened.page.locator(".plot.js-plotly-plot").count() == len(figures.__all__)
    assert opened.said == []  # an error, a dialog, or a script that the policy stops would stand here
    assert [url for url in opened.asked if not url.startswith("data:")] == [opened.page.url]


@pytest.mark.parametrize("name", PAGES)
def test_the_verdict_is_seen_without_scrolling_and_nothing_stands_out_to_the_right(
    name: str, run: Path, opens: Callable[..., Opened]
) -> None:
    for size, scheme in ((DESK, "light"), (TELEPHONE, "dark")):
        opened = opens(run / name, size, scheme)
        place = opened.page.locator(".verdict, table .badge").first.bounding_box()
        assert place is not None
        assert place["y"] + place["height"] <= size[1]
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= size[0]
        assert opened.said == []
        SHOTS.mkdir(parents=True, exist_ok=True)
        shot = f"{'runs' if name.startswith('.') else Path(name).stem}-{size[0]}-{scheme}.jpg"
        opened.page.screenshot(path=SHOTS / shot, full_page=True, type="jpeg", quality=70)


@pytest.mark.parametrize("size", [DESK, TELEPHONE])
def test_a_long_name_in_the_list_of_runs_hides_nothing(
    size: tuple[int, int], tmp_path: Path, opens: Callable[..., Opened]
) -> None:
    overview.write(saved_run.write(tmp_path / "run-1", decision={"approved_by": "N" * 80}))
    opened = opens(tmp_path / "index.html", size)
    assert opened.page.evaluate(
        "[...document.querySelectorAll('.scroll')].map(e => e.scrollWidth - e.clientWidth)"
    ) == [0]


def test_no_label_of_a_chart_is_cut_on_a_telephone(run: Path, opens: Callable[..., Opened]) -> None:
    opened = opens(run / "01_assess.html", TELEPHONE)
    opened.page.wait_for_function("document.querySelectorAll('.plot svg text').length > 100")
    assert opened.page.evaluate(_CUT) == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_small_enough_to_send(name: str, run: Path) -> None:
    assert (run / name).stat().st_size <= (MOST_BYTES if name[:1] == "0" else 100_000)


@pytest.mark.parametrize(
    ("name", "scheme"),
    [("01_assess.html", "light"), ("02_dry_run.html", "dark"), ("index.html", "dark"), ("../index.html", "light")],
)
def test_axe_finds_nothing_that_keeps_a_reader_out(
    name: str, scheme: str, run: Path, opens: Callable[..., Opened]
) -> None:
    page = opens(run / name, DESK, scheme).page
    page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    found = Axe().run(page).response["violations"]
    assert [(one["id"], one["impact"], one["nodes"][0]["html"]) for one in found] == []


def test_a_reader_chooses_dark_or_light_and_every_word_of_a_chart_stays_legible(
    run: Path, opens: Callable[..., Opened]
) -> None:
    opened = opens(run / "01_assess.html")
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    chart = "getComputedStyle(document.querySelector('.plot .bg')).fill"
    before = [opened.page.evaluate(what) for what in (ground, chart)]
    contrasts = opened.page.evaluate(_CONTRAST)
    opened.page.get_by_role("button", name="Show this page in dark colours").click()
    after = [opened.page.evaluate(what) for what in (ground, chart)]
    assert not set(before) & set(after)
    contrasts += opened.page.evaluate(_CONTRAST)
    opened.page.get_by_role("button", name="Show this page in light colours").click()
    assert [opened.page.evaluate(what) for what in (ground, chart)] == before
    assert len(contrasts) > 400
    assert min(contrasts) >= 4.5  # every word of a chart against its paper, in both
    assert opened.said == []


def test_paper_is_white_whatever_the_screen_shows(run: Path, opens: Callable[..., Opened]) -> None:
    page = opens(run / "index.html", DESK, "dark").page
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(24, 32, 44)"


def test_charts_fit_on_paper_are_legible_there_and_are_as_before_when_it_is_printed(
    run: Path, opens: Callable[..., Opened]
) -> None:
    page = opens(run / "01_assess.html", (1600, 900), "dark").page
    wide = "[...document.querySelectorAll('.plot .main-svg')].map((drawn) => drawn.getBoundingClientRect().width)"
    faded = "[...document.querySelectorAll('.sankey-link')].filter((link) => getComputedStyle(link).opacity < 1).length"
    before = page.evaluate(wide)
    assert max(before) > 640
    page.emulate_media(media="print", color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    printed = page.evaluate(wide)
    assert len(printed) == len(before)
    assert max(printed) <= 641  # what fits between the margins of a sheet
    assert min(page.evaluate(_CONTRAST)) >= 4.5
    assert page.evaluate(faded) == 0
    assert page.evaluate(_CUT) == []
    page.emulate_media(media="screen", color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate(wide) == before
    assert page.evaluate("document.documentElement.dataset.theme") is None


def test_the_keyboard_reaches_the_content_unfolds_detail_and_sorts_a_table(
    run: Path, opens: Callable[..., Opened]
) -> None:
    opened = opens(run / "02_dry_run.html")
    page = opened.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the content"
    section = page.locator("details.section", has=page.locator("summary", has_text="The checks")).first
    section.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert section.evaluate("part => part.open")
    rows = section.locator("td:nth-child(5)")
    section.get_by_role("button", name="rows").focus()
    page.keyboard.press("Enter")
    assert rows.all_inner_texts() == ["0", "1", "3", "12"]
    page.keyboard.press("Enter")
    assert rows.all_inner_texts() == ["12", "3", "1", "0"]
    assert section.locator("th[aria-sort=descending]").count() == 1
    assert opened.said == []


def test_a_reader_chooses_rows_of_a_long_table(run: Path, opens: Callable[..., Opened]) -> None:
    opened = opens(run / "02_dry_run.html")
    page = opened.page
    page.locator("summary", has_text="The checks").first.click()
    section = page.locator("details.section[open]").first
    section.get_by_label("search").fill("warning nowhere")
    assert section.locator("output").inner_text() == "0 of 4 rows"
    section.get_by_label("search").fill("bad_email")
    assert section.locator("output").inner_text() == "1 of 4 rows"
    assert section.locator("tbody tr:visible").count() == 1
    assert opened.said == []


def test_a_company_that_is_called_like_a_script_is_a_name_in_every_picture(
    run: Path, opens: Callable[..., Opened]
) -> None:
    opened = opens(run / "01_assess.html")
    assert "</script><script>" in opened.page.locator(".plot", has_text="Corner Shop").first.inner_text()
    assert opened.said == []  # no alert


def test_the_browser_would_tell_of_a_request_and_of_a_foreign_script(
    run: Path, tmp_path: Path, opens: Callable[..., Opened]
) -> None:
    text = (run / "index.html").read_text(encoding="utf-8")
    foreign = '<img src="http://example.invalid/a.png" alt=""><script>document.title = "run"</script></main>'
    (tmp_path / "foreign.html").write_text(text.replace("</main>", foreign), encoding="utf-8")
    opened = opens(tmp_path / "foreign.html")
    assert len(opened.said) == 2
    assert opened.page.title() != "run"
