-- step: 30_columns
-- why: New columns come beside the old ones; their defaults are constants, so no row is rewritten here.

create function public.search_document(document text) returns tsvector
    language sql immutable parallel safe
    set search_path = ''
as $$
    -- A tsvector holds 1 MB; 50,000 characters stay below it whatever they are, so no row can fail.
    select to_tsvector('pg_catalog.english', left(document, 50000))
$$;

comment on function public.search_document(text) is 'English full text of a document, cut so that no row can fail.';

select migration.deny_callers('public.search_document(text)');

alter table public.companies
    add column organization_type public.organization_type not null default 'prospect',
    add column is_principal boolean not null default false,
    add column is_distributor boolean not null default false,
    add column parent_company_id bigint,
    add column segment text not null default 'Standard',
    add column priority text not null default 'C',
    add column deleted_at timestamptz,
    add column search_tsv tsvector;

comment on column public.companies.organization_type is
    'What the company is to us; customer where it has a deal, prospect where not, unless organizations.csv says else.';
comment on column public.companies.is_principal is 'Makes products that others sell.';
comment on column public.companies.is_distributor is 'Sells products of principals.';
comment on column public.companies.parent_company_id is 'The company it belongs to.';
comment on column public.companies.segment is 'Market segment, as the analyst names it.';
comment on column public.companies.priority is 'A to D.';
comment on column public.companies.deleted_at is 'When it was deleted softly.';
comment on column public.companies.search_tsv is 'English full text of name, sector, website, address and city.';

alter table public.contacts
    add column department text,
    add column deleted_at timestamptz,
    add column search_tsv tsvector,
    add column company_id_backup bigint;

comment on column public.contacts.department is 'Department of the person.';
comment on column public.contacts.deleted_at is 'When it was deleted softly.';
comment on column public.contacts.search_tsv is 'English full text of names, title, department and background.';
comment on column public.contacts.company_id_backup is 'company_id as it was when the migration ran.';

alter table public.opportunities
    add column stage public.opportunity_stage not null default 'lead',
    add column status public.opportunity_status not null default 'active',
    add column priority public.priority_level not null default 'medium',
    add column probability smallint,
    add column estimated_close_date date,
    add column actual_close_date date,
    add column customer_organization_id bigint,
    add column principal_organization_id bigint,
    add column distributor_organization_id bigint,
    add column founding_interaction_id bigint,
    add column stage_manual boolean not null default false,
    add column status_manual boolean not null default false,
    add column next_action text,
    add column next_action_date date,
    add column competition text,
    add column decision_criteria text,
    add column search_tsv tsvector,
    add column original_company_id bigint;

comment on column public.opportunities.stage is 'Stage of the pipeline, from legacy_stage by stages.csv.';
comment on column public.opportunities.status is 'Whether it is being worked on, from legacy_stage by stages.csv.';
comment on column public.opportunities.priority is 'How much it matters.';
comment on column public.opportunities.probability is 'Chance of winning in percent, by stage from probabilities.csv.';
comment on column public.opportunities.estimated_close_date is 'expected_closing_date as a UTC date.';
comment on column public.opportunities.actual_close_date is 'updated_at as a UTC date where the stage is closed.';
comment on column public.opportunities.customer_organization_id is 'The company that buys, from company_id.';
comment on column public.opportunities.principal_organization_id is
    'The company whose products it is about, from opportunity_roles.csv.';
comment on column public.opportunities.distributor_organization_id is
    'The company that sells, from opportunity_roles.csv.';
comment on column public.opportunities.founding_interaction_id is
    'The first interaction on it, set when one is logged; null on a migrated opportunity until then.';
comment on column public.opportunities.stage_manual is
    'True where the probability was set by hand: it no longer follows the stage.';
comment on column public.opportunities.status_manual is
    'True where the status was set by hand: old clients no longer change it.';
comment on column public.opportunities.next_action is 'What is to be done next.';
comment on column public.opportunities.next_action_date is 'When it is to be done.';
comment on column public.opportunities.competition is 'Who else is in it.';
comment on column public.opportunities.decision_criteria is 'What the customer decides by.';
comment on column public.opportunities.search_tsv is
    'English full text of name, description, category and next action.';
comment on column public.opportunities.original_company_id is 'company_id as it was when the migration ran.';
