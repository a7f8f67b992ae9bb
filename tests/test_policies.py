"""Policies go along to the new tables, or the dry run says which do not and why (C10)."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from conftest import Database
from crm_migrate import events, inputs, policies, postgres, schema, simulate, snapshot, terminal, workflow
from crm_migrate.catalog import Catalog
from crm_migrate.errors import BadInputs, StepFailed
from crm_migrate.gate import Decision
from crm_migrate.inputs.specs import NEW_TABLES
from crm_migrate.policies import DoesNotFit, Given, Policy
from crm_migrate.simulate import Simulation
from nights import approved, settings_for
from test_routines import migrate

READ = Policy("Read", "select", True, ("authenticated",), "true", None)
TYPES = {"contact_id": "bigint", "sales_id": "bigint", "id": "bigint"}
HEADER = "table_name,policy_name,using_expression,check_expression\n"


def tasks_policy(using: str, *columns: str) -> Policy:
    return replace(READ, using=using, columns=columns)


def simulated(database: Database, catalog: Catalog, folder: Path, given: Path | None = None) -> Simulation:
    taken = snapshot.take(database.url, folder / "snapshot", emit=events.silent)
    options = {"link_deal_contacts": False}
    read = inputs.load(catalog.root / "mappings", given, options=options)
    (folder / "run").mkdir()
    return simulate.simulate(taken, catalog, read, out=folder / "run", scratch=folder / "scratch", emit=events.silent)


def as_admin(database: Database, statements: str) -> None:
    with postgres.connect(database.admin_url) as admin:
        admin.execute(statements.encode())


def written(folder: Path, lines: str) -> Path:
    folder.mkdir()
    (folder / "policies.csv").write_text(HEADER + lines, encoding="utf-8")
    return folder


@pytest.fixture
def owned(database: Database) -> Database:
    """Tasks are seen by those who own them, an address of the sales table away."""
    as_admin(
        database,
        """
        create policy "Own tasks" on public.tasks as restrictive for select to authenticated
        using (exists (select 1 from public.sales where sales.id = tasks.sales_id and sales.disabled = false));
        """,
    )
    return database


def test_a_policy_that_names_no_column_is_carried_over_word_for_word() -> None:
    assert policies.carried(READ, "contacts", "contact_organizations", {}) == READ


def test_a_column_that_means_the_same_is_called_by_the_new_table_s_name_in_inner_queries() -> None:
    text = "(EXISTS ( SELECT 1 FROM public.contacts WHERE (contacts.id = tasks.contact_id)))"
    found = policies.carried(tasks_policy(text, "contact_id"), "tasks", "activities", TYPES)
    assert found.using == text.replace("tasks.", "activities.")


def test_a_table_of_the_same_name_in_an_inner_query_keeps_its_name() -> None:
    text = "(EXISTS ( SELECT 1 FROM app.tasks WHERE (tasks.contact_id = 1)))"
    assert policies.carried(tasks_policy(text), "tasks", "activities", TYPES).using == text


@pytest.mark.parametrize("column", ["id", "sales_id", "type", "text", "due_date"])
def test_a_column_that_means_something_else_there_is_not_carried_over(column: str) -> None:
    with pytest.raises(DoesNotFit, match=rf"^names tasks\.{column}, and activities has no column"):
        policies.carried(tasks_policy(f"({column} is not null)", column), "tasks", "activities", TYPES)


def test_a_column_of_another_type_is_not_carried_over() -> None:
    with pytest.raises(DoesNotFit, match="contact_id"):
        policies.carried(
            tasks_policy("(contact_id = 'x')", "contact_id"), "tasks", "activities", {"contact_id": "text"}
        )


def test_a_whole_row_is_not_carried_over() -> None:
    with pytest.raises(DoesNotFit, match="whole row of tasks"):
        policies.carried(tasks_policy("app.may_see(tasks.*)"), "tasks", "activities", TYPES)


@pytest.mark.parametrize(
    "text", ["true", "contact_id = 1", "exists (select 1 from public.sales)", "auth.uid() is not null", "true -- all"]
)
def test_an_expression_is_read(text: str) -> None:
    assert policies.wrong(text) is None


@pytest.mark.parametrize(
    "text",
    ["contact_id =", "true); drop table public.tasks; --", "true; select 1", "select 1", "drop table public.tasks"],
)
def test_what_is_no_expression_is_refused(text: str) -> None:
    assert policies.wrong(text) is not None


@pytest.mark.parametrize(
    ("policy", "given", "reason"),
    [
        (READ, Given(2, "activities", "Read", None, None), "using_expression: is missing"),
        (READ, Given(2, "activities", "Read", "true", "true"), "check_expression: a policy for select has none"),
        (
            Policy("Add", "insert", True, ("public",), None, "true"),
            Given(2, "activities", "Add", "true", "true"),
            "using_expression: a policy for insert has none",
        ),
    ],
)
def test_given_expressions_are_those_that_the_policy_has(policy: Policy, given: Given, reason: str) -> None:
    with pytest.raises(DoesNotFit, match=reason):
        policies.supplied(policy, given)


def test_the_file_knows_the_tables_that_the_plan_makes(catalog: Catalog) -> None:
    targets = [
        step.subject.partition("->")[2] for phase in catalog.phases for step in phase.steps if step.kind == "policies"
    ]
    assert tuple(targets) == NEW_TABLES


def test_the_document_tells_the_columns_that_a_policy_depends_on(owned: Database) -> None:
    with postgres.connect(owned.url) as connection:
        found = {policy.name: policy for policy in policies.of(schema.describe(connection), "tasks")}
    assert found["Own tasks"].columns == ("sales_id",)
    assert (found["Own tasks"].command, found["Own tasks"].permissive) == ("select", False)
    assert found["Task Delete Policy"].columns == ()


def test_a_policy_that_does_not_fit_is_a_blocker_of_the_dry_run(
    owned: Database, catalog: Catalog, tmp_path: Path
) -> None:
    found = simulated(owned, catalog, tmp_path)
    assert [(notice.object, notice.reason) for notice in found.blockers] == [
        (
            f"policy 'Own tasks' of tasks, for {table}",
            f"names tasks.sales_id, and {table} has no column that means the same",
        )
        for table in ("activities", "interaction_participants")
    ]
    assert simulate.load(tmp_path / "run") == found


def test_a_blocker_is_a_no_go_that_names_policy_table_and_column(owned: Database, tmp_path: Path) -> None:
    settings = settings_for(owned, tmp_path)
    workflow.snapshot("new", settings=settings)
    workflow.assess(settings=settings)
    workflow.dry_run(settings=settings)
    decision: Decision = workflow.decide(approved_by="Tess Ter", settings=settings)
    assert decision.verdict == "NO_GO"
    assert any("'Own tasks' of tasks" in reason and "tasks.sales_id" in reason for reason in decision.reasons)


def test_a_policy_of_a_table_without_row_level_security_is_no_blocker(
    owned: Database, catalog: Catalog, tmp_path: Path
) -> None:
    as_admin(owned, "alter table public.tasks disable row level security")
    assert simulated(owned, catalog, tmp_path).blockers == ()


def test_every_wrong_line_of_the_file_is_told_at_once(owned: Database, catalog: Catalog, tmp_path: Path) -> None:
    given = written(
        tmp_path / "given",
        "activities,Own tasks,salesman = 1,\ninteraction_participants,Own tasks,true,true\nproducts,Nobody's,true,\n",
    )
    found = simulated(owned, catalog, tmp_path, given)
    assert [str(notice) for notice in found.blockers] == [
        "policies.csv, line 2, column using_expression: activities has no column salesman",
        "policies.csv, line 3, column check_expression: a policy for select has none",
        "policies.csv, line 4, column policy_name: companies has no such policy in force",
    ]


def test_a_file_that_says_nothing_or_no_sql_is_refused_with_every_line(catalog: Catalog, tmp_path: Path) -> None:
    given = written(tmp_path / "given", "activities,One,,\ndeals,Two,true,\nactivities,Three,a =,)\n")
    with pytest.raises(BadInputs) as caught:
        inputs.load(catalog.root / "mappings", given, options={})
    said = str(caught.value)
    for place in ("line 2, column using_expression", "line 3, column table_name", "line 4, column using_expression"):
        assert f"policies.csv, {place}" in said
    assert "line 4, column check_expression" in said


def test_with_the_analyst_s_expressions_the_night_goes_through(owned: Database, tmp_path: Path) -> None:
    given = written(
        tmp_path / "given",
        "activities,Own tasks,created_by is not null,\ninteraction_participants,Own tasks,true -- whoever,\n",
    )
    settings = settings_for(owned, tmp_path, inputs=given)
    approved(settings)
    run = workflow.execute(confirm=owned.name, settings=settings)
    assert run is not None
    assert run.status == "completed"
    with postgres.connect(owned.url) as connection:
        found = {policy.name: policy for policy in policies.of(schema.policies(connection), "activities")}
    assert found["Own tasks"].using == "(created_by IS NOT NULL)"
    assert (found["Own tasks"].permissive, found["Own tasks"].roles) == (False, ("authenticated",))


def test_what_is_said_to_fit_does_apply(database: Database, catalog: Catalog, tmp_path: Path) -> None:
    as_admin(
        database,
        """
        create policy "Of living contacts" on public.tasks for select to authenticated
        using (exists (select 1 from public.contacts where contacts.id = tasks.contact_id and contacts.id <> 4));
        create policy "Of this year" on public.deals as restrictive for update to authenticated
        using (created_at > '2020-01-01') with check (created_at > '2020-01-01');
        create policy "Deals of today" on public.deals for delete to authenticated
        using (created_at > (select max(other.created_at) from public.deals as other where other.id <> 0));
        """,
    )
    found = simulated(database, catalog, tmp_path)
    refused = {notice.object for notice in found.blockers}
    assert refused == {
        "policy 'Of living contacts' of tasks, for interaction_participants",
        "policy 'Deals of today' of deals, for opportunity_participants",
        "policy 'Deals of today' of deals, for opportunity_products",
    }
    as_admin(database, 'drop policy "Deals of today" on public.deals')
    as_admin(database, "alter table public.deals force row level security")
    with pytest.raises(StepFailed, match=r"policy 'Of living contacts' names tasks\.contact_id"):
        migrate(database.url, catalog)
    with postgres.connect(database.url) as connection:
        document = schema.describe(connection)
        carried = {policy.name: policy for policy in policies.of(document, "activities")}
        others = {policy.name: policy for policy in policies.of(document, "opportunity_products")}
    assert "activities.contact_id" in str(carried["Of living contacts"].using)
    assert others["Of this year"].using == others["Of this year"].check
    assert document["relation opportunity_products"] == "r rls forced"


def test_where_the_source_has_no_row_level_security_those_with_grants_get_through_as_before(
    database: Database, catalog: Catalog
) -> None:
    as_admin(
        database,
        """
        insert into public.companies (id, name) values (0, 'Zero');
        insert into public.contacts (id, company_id) values (0, 0);
        grant select on public.contacts to anon;
        alter table public.contacts disable row level security;
        """,
    )
    migrate(database.url, catalog)
    with postgres.connect(database.url) as connection:
        document = schema.describe(connection)
        found = policies.of(document, "contact_organizations")
        assert " rls" in document["relation contact_organizations"]
        assert found == (policies.OPEN,)
        for role in ("anon", "authenticated"):
            connection.execute(f"set local role {role}".encode())
            assert connection.execute("select count(*) from public.contact_organizations").fetchone() == (1,)
            connection.execute("reset role")


def test_a_policy_whose_name_follows_the_rename_is_given_by_the_name_it_had(
    database: Database, catalog: Catalog, tmp_path: Path
) -> None:
    as_admin(
        database,
        'create policy "Own deals" on public.deals for select to authenticated using (sales_id = 1)',
    )
    given = written(
        tmp_path / "given",
        "opportunity_products,Own deals,created_by = 1,\nopportunity_participants,Own deals,created_by = 1,\n",
    )
    assert simulated(database, catalog, tmp_path, given).blockers == ()
    migrate(database.url, catalog, given)
    with postgres.connect(database.url) as connection:
        found = {policy.name: policy for policy in policies.of(schema.policies(connection), "opportunity_products")}
    assert found["Own opportunities"].using == "(created_by = 1)"


def test_the_terminal_lists_blockers_and_warnings_with_what_to_do(
    owned: Database, catalog: Catalog, tmp_path: Path
) -> None:
    as_admin(owned, "create function clear() returns void language sql as $$ truncate deals cascade $$")
    console = Console(width=400, record=True, file=StringIO())
    console.print(terminal.simulation(simulated(owned, catalog, tmp_path)))
    said = console.export_text()
    assert "blocker policy 'Own tasks' of tasks, for activities: names tasks.sales_id" in said
    assert "warning function public.clear(), line 1: truncate deals" in said
    assert "Name opportunities instead once the migration is done." in said
