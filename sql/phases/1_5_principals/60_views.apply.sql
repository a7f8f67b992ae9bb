-- step: 60_views
-- why: What a principal has on offer and what becomes of it; whom a distributor sells for.

create view public.principal_product_summary with (security_invoker = on) as
with

companies as not materialized (

    select id, name, is_principal, is_distributor
    from public.companies
    where deleted_at is null

),

products as (

    select
        principal_id,
        count(*) as nb_products,
        count(*) filter (where is_active) as nb_active_products,
        count(distinct category) as nb_categories,
        min(unit_price) filter (where is_active) as lowest_unit_price,
        round(avg(unit_price) filter (where is_active), 2) as average_unit_price,
        max(unit_price) filter (where is_active) as highest_unit_price
    from public.products
    where deleted_at is null
    group by principal_id

),

lines as (

    select
        products.principal_id,
        count(distinct lines.opportunity_id) as nb_opportunities,
        sum(lines.final_price) filter (where opportunities.stage = 'closed_won') as won_value,
        sum(lines.final_price) filter (where opportunities.stage not in ('closed_won', 'closed_lost')) as open_value
    from public.opportunity_products as lines
    inner join public.products as products on products.id = lines.product_id and products.deleted_at is null
    inner join public.opportunities as opportunities
        on opportunities.id = lines.opportunity_id and opportunities.deleted_at is null
    where lines.deleted_at is null
    group by products.principal_id

),

relationships as (

    select relationships.principal_id, count(distinct relationships.distributor_id) as nb_distributors
    from public.principal_distributor_relationships as relationships
    inner join companies on companies.id = relationships.distributor_id and companies.is_distributor
    where relationships.relationship_status = 'active' and relationships.deleted_at is null
    group by relationships.principal_id

)

select
    -- ids
    companies.id as principal_id,

    -- facts
    companies.name as principal_name,
    coalesce(products.nb_products, 0) as nb_products,
    coalesce(products.nb_active_products, 0) as nb_active_products,
    coalesce(products.nb_categories, 0) as nb_categories,
    products.lowest_unit_price,
    products.average_unit_price,
    products.highest_unit_price,
    coalesce(lines.nb_opportunities, 0) as nb_opportunities,
    coalesce(lines.won_value, 0) as won_value,
    coalesce(lines.open_value, 0) as open_value,
    coalesce(relationships.nb_distributors, 0) as nb_distributors

from companies

left join products
    on products.principal_id = companies.id

left join lines
    on lines.principal_id = companies.id

left join relationships
    on relationships.principal_id = companies.id

where companies.is_principal;

comment on view public.principal_product_summary is
    'One row a living principal: its products, their prices, the opportunities they are part of, who sells them.';
comment on column public.principal_product_summary.nb_products is 'How many living products it has.';
comment on column public.principal_product_summary.nb_active_products is 'Those that are still sold.';
comment on column public.principal_product_summary.nb_categories is 'How many kinds of product it has.';
comment on column public.principal_product_summary.lowest_unit_price is 'Of the products that are still sold.';
comment on column public.principal_product_summary.average_unit_price is 'Of the products that are still sold.';
comment on column public.principal_product_summary.highest_unit_price is 'Of the products that are still sold.';
comment on column public.principal_product_summary.nb_opportunities is
    'How many living opportunities list one of its products.';
comment on column public.principal_product_summary.won_value is
    'What its products bring on opportunities that are won, discounts taken off.';
comment on column public.principal_product_summary.open_value is
    'What its products would bring on opportunities that are open, discounts taken off.';
comment on column public.principal_product_summary.nb_distributors is
    'How many living distributors it has an active relationship with.';

create view public.distributor_relationship_summary with (security_invoker = on) as
with

companies as not materialized (

    select id, name, is_principal, is_distributor
    from public.companies
    where deleted_at is null

),

relationships as (

    select
        relationships.distributor_id,
        count(*) filter (where relationships.relationship_status = 'active') as nb_active,
        count(*) filter (where relationships.relationship_status = 'pending') as nb_pending,
        count(*) filter (where relationships.relationship_status = 'terminated') as nb_terminated,
        round(
            avg(relationships.commission_rate) filter (where relationships.relationship_status = 'active'), 4
        ) as average_commission_rate,
        array_agg(companies.id order by companies.id asc)
        filter (where relationships.relationship_status = 'active') as principal_ids,
        array_agg(companies.name order by companies.id asc)
        filter (where relationships.relationship_status = 'active') as principal_names
    from public.principal_distributor_relationships as relationships
    inner join companies on companies.id = relationships.principal_id and companies.is_principal
    where relationships.deleted_at is null
    group by relationships.distributor_id

),

products as (

    select relationships.distributor_id, count(*) as nb_products
    from public.principal_distributor_relationships as relationships
    inner join companies on companies.id = relationships.principal_id and companies.is_principal
    inner join public.products as products
        on products.principal_id = relationships.principal_id and products.is_active and products.deleted_at is null
    where relationships.relationship_status = 'active' and relationships.deleted_at is null
    group by relationships.distributor_id

),

opportunities as (

    select
        distributor_organization_id,
        count(*) as nb_opportunities,
        sum(amount) filter (where stage = 'closed_won') as won_amount,
        sum(amount) filter (where stage not in ('closed_won', 'closed_lost')) as open_amount
    from public.opportunities
    where distributor_organization_id is not null and deleted_at is null
    group by distributor_organization_id

)

select
    -- ids
    companies.id as distributor_id,

    -- facts
    companies.name as distributor_name,
    coalesce(relationships.nb_active, 0) as nb_active_relationships,
    coalesce(relationships.nb_pending, 0) as nb_pending_relationships,
    coalesce(relationships.nb_terminated, 0) as nb_terminated_relationships,
    coalesce(relationships.principal_ids, '{}') as principal_ids,
    coalesce(relationships.principal_names, '{}') as principal_names,
    relationships.average_commission_rate,
    coalesce(products.nb_products, 0) as nb_products,
    coalesce(opportunities.nb_opportunities, 0) as nb_opportunities,
    coalesce(opportunities.won_amount, 0) as won_amount,
    coalesce(opportunities.open_amount, 0) as open_amount

from companies

left join relationships
    on relationships.distributor_id = companies.id

left join products
    on products.distributor_id = companies.id

left join opportunities
    on opportunities.distributor_organization_id = companies.id

where companies.is_distributor;

comment on view public.distributor_relationship_summary is
    'One row a living distributor: the principals it sells for, their products, its opportunities.';
comment on column public.distributor_relationship_summary.nb_active_relationships is
    'How many of its relationships with living principals are active.';
comment on column public.distributor_relationship_summary.principal_ids is
    'The principals of its active relationships.';
comment on column public.distributor_relationship_summary.principal_names is 'Their names, in the same order.';
comment on column public.distributor_relationship_summary.average_commission_rate is
    'Mean commission of its active relationships, as a share from 0 to 1.';
comment on column public.distributor_relationship_summary.nb_products is
    'How many active products it may sell.';
comment on column public.distributor_relationship_summary.nb_opportunities is
    'How many living opportunities it is the distributor of.';
comment on column public.distributor_relationship_summary.won_amount is 'Amount of those that are won.';
comment on column public.distributor_relationship_summary.open_amount is 'Amount of those that are open.';

select migration.deny_others('public.principal_product_summary');

select migration.deny_others('public.distributor_relationship_summary');
