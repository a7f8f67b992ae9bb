-- case: PostgREST lists deals with an exact count
with pgrst_source as (
    select "public"."deals".* from "public"."deals" where "public"."deals"."archived_at" is null
    order by "public"."deals"."index" asc, "public"."deals"."id" asc limit 10 offset 0
), pgrst_source_count as (
    select 1 from "public"."deals" where "public"."deals"."archived_at" is null
)
select (select pg_catalog.count(*) from pgrst_source_count) as total_result_set,
    pg_catalog.count(_postgrest_t) as page_total,
    coalesce(json_agg(_postgrest_t), '[]') as body
from (select * from pgrst_source) as _postgrest_t;

-- case: PostgREST embeds the company in a deal
select "public"."deals"."id", row_to_json("deals_companies_1".*) as "companies"
from "public"."deals"
left join lateral (
    select "companies_1"."id", "companies_1"."name" from "public"."companies" as "companies_1"
    where "companies_1"."id" = "public"."deals"."company_id"
) as "deals_companies_1" on true
order by "public"."deals"."id";

-- case: PostgREST embeds the notes in a deal
select "public"."deals"."id", coalesce("deals_notes_1"."notes", '[]') as "dealNotes"
from "public"."deals"
left join lateral (
    select json_agg("deals_notes_1" order by "deals_notes_1"."id") as notes
    from (
        select "notes_1".* from "public"."dealNotes" as "notes_1" where "notes_1"."deal_id" = "public"."deals"."id"
    ) as "deals_notes_1"
) as "deals_notes_1" on true
order by "public"."deals"."id";

-- case: PostgREST inserts a deal from a body and returns the row
with pgrst_source as (
    insert into "public"."deals" ("amount", "company_id", "contact_ids", "name", "stage")
    select "pgrst_body"."amount", "pgrst_body"."company_id", "pgrst_body"."contact_ids", "pgrst_body"."name",
        "pgrst_body"."stage"
    from (
        select '[{"name": "Posted", "stage": "won", "amount": 5, "company_id": 3, "contact_ids": [1, 2]}]'::json
            as json_data
    ) as pgrst_payload,
    lateral (
        select "amount", "company_id", "contact_ids", "name", "stage"
        from json_to_recordset(pgrst_payload.json_data)
            as _("amount" bigint, "company_id" bigint, "contact_ids" bigint[], "name" text, "stage" text)
    ) as pgrst_body
    returning "public"."deals".*
)
select '' as total_result_set, pg_catalog.count(_postgrest_t) as page_total,
    array[]::text[] as header, coalesce(json_agg(_postgrest_t), '[]') as body
from (select * from pgrst_source) as _postgrest_t;

-- case: PostgREST inserts deals from a body of the table's own type
insert into "public"."deals" ("id", "name", "stage", "created_at", "updated_at")
select "id", "name", "stage", now(), now()
from json_populate_recordset(
    null::"public"."deals", '[{"id": 700050, "name": "a", "stage": "won"}, {"id": 700051, "name": "b", "stage": "lost"}]'
)
returning "id", "name", "stage";

-- case: PostgREST patches a deal from a body
with pgrst_source as (
    update "public"."deals" set "stage" = "pgrst_body"."stage", "amount" = "pgrst_body"."amount"
    from (select '{"stage": "lost", "amount": 77}'::json as json_data) as pgrst_payload,
    lateral (
        select "stage", "amount" from json_to_record(pgrst_payload.json_data) as _("stage" text, "amount" bigint)
    ) as pgrst_body
    where "public"."deals"."id" = 8
    returning "public"."deals"."id", "public"."deals"."stage", "public"."deals"."amount"
)
select pg_catalog.count(_postgrest_t) as page_total, coalesce(json_agg(_postgrest_t), '[]') as body
from (select * from pgrst_source) as _postgrest_t;

-- case: PostgREST upserts deals, merging duplicates
with pgrst_source as (
    insert into "public"."deals" ("id", "name", "stage")
    select "pgrst_body"."id", "pgrst_body"."name", "pgrst_body"."stage"
    from json_to_recordset('[{"id": 1, "name": "Merged", "stage": "won"}, {"id": 700060, "name": "x", "stage": "lost"}]')
        as pgrst_body ("id" bigint, "name" text, "stage" text)
    on conflict ("id") do update
    set "id" = excluded."id", "name" = excluded."name", "stage" = excluded."stage"
    returning "public"."deals"."id", "public"."deals"."name", "public"."deals"."stage"
)
select coalesce(json_agg(_postgrest_t), '[]') as body from (select * from pgrst_source) as _postgrest_t;

-- case: PostgREST upserts deals, ignoring duplicates
insert into "public"."deals" ("id", "name", "stage")
select "id", "name", "stage"
from json_to_recordset('[{"id": 1, "name": "Ignored", "stage": "won"}]') as body ("id" bigint, "name" text, "stage" text)
on conflict ("id") do nothing
returning "id";

-- case: PostgREST deletes a deal and returns it
with pgrst_source as (
    delete from "public"."deals" where "public"."deals"."id" = 9 returning "public"."deals".*
)
select pg_catalog.count(_postgrest_t) as page_total, coalesce(json_agg(_postgrest_t), '[]') as body
from (select * from pgrst_source) as _postgrest_t;

-- case: PostgREST puts a whole note
insert into "public"."dealNotes" ("id", "deal_id", "type", "text")
values (1, 3, 'Call', 'Put')
on conflict ("id") do update
set "deal_id" = excluded."deal_id", "type" = excluded."type", "text" = excluded."text"
returning "public"."dealNotes"."id", "public"."dealNotes"."deal_id", "public"."dealNotes"."text";

-- case: PostgREST lists contacts of the summary that hold all of some tags
select coalesce(json_agg(_postgrest_t), '[]') as body
from (
    select "public"."contacts_summary"."id", "public"."contacts_summary"."company_name",
        "public"."contacts_summary"."nb_tasks", "public"."contacts_summary"."tags"
    from "public"."contacts_summary"
    where "public"."contacts_summary"."tags" @> '{13}' and "public"."contacts_summary"."status" = 'hot'
    order by "public"."contacts_summary"."last_seen" desc, "public"."contacts_summary"."id" desc
    limit 25
) as _postgrest_t;

-- case: PostgREST lists deals by what their company is
select "public"."deals"."id", "public"."deals"."name"
from "public"."deals"
where exists (
    select 1 from "public"."companies" as "companies_1"
    where "companies_1"."sector" ilike '%tech%' and "companies_1"."id" = "public"."deals"."company_id"
)
order by "public"."deals"."id";

-- case: PostgREST inserts a contact with only what its body names
insert into "public"."contacts" ("company_id", "email_jsonb", "first_name", "tags")
select "company_id", "email_jsonb", "first_name", "tags"
from json_to_recordset(
    '[{"first_name": "Posted", "company_id": 2, "tags": [1], "email_jsonb": [{"email": "p@example.com", "type": "Work"}]}]'
) as body ("company_id" bigint, "email_jsonb" jsonb, "first_name" text, "tags" bigint[])
returning "id", "company_id", "email_jsonb", "tags";
