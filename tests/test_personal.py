"""Addresses and phone numbers are masked wherever they stray to: in any JSON, page or log (F2, H3)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import Server, scratch_database
from crm_migrate import personal, postgres, workflow
from crm_migrate.report import overview
from crm_migrate.settings import Settings
from nights import settings_for

_SECRETS = ("ann@secret.example", "0151 23456789", "+49 (151) 9876543", "015155566677")
_STRAY = """
    update public.deals set stage = 'call ann@secret.example' where id = 1;
    update public.deals set stage = '0151 23456789', category = '+49 (151) 9876543' where id = 2;
    update public.tasks set type = 'ann@secret.example' where id = 1;
    update public.tasks set type = '+49 (151) 9876543' where id = 2;
    update public."contactNotes" set status = '0151 23456789' where id = 1;
    update public."dealNotes" set type = '015155566677' where id = 1;
    update public.companies set sector = '015155566677', country = 'ann@secret.example' where id = 1;
    update public.contacts set gender = '0151 23456789', status = 'ann@secret.example' where id = 1;
    update public.tags set name = '+49 (151) 9876543' where id = 1;
"""


@pytest.fixture(scope="module")
def strayed(server: Server, sample_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with scratch_database(server, template=sample_template) as made:
        with postgres.connect(made.url, autocommit=True) as owner:
            owner.execute(_STRAY.encode())
        yield settings_for(made, tmp_path_factory.mktemp("strayed"))


def told(folder: Path) -> str:
    """Everything that people or programs read of a run."""
    kinds = ("*.json", "*.jsonl", "*.html", "*.sql", "*.log")
    return "\n".join(path.read_text() for kind in kinds for path in sorted(folder.rglob(kind)))


def test_no_address_and_no_phone_number_gets_into_json_pages_or_log(
    strayed: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    workflow.assess(settings=strayed)
    simulation = workflow.dry_run(settings=strayed)
    workflow.decide(settings=strayed)
    workflow.fixes(settings=strayed)
    folder = workflow.run_folder(settings=strayed)
    overview.write(folder)
    said = told(strayed.reports) + told(strayed.workspace / "logs") + capsys.readouterr().out
    assert [secret for secret in _SECRETS if secret in said] == []
    assert {"call a…@…", "0…"} <= {legacy for legacy, _stage, _deals in simulation.stages}
    assert "amount_by_stage" in said


def test_they_are_shown_where_personal_data_is_asked_for(strayed: Settings) -> None:
    found = workflow.assess(settings=strayed, show_personal_data=True)
    assert "0151 23456789" in {row[0] for row in found.totals["amount_by_stage"]}


@pytest.mark.parametrize(
    "number",
    ["+49 89 1234567", "0151 23456789", "(089) 123-4567", "089/1234567", "555-123-4567", "+15551234567", "2125551234",
     "01.23.45.67.89", "0049 89 1234567"],
)  # fmt: skip
def test_what_looks_like_a_phone_number_is_masked_in_a_text(number: str) -> None:
    assert personal.without_contacts(f"call {number} now") == f"call {number[0]}… now"
    assert personal.without_addresses(f"stage '{number}' is not mapped") == f"stage '{number[0]}…' is not mapped"


@pytest.mark.parametrize(
    "text",
    ["80331", "12345-6789", "2024-05-06", "2024-05-06 07:08:09+00", "06.05.2024", "Budget 2024/2025", "2.500.000",
     "9007199254740993", "9.5000000000", "deal 4711", "1,234,567", "won", "version 1.2.3", "100 - 250"],
)  # fmt: skip
def test_dates_amounts_and_codes_are_no_phone_numbers(text: str) -> None:
    assert personal.without_contacts(text) == text


def test_keys_and_figures_of_a_sentence_stay_as_they_are() -> None:
    sentence = "company 900000000042 does not exist; amount 9000000000000, expected 2099-05-06 07:08:09+00"
    assert personal.without_addresses(sentence) == sentence


def test_what_an_engine_says_of_an_error_quotes_no_row() -> None:
    said = personal.without_quotes("Conversion Error: Could not convert string 'Jane O''Hara' to INT64 in \"name\"")
    assert said == "Conversion Error: Could not convert string '…' to INT64 in \"name\""
