"""From views and charts to HTML: Jinja2 with autoescape, our own templates, nothing from any network (F1)."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import plotly.offline
from markupsafe import Markup

from crm_migrate.report import look
from crm_migrate.report.parts import Badge, Line, View

TEMPLATES = Path(__file__).resolve().parent / "templates"
MASKED = Badge("personal data masked, names too", "quiet")
SHOWN = Badge("shows personal data", "warn")
_FEW = 3  # rows that nobody needs to sort
_CAPTION = 52  # pixels of title and subtitle, which a page writes as text above the picture


@dataclass(frozen=True, slots=True)
class Link:
    """A link between the pages of a run; `here` is the page itself."""

    href: str
    text: str
    here: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure as a page shows it: title and subtitle as text, the picture as JSON that cannot leave its element.

    Attributes:
        width: the least, in pixels, at which it can be read; a narrower screen scrolls it sideways.
    """

    title: str
    subtitle: str
    alt: str
    height: int
    width: int
    json: Markup


def page(
    template: str,
    *,
    heading: str,
    where: str,
    links: Sequence[Link] = (),
    foot: Sequence[str] = (),
    charts: bool = False,
    personal: Badge = MASKED,
    notebook: str | None = None,
    **content: Any,
) -> str:
    """A whole page.

    Args:
        template: `notebook.html`, `dictionary.html`, `decision.html`, `index.html` or `runs.html`.
        where: what the page belongs to, at its top.
        charts: whether plotly.js comes along (4.8 MB); it is written once.
        personal: whether the page shows what tells of a person.
        notebook: the notebook behind it.
        content: what the template shows besides.
    """
    theme = _script("theme.js")
    scripts = (*((_plotly(), _script("charts.js")) if charts else ()), _script("tables.js"))
    return (
        _environment()
        .get_template(template)
        .render(
            heading=heading,
            title=f"{heading} · {where}",
            where=where,
            links=links,
            foot=foot,
            css=_css("page", "view.css", "page.css"),
            theme=Markup(theme),  # noqa: S704  our own file
            personal=personal,
            notebook=notebook,
            scripts=[Markup(script) for script in scripts],  # noqa: S704  our own files, free of "</script"
            policy=_policy((theme, *scripts)),
            **content,
        )
    )


def fragment(view: View | None = None, *, lines: Sequence[Line] | None = None) -> str:
    """A piece for a notebook's output, with its style: a view, or lines of progress."""
    long = view is not None and any(table.filters is not None or len(table.rows) > _FEW for table in view.tables)
    script = Markup(_script("tables.js")) if long else ""  # noqa: S704  our own file
    template = _environment().get_template("fragment.html")
    css = _css("lab", "view.css").replace(".crm", ".crm" * 3)  # else JupyterLab's rules for tables and lists win
    return template.render(view=view, lines=lines, css=css, script=script)


def chart(figure: Mapping[str, Any]) -> Markup:
    """A Plotly figure, as the notebook keeps it, for a page; title and subtitle become its caption.

    The JSON has no `<`, `>` or `&`: a company may be called `</script>`.
    """
    layout = dict(figure.get("layout") or {})
    title = layout.pop("title", None) or {}
    subtitle = (title.get("subtitle") or {}).get("text") or ""
    height = int(layout.pop("height", None) or 360) - _CAPTION
    legend = any(trace.get("showlegend") for trace in figure.get("data") or ())
    given = dict(layout.get("margin") or {})
    layout["margin"] = {"l": 4, "r": 24, "b": 44} | given | {"t": 40 if legend else 12}
    caption = html.unescape(str(title.get("text") or "Chart"))
    shown = Chart(
        title=caption,
        subtitle=html.unescape(subtitle),
        alt=str((layout.get("meta") or {}).get("alt") or caption),
        height=height,
        width=int((layout.get("meta") or {}).get("width") or 0),
        json=_harmless({"data": figure.get("data") or [], "layout": layout}),
    )
    macros: Any = _environment().get_template("view.html").module
    drawn: Markup = macros.chart(shown)
    return drawn


def failure(view: View) -> Markup:
    """The verdict block of a view, alone."""
    macros: Any = _environment().get_template("view.html").module
    said: Markup = macros.verdict(view)
    return said


def _harmless(value: object) -> Markup:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704  nothing is left in it that HTML would read


def _policy(scripts: Sequence[str]) -> str:
    """A content security policy: nothing from any network, and no script but the ones given, known by their hash."""
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" for script in scripts
    )
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _css(scope: Any, *names: str) -> Markup:
    text = "\n".join((look.css_tokens(scope), *((TEMPLATES / name).read_text(encoding="utf-8") for name in names)))
    return Markup(text)  # noqa: S704  our own files


@cache
def _plotly() -> str:
    """plotly.js as it comes with the package; line ends as a browser reads them, since its hash is taken."""
    return str(plotly.offline.get_plotlyjs()).replace("\r\n", "\n").replace("\r", "\n")


@cache
def _script(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")
