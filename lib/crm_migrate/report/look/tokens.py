"""The palette, the type and the spacing as CSS custom properties, for a page and for a notebook's output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from crm_migrate.report.look.palette import DARK, FONT, LIGHT, MONO

_TYPE = {"small": "13px", "text": "15px", "lead": "17px", "title": "20px", "figure": "24px", "head": "30px"}
_SPACE = {"gap-1": "4px", "gap-2": "8px", "gap-3": "12px", "gap-4": "16px", "gap-5": "24px", "gap-6": "40px"}
_SHAPE = {"round": "10px", "font": FONT, "mono": MONO}


def css_tokens(scope: Literal["page", "lab"]) -> str:
    """The custom properties.

    Args:
        scope: a `page` follows the reader's preference, or the choice made on the page, and is light in print; in
            JupyterLab (`lab`) only fragments are ours, and they follow the theme chosen there.
    """
    fixed, light, dark = _said(_SHAPE | _TYPE | _SPACE), _said(LIGHT), _said(DARK)
    if scope == "lab":
        return f'.crm {{ {fixed}; {light} }}\nbody[data-jp-theme-light="false"] .crm {{ {dark} }}'
    chosen = "@media screen { :root[data-theme=dark] { color-scheme: dark; " + dark + " } }"
    preferred = "@media screen and (prefers-color-scheme: dark) { :root:not([data-theme=light]) { color-scheme: dark; "
    return f":root {{ color-scheme: light; {fixed}; {light} }}\n{preferred}{dark} }} }}\n{chosen}"


def _said(tokens: Mapping[str, str]) -> str:
    return "; ".join(f"--{name}: {value}" for name, value in tokens.items())
