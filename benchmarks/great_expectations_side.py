"""Ten checks by Great Expectations, complete results, in an environment of its own: see compare_great_expectations.py.

Argument: the folder of a snapshot. Prints one JSON document: seconds of reading, of validating, failing rows by check.
"""

import json
import sys
import time
from pathlib import Path

import great_expectations as gx
import pandas as pd
from great_expectations import expectations as gxe

COLUMNS = {
    "contacts": ["id", "company_id", "gender", "status", "linkedin_url"],
    "deals": ["id", "company_id", "stage", "amount"],
    "tasks": ["id", "contact_id", "type"],
    "contactNotes": ["id", "text"],
}
LINKEDIN = r"(?i)^\s*((https?://)?([a-z0-9-]+\.)*linkedin\.com([/?#]\S*)?)?\s*$"
STAGES = ["opportunity", "proposal-sent", "in-negociation", "won", "lost", "delayed"]
TASK_TYPES = ["", "None", "Email", "Demo", "Lunch", "Meeting", "Follow-up", "Thank you", "Ship", "Call"]


def main(folder: Path) -> None:
    """Validate each table and print what came of it."""
    began = time.monotonic()
    frames = {table: pd.read_parquet(folder / f"{table}.parquet", columns=names) for table, names in COLUMNS.items()}
    companies = pd.read_parquet(folder / "companies.parquet", columns=["id"])["id"].tolist()
    read = time.monotonic() - began
    people = frames["contacts"]["id"].tolist()
    wanted = {
        "contacts": {
            "unknown_company": gxe.ExpectColumnValuesToBeInSet(column="company_id", value_set=companies),
            "unknown_gender": gxe.ExpectColumnValuesToBeInSet(
                column="gender", value_set=["", "male", "female", "nonbinary"]
            ),
            "unknown_status": gxe.ExpectColumnValuesToBeInSet(
                column="status", value_set=["", "cold", "warm", "hot", "in-contract"]
            ),
            "invalid_linkedin_url": gxe.ExpectColumnValuesToMatchRegex(column="linkedin_url", regex=LINKEDIN),
        },
        "deals": {
            "unknown_company": gxe.ExpectColumnValuesToBeInSet(column="company_id", value_set=companies),
            "unknown_stage": gxe.ExpectColumnValuesToBeInSet(column="stage", value_set=STAGES),
            "negative_amount": gxe.ExpectColumnValuesToBeBetween(column="amount", min_value=0),
        },
        "tasks": {
            "unknown_contact": gxe.ExpectColumnValuesToBeInSet(column="contact_id", value_set=people),
            "unknown_type": gxe.ExpectColumnValuesToBeInSet(column="type", value_set=TASK_TYPES),
        },
        "contactNotes": {"blank_text": gxe.ExpectColumnValuesToMatchRegex(column="text", regex=r"\S")},
    }
    began = time.monotonic()
    failing: dict[str, int] = {}
    source = gx.get_context(mode="ephemeral").data_sources.add_pandas("snapshot")
    for table, expectations in wanted.items():
        definition = source.add_dataframe_asset(table).add_batch_definition_whole_dataframe("all")
        batch = definition.get_batch({"dataframe": frames[table]})
        for name, expectation in expectations.items():
            result = batch.validate(
                expectation, result_format={"result_format": "COMPLETE", "unexpected_index_column_names": ["id"]}
            )
            failing[f"{table}.{name}"] = len(result.result.get("unexpected_index_list") or ())
    print(json.dumps({"read": read, "validated": time.monotonic() - began, "failing": failing}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
