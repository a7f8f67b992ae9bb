-- step: 50_functions
-- why: Which products a distributor may sell, who sells for a principal, and what a principal makes, with the caller's
--  rights.

create function public.get_distributor_products(p_distributor_id bigint)
returns table (
    product_id bigint,
    product_name text,
    sku text,
    category text,
    unit_price numeric,
    min_order_quantity integer,
    principal_id bigint,
    principal_name text,
    commission_rate numeric
)
    language plpgsql stable
    set search_path = ''
as $$
begin
    perform public.require_living('distributor', p_distributor_id);
    return query
    select
        products.id,
        products.name,
        products.sku,
        products.category,
        products.unit_price,
        products.min_order_quantity,
        principals.id,
        principals.name,
        relationships.commission_rate
    from public.principal_distributor_relationships as relationships
    inner join public.companies as principals
        on principals.id = relationships.principal_id and principals.deleted_at is null
    inner join public.products as products
        on products.principal_id = principals.id and products.is_active and products.deleted_at is null
    where relationships.distributor_id = p_distributor_id
        and relationships.relationship_status = 'active'
        and relationships.deleted_at is null
    order by principals.name asc, principals.id asc, products.name asc, products.id asc;
end
$$;

comment on function public.get_distributor_products(bigint) is
    'The active products that a distributor may sell: those of the principals it has an active relationship with.';

create function public.get_principal_distributors(p_principal_id bigint)
returns table (
    relationship_id bigint,
    distributor_id bigint,
    distributor_name text,
    relationship_status text,
    start_date date,
    end_date date,
    commission_rate numeric,
    notes text
)
    language plpgsql stable
    set search_path = ''
as $$
begin
    perform public.require_living('principal', p_principal_id);
    return query
    select
        relationships.id,
        distributors.id,
        distributors.name,
        relationships.relationship_status,
        relationships.start_date,
        relationships.end_date,
        relationships.commission_rate,
        relationships.notes
    from public.principal_distributor_relationships as relationships
    inner join public.companies as distributors
        on distributors.id = relationships.distributor_id and distributors.deleted_at is null
    where relationships.principal_id = p_principal_id
        and relationships.relationship_status <> 'terminated'
        and relationships.deleted_at is null
    order by relationships.relationship_status asc, distributors.name asc, relationships.id asc;
end
$$;

comment on function public.get_principal_distributors(bigint) is
    'The distributors of a principal, active ones first, then pending ones; terminated ones are left out.';

create function public.add_product(
    p_principal_id bigint,
    p_name text,
    p_sku text default null,
    p_category text default null,
    p_unit_price numeric default null,
    p_unit_cost numeric default null,
    p_description text default null,
    p_min_order_quantity integer default 1,
    p_is_active boolean default true,
    p_created_by bigint default null
)
returns bigint
    language plpgsql
    set search_path = ''
as $$
declare
    product_id bigint;
    given_sku constant text := nullif(btrim(p_sku), '');
    trouble text;
begin
    perform public.require_living('principal', p_principal_id);
    trouble := case
        when p_name is null or btrim(p_name) = '' then 'p_name is blank'
        when p_unit_price < 0 or round(p_unit_price, 2) >= 1e12
            then 'p_unit_price is no amount from 0 to 999999999999.99'
        when p_unit_cost < 0 or round(p_unit_cost, 2) >= 1e12
            then 'p_unit_cost is no amount from 0 to 999999999999.99'
        when p_min_order_quantity is null or p_min_order_quantity < 0 then 'p_min_order_quantity is no quantity'
        when p_is_active is null then 'p_is_active is missing'
    end;
    if trouble is not null then
        raise exception using
            errcode = 'invalid_parameter_value',
            message = trouble,
            hint = 'Correct it, or leave it out where it has a default.';
    end if;
    if p_created_by is not null then
        perform public.require_living('user', p_created_by);
    end if;
    select products.id
    into product_id
    from public.products as products
    where products.principal_id = p_principal_id and products.sku = given_sku and products.deleted_at is null;
    if found then
        raise exception using
            errcode = 'unique_violation',
            message = format('company %s has a product with this SKU already', p_principal_id),
            hint = format('Change row %s of products, or give another SKU.', product_id);
    end if;

    insert into public.products (
        principal_id,
        name,
        sku,
        category,
        unit_price,
        unit_cost,
        description,
        min_order_quantity,
        is_active,
        created_by
    )
    values (
        p_principal_id,
        p_name,
        given_sku,
        p_category,
        p_unit_price,
        p_unit_cost,
        p_description,
        p_min_order_quantity,
        p_is_active,
        p_created_by
    )
    returning id into product_id;
    return product_id;
end
$$;

comment on function public.add_product(
    bigint, text, text, text, numeric, numeric, text, integer, boolean, bigint
) is
    'Adds a product to a principal and returns its id; a SKU is unique among the living products of the principal.';

select migration.allow_readers('public.get_distributor_products', 'public.companies');

select migration.allow_readers('public.get_principal_distributors', 'public.companies');

select migration.allow_readers('public.add_product', 'public.companies');
