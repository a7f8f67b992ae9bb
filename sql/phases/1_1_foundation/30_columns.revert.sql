-- step: 30_columns
-- why: The new columns go, with what stands in them.

alter table public.opportunities
    drop column original_company_id,
    drop column search_tsv,
    drop column decision_criteria,
    drop column competition,
    drop column next_action_date,
    drop column next_action,
    drop column status_manual,
    drop column stage_manual,
    drop column founding_interaction_id,
    drop column distributor_organization_id,
    drop column principal_organization_id,
    drop column customer_organization_id,
    drop column actual_close_date,
    drop column estimated_close_date,
    drop column probability,
    drop column priority,
    drop column status,
    drop column stage;

alter table public.contacts
    drop column company_id_backup,
    drop column search_tsv,
    drop column deleted_at,
    drop column department;

alter table public.companies
    drop column search_tsv,
    drop column deleted_at,
    drop column priority,
    drop column segment,
    drop column parent_company_id,
    drop column is_distributor,
    drop column is_principal,
    drop column organization_type;

drop function public.search_document(text);
