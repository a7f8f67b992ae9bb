"""A run for a CI job: one screen of Markdown, and the checks as JUnit XML. Neither holds a value of a row."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree

from crm_migrate import catalog, files, personal
from crm_migrate.catalog import Check
from crm_migrate.report import look, overview, saved, views
from crm_migrate.report.parts import View
from crm_migrate.report.saved import Facts, Saved

MARKDOWN, JUNIT = "summary.md", "checks.xml"
_STAGES = ("assessment", "simulation", "rehearsal", "decision", "run", "verification")
_MOST = 10  # checks, and reasons
_MARKS = {"good": "✅", "bad": "❌", "warn": "⚠️"}


def write(folder: Path, *, stopped: str = "") -> Path:
    """Write `summary.md` and `checks.xml` of a run, as far as it has come.

    In a job of GitHub Actions the Markdown is its summary, too (GITHUB_STEP_SUMMARY).

    Args:
        stopped: what stopped the notebooks, in words that may be shown; it stands in the place of a verdict.

    Returns:
        The Markdown's path.

    Raises:
        DamagedFile: a stage's file is not what this version saves.
    """
    with saved.reading(folder):
        run = saved.load(folder)
        text = markdown(run, stopped=stopped)
        files.write_text(folder / MARKDOWN, text)
        files.write_text(folder / JUNIT, junit(run, catalog.load().checks))
    job = os.environ.get("GITHUB_STEP_SUMMARY")
    if job:
        with Path(job).open("a", encoding="utf-8") as summary:
            summary.write(text)
    return folder / MARKDOWN


def markdown(run: Saved, *, stopped: str = "") -> str:
    """Verdict, or what stopped the run, stages with their figures, the criteria, and the checks that found most."""
    shown = [views.of(stage, run.stage(stage)) for stage in _STAGES if run.stage(stage)]
    lines = [f"## CRM migration, run {run.run_id}", ""]
    if stopped:
        lines += [f"{_MARKS['bad']} **Stopped** {_cell(_said(stopped))}", ""]
    elif not shown:
        lines += ["Nothing was decided yet.", ""]
    else:
        lines += _verdict(overview.verdict(run))
    if not shown:
        return "\n".join(lines)
    lines += ["", *_table(("stage", "", "figures"), (_stage(view) for view in shown))]
    criteria = saved.items(run.stage("decision").get("criteria"))
    if criteria:
        plain = [criterion for criterion in criteria if criterion["value"] == "ok" and criterion["ok"]]
        held = [
            (
                _MARKS["good" if criterion["ok"] else "bad"],
                criterion["name"],
                look.measured(criterion["name"], criterion["value"]),
                look.measured(criterion["name"], criterion["limit"]),
            )
            for criterion in criteria
            if criterion not in plain
        ]
        if plain:
            held.append((_MARKS["good"], f"pre-flight: {look.plural(len(plain), 'check')}", "ok", "ok"))
        lines += ["", *_table(("", "criterion", "value", "limit"), held)]
    found = _worst(run)
    if found:
        rows = (
            (check["severity"], check["check"], f"{check['failing']:,} of {check['total']:,}", _said(check["fix"]))
            for check in found[:_MOST]
        )
        lines += ["", *_table(("severity", "check", "rows", "what to do"), rows)]
        if len(found) > _MOST:
            lines += ["", f"{len(found) - _MOST} more checks found blockers or warnings; the page lists them."]
    return "\n".join([*lines, ""])


def junit(run: Saved, known: Sequence[Check]) -> str:
    """One test case a check: a blocker is a failure, and so is a warning where their share is beyond its limit.

    Args:
        known: the checks of the catalogue; one that the assessment does not hold was not run, and is skipped.
    """
    checks = saved.items(run.stage("assessment").get("checks"))
    ratio = float(run.stage("assessment").get("warning_ratio") or 0)
    strict = bool(checks) and ratio >= saved.warning_limit(run.stage("decision"))
    suite = ElementTree.Element("testsuite", name="crm-migrate checks")
    failures = 0
    for check in checks:
        case = ElementTree.SubElement(suite, "testcase", classname=check["table"], name=check["check"])
        if not check["failing"] or check["severity"] == "info":
            continue
        said = f"{check['failing']:,} of {check['total']:,} rows. {_said(check['why'])} {_said(check['fix'])}"
        if check["severity"] == "blocker" or strict:
            failures += 1
            failure = ElementTree.SubElement(case, "failure", type=check["severity"], message=said)
            failure.text = said
        else:
            ElementTree.SubElement(case, "system-out").text = f"{check['severity']}: {said}"
    asked = {check["check"] for check in checks}
    skipped = [one for one in known if one.name not in asked]
    for one in skipped:
        case = ElementTree.SubElement(suite, "testcase", classname=one.table, name=one.name)
        ElementTree.SubElement(case, "skipped", message="It was not run: no assessment, or no such table.")
    suite.set("tests", str(len(checks) + len(skipped)))
    suite.set("skipped", str(len(skipped)))
    suite.set("failures", str(failures))
    suite.set("errors", "0")
    suites = ElementTree.Element("testsuites")
    suites.append(suite)
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _verdict(head: View) -> Iterator[str]:
    yield f"{_MARKS.get(head.badge.tone, '')} **{_cell(head.badge.word)}** {_cell(head.sentence)}"
    yield ""
    yield from (f"- {_cell(reason)}" for reason in head.reasons[:_MOST])
    if len(head.reasons) > _MOST:
        yield f"- and {len(head.reasons) - _MOST} more"


def _worst(run: Saved) -> list[Facts]:
    rank = {"blocker": 0, "warning": 1}
    found = [
        check
        for check in saved.items(run.stage("assessment").get("checks"))
        if check["failing"] and check["severity"] in rank
    ]
    return sorted(found, key=lambda check: (rank[check["severity"]], -check["failing"]))


def _stage(view: View) -> tuple[str, str, str]:
    figures = ", ".join(f"{card.label} {card.value}" for card in view.cards)
    return view.title, f"{_MARKS.get(view.badge.tone, '')} {view.badge.word}", figures


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(map(_cell, row))} |"


def _said(text: str) -> str:
    return personal.without_addresses(text)


def _cell(text: str) -> str:
    """A text that stays within its cell, and is no markup."""
    plain = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")
    return plain.replace("`", "'").replace("[", "\\[").replace("*", "\\*")
