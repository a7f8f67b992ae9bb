"""A CRM in which every load of the plan has ten driving rows, and rules that refuse some of them."""

from __future__ import annotations

import re
from pathlib import Path

from crm_migrate import events, history, inputs, plan
from crm_migrate.catalog import Catalog, Model
from crm_migrate.postgres import Connection
from crm_migrate.settings import Settings
from crm_migrate.steps import Context
from crm_migrate.steps.load import LoadStep

KEYS = range(10)
ROWS = """
insert into public.companies (id, name, created_at)
select number, 'Maker ' || number, '2024-01-01'::timestamptz from generate_series(0, 9) as number
union all
select number, 'Buyer ' || number, '2024-01-01' from generate_series(20, 29) as number;
insert into public.contacts (id, first_name, last_name, company_id, first_seen, background)
select number, 'Ann', 'Private ' || number, 20 + number, '2024-05-01', 'likes tea'
from generate_series(0, 9) as number;
insert into public.deals (id, name, company_id, stage, contact_ids, created_at, updated_at, expected_closing_date)
select number, 'Deal ' || number, 20 + number, (array['won', 'delayed', 'lost', 'opportunity'])[1 + number % 4],
    array[(number + 1) % 10], '2024-01-01', '2024-06-01', '2024-07-01'
from generate_series(0, 9) as number;
insert into public."contactNotes" (id, contact_id, text, date) select number, number, 'met', '2024-02-01'
from generate_series(0, 9) as number;
insert into public."dealNotes" (id, deal_id, type, text, date)
select number, number, 'Call', 'rang', '2024-02-01'
from generate_series(0, 9) as number;
insert into public.tasks (id, contact_id, type, text, due_date) select number, number, 'Demo', 'show it', '2024-08-01'
from generate_series(0, 9) as number;
"""


def context(connection: Connection, catalog: Catalog, folder: Path) -> Context:
    """A CRM of such rows, its state tables and its inputs, ready for the plan."""
    folder.mkdir(exist_ok=True)
    lines = {
        "organizations.csv": [
            "company_id,organization_type,is_principal,is_distributor,parent_company_id,segment,priority",
            *(f"{key},principal,true,true,,," for key in KEYS),
        ],
        "opportunity_roles.csv": [
            "opportunity_id,principal_id,distributor_id",
            *(f"{key},{key},{(key + 1) % 10}" for key in KEYS),
        ],
        "products.csv": [
            "principal_id,name,description,sku,category,unit_price,unit_cost,is_active,min_order_quantity",
            *(f"{key},Thing,,{key},,,,," for key in KEYS),
        ],
        "relationships.csv": [
            "principal_id,distributor_id,relationship_status,start_date,end_date,commission_rate,notes",
            *(f"{key},{(key + 2) % 10},,,,," for key in KEYS),
        ],
        "advocacy.csv": [
            "contact_id,principal_organization_id,advocacy_strength,advocacy_notes,relationship_type",
            *(f"{key},{key},,," for key in KEYS),
        ],
    }
    for name, content in lines.items():
        (folder / name).write_text("\n".join(content) + "\n", encoding="utf-8")
    connection.execute(ROWS.encode())
    given = inputs.load(catalog.root / "mappings", folder, options={"link_deal_contacts": True})
    with connection.transaction():
        history.prepare(connection, catalog)
        inputs.store(connection, given)
        record = history.begin(connection, "test")
    settings = Settings(reject_ratio=1, batch_size=4)
    return Context(connection, catalog, settings, "test", "", record.backup_stamp, events.silent, lambda: None)


def apply(found: Context, *, load: str = "", planted: str = "") -> None:
    """Apply the whole plan; before one of its loads, run what is planted."""
    for kind in plan.build(found.catalog).steps():
        if kind.step.name == load:
            found.connection.execute(planted.encode())
        kind.apply(found)
        assert kind.verify(found) == (), kind.step.name


def loads(catalog: Catalog) -> dict[str, Model]:
    """Every load of the plan, in order."""
    return {kind.step.name: kind.model for kind in plan.build(catalog).steps() if isinstance(kind, LoadStep)}


def plant(model: Model) -> tuple[str, str, dict[int, str]]:
    """Rules on a model's target, each of which refuses one driving row of it.

    Returns:
        The SQL that makes them, the SQL that takes them away, and the SQLSTATE that each refused key gets.
    """
    row = f"case when {_own(model)} then {model.key[0]} end"
    refused = {1: "23514", 2: "P0001", 3: "MY007", 4: "22003", 5: "23502", 7: "23P01", 9: "23P01"}
    made = f"""
        create function public.planted_verdict(driving bigint) returns boolean language plpgsql immutable as $$
        begin
            if driving = 2 then
                raise exception 'Ann Private % is not wanted', driving;
            elsif driving = 3 then
                raise exception 'Ann Private % is not wanted', driving using errcode = 'MY007', constraint = 'Ann';
            end if;
            return true;
        end $$;
        alter table {model.target}
            add column planted_number smallint generated always as (case when {row} = 4 then 40000 end) stored,
            add column planted_text text generated always as (case when {row} is distinct from 5 then 'x' end) stored
                constraint planted_text_not_null not null,
            add constraint planted_check check ({row} is distinct from 1),
            add constraint planted_verdict check (public.planted_verdict({row})),
            add constraint planted_exclusion exclude using btree ((case when {row} in (6, 7) then 0 end) with =),
            add constraint planted_deferred exclude using btree ((case when {row} in (8, 9) then 0 end) with =)
                deferrable initially deferred;
        """
    mended = f"""
        alter table {model.target} drop constraint planted_check, drop constraint planted_verdict,
            drop constraint planted_exclusion, drop constraint planted_deferred,
            drop column planted_number, drop column planted_text;
        drop function public.planted_verdict(bigint);
        """
    if model.mode == "insert":  # in an update a customer's own triggers are at rest
        refused[0] = "42501"
        made += f"""
            create function public.planted_trigger() returns trigger language plpgsql as $$
            begin
                raise exception 'Ann Private must not' using errcode = 'insufficient_privilege';
            end $$;
            create constraint trigger planted_trigger after insert on {model.target} deferrable initially deferred
            for each row when ({_of_new(row)} = 0) execute function public.planted_trigger();
            """
        mended += f"drop trigger planted_trigger on {model.target}; drop function public.planted_trigger();"
    return made, mended, refused


def _own(model: Model) -> str:
    """A condition that holds for the rows of this model alone, once they are there."""
    if model.mode == "update":
        return "search_tsv is not null"
    return {
        "activities_from_tasks": "source_table = 'tasks'",
        "activities_from_contact_notes": "source_table = 'contactNotes'",
        "activities_from_deal_notes": "source_table = 'dealNotes'",
        "contact_organizations": "is_primary_contact",
        "contact_organizations_from_deals": "not is_primary_contact",
        "opportunity_participants": "role = 'customer'",
        "principal_distributor_relationships": "distributor_id = (principal_id + 2) % 10",
        "principal_distributor_relationships_from_opportunities": "distributor_id = (principal_id + 1) % 10",
    }.get(model.name, "true")


def _of_new(expression: str) -> str:
    """The same expression over the row of a trigger."""
    return re.sub(r"\b([a-z_]+_(?:id|table|contact)|role)\b", r"new.\1", expression)
