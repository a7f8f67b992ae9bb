"""The analyst's files: good ones become equal tables on both engines, and of bad ones every wrong line is told."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from pathlib import Path

import pytest

from conftest import Database
from crm_migrate import catalog as catalogs
from crm_migrate import duck, inputs, postgres
from crm_migrate.catalog import Catalog
from crm_migrate.errors import BadInputs
from crm_migrate.inputs import Inputs

MAPPINGS = catalogs.default_root() / "mappings"
HEADERS = {
    "organizations": "company_id,organization_type,is_principal,is_distributor,parent_company_id,segment,priority",
    "opportunity_roles": "opportunity_id,principal_id,distributor_id",
    "products": "principal_id,name,description,sku,category,unit_price,unit_cost,is_active,min_order_quantity",
    "relationships": "principal_id,distributor_id,relationship_status,start_date,end_date,commission_rate,notes",
    "advocacy": "contact_id,principal_organization_id,advocacy_strength,advocacy_notes,relationship_type",
    "stages": "legacy_stage,stage,status",
    "probabilities": "stage,probability",
    "activity_types": "legacy_type,type",
}


def write(folder: Path, name: str, *lines: str) -> None:
    (folder / f"{name}.csv").write_text("\n".join([HEADERS[name], *lines, ""]), encoding="utf-8")


def load(folder: Path | None) -> Inputs:
    return inputs.load(MAPPINGS, folder, options={"link_deal_contacts": False})


def problems(folder: Path) -> list[str]:
    with pytest.raises(BadInputs) as caught:
        load(folder)
    return list(caught.value.problems)


def test_without_a_folder_the_shipped_mappings_stand_and_the_rest_is_empty() -> None:
    given = load(None)
    assert ("in-negociation", "negotiation", "active") in given.tables["stages"].rows
    assert ("won", "closed_won", "active") in given.tables["stages"].rows
    assert given.tables["organizations"].rows == ()
    assert given.tables["options"].rows == (("link_deal_contacts", False),)
    assert given.fingerprint == hashlib.sha256().hexdigest()


@pytest.mark.parametrize(
    ("name", "line", "row"),
    [
        ("organizations", "0,principal,,,,,", (2, 0, "principal", True, False, None, "Standard", "C")),
        ("organizations", "7,distributor,TRUE,,0,Retail,A", (2, 7, "distributor", True, True, 0, "Retail", "A")),
        ("organizations", "7,,,,,,", (2, 7, None, False, False, None, "Standard", "C")),
        ("products", '0,"A, ""B""",,,,007.5,,,', (2, 0, 'A, "B"', None, None, None, Decimal("7.5"), None, True, 1)),
        ("relationships", "0,1,,,,,", (2, 0, 1, "active", None, None, None, None)),
        ("advocacy", "0,1,,,", (2, 0, 1, 5, None, None)),
        ("opportunity_roles", " 5 ,,1", (2, 5, None, 1)),
    ],
)
def test_a_blank_optional_value_takes_its_default(
    name: str, line: str, row: tuple[object, ...], tmp_path: Path
) -> None:
    write(tmp_path, name, line)
    [read] = load(tmp_path).tables[name].rows
    if name == "products":
        row = (2, 0, 'A, "B"', None, None, None, *read[6:7], None, True, 1)
        assert str(read[6]) == "7.5"
    assert read == row


def test_a_mapping_in_the_folder_takes_the_place_of_the_shipped_one(tmp_path: Path) -> None:
    write(tmp_path, "stages", "neu,lead,active")
    given = load(tmp_path)
    assert given.tables["stages"].rows == (("neu", "lead", "active"),)
    assert len(given.tables["probabilities"].rows) == 8
    assert given.fingerprint != load(None).fingerprint


def test_the_fingerprint_follows_name_and_content(tmp_path: Path) -> None:
    write(tmp_path, "organizations", "1,customer,,,,,")
    first = load(tmp_path).fingerprint
    assert load(tmp_path).fingerprint == first
    write(tmp_path, "organizations", "1,prospect,,,,,")
    assert load(tmp_path).fingerprint != first


def test_columns_may_stand_in_any_order_behind_a_byte_order_mark(tmp_path: Path) -> None:
    content = "\ufeffdistributor_id, opportunity_id ,principal_id\r\n3,1,2\r\n"
    (tmp_path / "opportunity_roles.csv").write_bytes(content.encode())
    assert load(tmp_path).tables["opportunity_roles"].rows == ((2, 1, 2, 3),)


def test_a_line_number_is_that_of_the_file(tmp_path: Path) -> None:
    write(tmp_path, "products", '1,"two\nlines",,,,,,,', "", ",,,,,,,,", "1,next,,,,,,,")
    assert [row[0] for row in load(tmp_path).tables["products"].rows] == [2, 6]


@pytest.mark.parametrize(
    ("name", "line", "told"),
    [
        ("organizations", "x,customer,,,,,", "column company_id: not a whole number"),
        ("organizations", "1.0,customer,,,,,", "column company_id: not a whole number"),
        ("organizations", "9223372036854775808,customer,,,,,", "column company_id: not within 64 bits"),
        ("organizations", ",customer,,,,,", "column company_id: is missing"),
        ("organizations", "1,customer,yes,,,,", "column is_principal: not true or false"),
        ("organizations", "1,customer,,,,,E", "column priority: not one of A, B, C, D"),
        ("organizations", "1,Customer,,,,,", "column organization_type: not one of customer, principal,"),
        ("organizations", "1,customer,true,,,,", "column is_principal: a customer is no principal"),
        ("organizations", "1,customer,,true,,,", "column is_distributor: a customer is no distributor"),
        ("organizations", "1,principal,false,,,,", "column is_principal: organization_type says principal"),
        ("organizations", "1,distributor,,false,,,", "column is_distributor: organization_type says distributor"),
        ("organizations", "1,vendor,,,1,,", "column parent_company_id: the company would be its own ancestor"),
        ("organizations", "1,vendor,,,", "5 fields under 7 columns"),
        ("opportunity_roles", "1,,", "column principal_id: neither a principal nor a distributor is given"),
        ("opportunity_roles", "1,2,2", "column distributor_id: the same company as the principal"),
        ("products", "1,,,,,,,,", "column name: is missing"),
        ("products", "1,a\0b,,,,,,,", "column name: holds a NUL character"),
        ("products", "1,a,,,,1.234,,,", "column unit_price: more than 12 digits before or 2 behind the point"),
        ("products", '1,a,,,,"1,5",,,', "column unit_price: not a number with a decimal point"),
        ("products", "1,a,,,,.,,,", "column unit_price: not a number with a decimal point"),
        ("products", "1,a,,,,,-1,,", "column unit_cost: less than 0"),
        ("products", "1,a,,,,,,,2147483648", "column min_order_quantity: not within 32 bits"),
        ("relationships", "1,2,ended,,,,", "column relationship_status: not one of active, pending, terminated"),
        ("relationships", "1,2,,2024-02-30,,,", "column start_date: not a date as YYYY-MM-DD"),
        ("relationships", "1,2,,20240201,,,", "column start_date: not a date as YYYY-MM-DD"),
        ("relationships", "1,2,,2024-02-01,2024-01-01,,", "column end_date: before start_date"),
        ("relationships", "1,2,,,,1.0001,", "column commission_rate: more than 1"),
        ("relationships", "1,2,,,,12,", "column commission_rate: more than 1 digits before or 4 behind the point"),
        ("relationships", "1,1,,,,,", "column distributor_id: the same company as the principal"),
        ("advocacy", "1,2,11,,", "column advocacy_strength: more than 10"),
        ("advocacy", "1,2,0,,", "column advocacy_strength: less than 1"),
        ("advocacy", "1,2,,,friendly", "column relationship_type: not one of professional, personal, historical,"),
        ("stages", "x,won,active", "column stage: not one of lead, qualified,"),
        ("stages", "x,lead,asleep", "column status: not one of active, on_hold,"),
        ("activity_types", "Call,phone", "column type: not one of call, email,"),
        ("probabilities", "lead,101", "column probability: more than 100"),
    ],
)
def test_a_wrong_value_is_told_with_file_line_column_and_reason(
    name: str, line: str, told: str, tmp_path: Path
) -> None:
    write(tmp_path, name, line)
    first = problems(tmp_path)[0]
    assert first.startswith(f"{name}.csv, line 2{', ' if told.startswith('column') else ': '}{told}")


def test_a_value_of_the_file_is_never_repeated(tmp_path: Path) -> None:
    write(tmp_path, "organizations", "Ada Lovelace,Ada Lovelace,Ada Lovelace,,Ada Lovelace,,Ada Lovelace")
    told = problems(tmp_path)
    assert len(told) == 5
    assert not any("Lovelace" in problem for problem in told)


def test_every_wrong_line_of_every_file_is_told_at_once(tmp_path: Path) -> None:
    write(tmp_path, "organizations", "x,customer,,,,,", "1,customer,,,,,", "2,nobody,maybe,,,,")
    write(tmp_path, "advocacy", "1,2,99,,", "1,y,,,")
    assert [problem.split(":")[0] for problem in problems(tmp_path)] == [
        "organizations.csv, line 2, column company_id",
        "organizations.csv, line 4, column organization_type",
        "organizations.csv, line 4, column is_principal",
        "advocacy.csv, line 2, column advocacy_strength",
        "advocacy.csv, line 3, column principal_organization_id",
    ]


@pytest.mark.parametrize(
    ("name", "lines", "column"),
    [
        ("organizations", ["1,customer,,,,,", "1,prospect,,,,,"], "company_id"),
        ("opportunity_roles", ["1,2,", "1,3,"], "opportunity_id"),
        ("products", ["1,a,,S,,,,,", "1,b,,S,,,,,"], "principal_id, sku"),
        ("products", ["1,a,,,,,,,", "1,a,,,,,,,"], "principal_id, name"),
        ("relationships", ["1,2,,,,,", "1,2,active,,,,"], "principal_id, distributor_id, relationship_status"),
        ("advocacy", ["1,2,,,", "1,2,7,,"], "contact_id, principal_organization_id"),
        ("stages", ["won,lead,active", "won,closed_won,active"], "legacy_stage"),
    ],
)
def test_a_repeated_key_is_told_with_the_line_that_has_it_first(
    name: str, lines: list[str], column: str, tmp_path: Path
) -> None:
    write(tmp_path, name, *lines)
    assert problems(tmp_path) == [f"{name}.csv, line 3, column {column}: the same as in line 2"]


def test_what_only_looks_repeated_is_taken(tmp_path: Path) -> None:
    write(tmp_path, "products", "1,a,,S,,,,,", "1,a,,T,,,,,", "1,a,,,,,,,", "2,a,,S,,,,,")
    write(tmp_path, "relationships", "1,2,,,,,", "1,2,terminated,,,,", "2,1,,,,,")
    given = load(tmp_path)
    assert (len(given.tables["products"].rows), len(given.tables["relationships"].rows)) == (4, 3)


def test_each_company_of_a_circle_is_told_and_nobody_beside_it(tmp_path: Path) -> None:
    parents = {1: "2", 2: "3", 3: "1", 4: "1", 5: "6", 6: ""}
    write(tmp_path, "organizations", *(f"{company},vendor,,,{parent},," for company, parent in parents.items()))
    assert [problem.split(",")[1] for problem in problems(tmp_path)] == [" line 2", " line 3", " line 4"]


def test_a_stage_without_a_probability_is_told(tmp_path: Path) -> None:
    shipped = (MAPPINGS / "probabilities.csv").read_text()
    (tmp_path / "probabilities.csv").write_text(shipped.replace("qualified,25\n", ""))
    assert problems(tmp_path) == ["probabilities.csv, line 8, column stage: there is no line for qualified"]


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("opportunity_id,principal_id", ["line 1: missing column 'distributor_id'"]),
        ("opportunity_id,principal_id,distributor_id,x", ["line 1: unknown column 'x'; known are opportunity_id,"]),
        ("opportunity_id,principal_id,principal_id,distributor_id", ["line 1: column 'principal_id' stands twice"]),
        ("1,2,3", ["line 1: there is no header; it names the columns opportunity_id, principal_id, distributor_id"]),
        ("Opportunity_ID,Principal_ID,x", ["line 1: there is no header; it names the columns opportunity_id,"]),
        ("opportunity_id,principal_id,distributor_id,", ["line 1: unknown column ''; known are opportunity_id,"]),
        ("", ["line 1: there is no header"]),
    ],
)
def test_a_wrong_header_is_told(header: str, told: list[str], tmp_path: Path) -> None:
    (tmp_path / "opportunity_roles.csv").write_text(f"{header}\n")
    found = problems(tmp_path)
    assert len(found) == len(told)
    assert all(
        problem.startswith(f"opportunity_roles.csv, {start}") for problem, start in zip(found, told, strict=True)
    )


def test_a_first_line_of_values_is_no_header_and_is_not_repeated(tmp_path: Path) -> None:
    (tmp_path / "advocacy.csv").write_text("7,3,9,Ada Lovelace likes it,personal\n")
    [told] = problems(tmp_path)
    assert told.startswith("advocacy.csv, line 1: there is no header; it names the columns contact_id,")
    assert "Lovelace" not in told


def test_a_strange_column_is_told_without_what_a_terminal_would_obey(tmp_path: Path) -> None:
    (tmp_path / "opportunity_roles.csv").write_text(f"{HEADERS['opportunity_roles']},\x1b[31m{'x' * 500}\n")
    [told] = problems(tmp_path)
    assert "\x1b" not in told
    assert len(told) < 200


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_file_in_utf_16_is_told_once(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "products.csv").write_bytes(f"{HEADERS['products']}\n1,a,,,,,,,\n".encode(encoding))
    assert problems(tmp_path) == ["products.csv, line 1: not UTF-8 but UTF-16, as it seems; nothing of it was read"]


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_file_of_any_editor_is_read_alike(ends: str, mark: bytes, tmp_path: Path) -> None:
    lines = (HEADERS["products"], " 1 ,a,,,, 2.50 ,,,", "", "2,b,,,,,,,", "3,c,,,,1 0,,,")
    (tmp_path / "products.csv").write_bytes(mark + ends.join(lines).encode())
    assert problems(tmp_path) == ["products.csv, line 5, column unit_price: not a number with a decimal point"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-inf", "1e400", "1e2", "0x10", "1_000", "١", "1 000", "½"])
def test_what_only_some_languages_take_for_a_number_is_told(number: str, tmp_path: Path) -> None:
    write(tmp_path, "products", f"1,a,,,,{number},,,{number}")
    assert problems(tmp_path) == [
        "products.csv, line 2, column unit_price: not a number with a decimal point",
        "products.csv, line 2, column min_order_quantity: not a whole number",
    ]


@pytest.mark.parametrize("length", [1, 2, 5, 3_000])
def test_a_circle_of_parents_is_told_at_each_of_its_lines_however_long(length: int, tmp_path: Path) -> None:
    circle = (f"{company},vendor,,,{(company + 1) % length},," for company in range(length))
    write(tmp_path, "organizations", f"{length},vendor,,,0,,", *circle)
    assert [int(problem.split(",")[1].split()[1]) for problem in problems(tmp_path)] == list(range(3, length + 3))


def test_a_hundred_thousand_wrong_lines_are_all_told(tmp_path: Path) -> None:
    write(tmp_path, "products", *(f"{number},,,,,,,," for number in range(100_000)))
    found = problems(tmp_path)
    assert len(found) == 100_000
    assert found[-1] == "products.csv, line 100001, column name: is missing"


def test_a_text_of_a_megabyte_is_taken(tmp_path: Path) -> None:
    write(tmp_path, "products", '1,a,"' + "long\n" * 200_000 + '",,,,,,')
    [row] = load(tmp_path).tables["products"].rows
    assert len(str(row[3])) == 1_000_000


def test_each_line_in_another_encoding_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    lines = [HEADERS["products"], "1,Müller,,,,,,,", "1,plain,,,,,,,", "1,Jürgen,,,,x,,,"]
    (tmp_path / "products.csv").write_bytes("\n".join(lines).encode("latin-1"))
    assert problems(tmp_path) == [
        "products.csv, line 2: byte 4 of the line is not UTF-8",
        "products.csv, line 4: byte 4 of the line is not UTF-8",
        "products.csv, line 4, column unit_price: not a number with a decimal point",
    ]


def test_a_quote_that_is_not_closed_is_told(tmp_path: Path) -> None:
    write(tmp_path, "products", "1,good,,,,,,,", '1,"open,,,,,,,')
    [told] = problems(tmp_path)
    assert told.startswith("products.csv, line 3: not CSV: ")


def test_a_line_that_is_no_csv_is_told_and_those_below_it_are_read(tmp_path: Path) -> None:
    write(tmp_path, "products", '1,"a"b,,,,,,,', "1,a,,,,x,,,", '1,"open,,,,,,,', '1,"closed"?,,,,,,,', "2,b,,,,x,,,")
    told = [problem.split(": ")[0] for problem in problems(tmp_path)]
    assert told == [
        "products.csv, line 2",
        "products.csv, line 3, column unit_price",
        "products.csv, line 4",
        "products.csv, line 6, column unit_price",
    ]
    assert problems(tmp_path)[2].endswith("; lines 4 to 5 were not read")


def test_a_file_that_nobody_reads_is_told_and_a_hidden_one_is_not(tmp_path: Path) -> None:
    (tmp_path / "organisations.csv").touch()
    (tmp_path / ".gitkeep").touch()
    (tmp_path / "old").mkdir()
    (tmp_path / "products.csv").mkdir()
    assert [problem.split(":")[0] for problem in problems(tmp_path)] == ["old", "organisations.csv", "products.csv"]
    assert problems(tmp_path)[2] == "products.csv: not a file"


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert problems(tmp_path / "nowhere") == [f"{tmp_path / 'nowhere'}: there is no such folder"]


def fill(folder: Path) -> None:
    write(folder, "organizations", "0,principal,,true,,Größe \\ 'x',A", "1,,,,0,,", "2,distributor,,,,,")
    write(folder, "opportunity_roles", "0,0,2", "1,,2")
    write(folder, "products", '0,"a\nb\t\\N",,S,,99999999.99,0.1,false,0', "0,c,,,,,,,")
    write(folder, "relationships", "0,2,,0001-01-01,9999-12-31,0.1234,", "2,0,,,,,")
    write(folder, "advocacy", "0,0,10,,personal")


def test_both_engines_hold_the_same_tables(database: Database, catalog: Catalog, tmp_path: Path) -> None:
    folder = tmp_path / "inputs"
    folder.mkdir()
    fill(folder)
    given = load(folder)
    with (
        postgres.connect(database.url) as connection,
        duck.session(catalog.prelude, scratch=tmp_path / "scratch") as session,
    ):
        connection.execute("create schema migration")
        inputs.store(connection, given)
        inputs.attach(session, given)
        for name, table in given.tables.items():
            in_postgres = connection.execute(f"select * from migration.{name}".encode()).fetchall()
            in_duckdb = session.execute(f"select * from migration.{name}").fetchall()
            assert sorted(in_postgres, key=str) == sorted(in_duckdb, key=str) == sorted(table.rows, key=str)
            types = list(postgres.columns(connection, f"migration.{name}").values())
            assert types == [column.type.replace(", ", ",") for column in table.columns]


def test_the_first_column_of_an_analysts_table_is_the_line_and_its_key(database: Database) -> None:
    given = load(None)
    with postgres.connect(database.url) as connection:
        connection.execute("create schema migration")
        inputs.store(connection, given)
        keys = dict(
            connection.execute(
                "select conrelid::regclass::text, pg_get_constraintdef(oid) from pg_constraint where contype = 'p' "
                "and connamespace = 'migration'::regnamespace"
            ).fetchall()
        )
    assert keys == {
        f"migration.{name}": f"PRIMARY KEY ({key})"
        for name, key in {
            "stages": "legacy_stage", "probabilities": "stage", "activity_types": "legacy_type", "options": "name",
            "organizations": "line", "opportunity_roles": "line", "products": "line", "relationships": "line",
            "advocacy": "line", "policies": "line",
        }.items()
    }  # fmt: skip


def test_storing_and_attaching_again_replaces_what_stands(database: Database, catalog: Catalog, tmp_path: Path) -> None:
    folder = tmp_path / "inputs"
    folder.mkdir()
    write(folder, "stages", "neu,lead,active")
    with (
        postgres.connect(database.url) as connection,
        duck.session(catalog.prelude, scratch=tmp_path / "scratch") as session,
    ):
        connection.execute("create schema migration")
        for given in (load(None), load(folder)):
            inputs.store(connection, given)
            inputs.attach(session, given)
        assert connection.execute("select legacy_stage from migration.stages").fetchall() == [("neu",)]
        assert session.execute("select legacy_stage from migration.stages").fetchall() == [("neu",)]
        connection.rollback()
        assert connection.execute("select to_regclass('migration.stages')").fetchone() == (None,)
