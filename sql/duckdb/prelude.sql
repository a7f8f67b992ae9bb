-- What PostgreSQL has and DuckDB lacks, as macros; loaded into every session that simulates or assesses.
-- Each statement ends with a semicolon at the end of a line.

create schema if not exists public;
create schema if not exists migration;

-- Full text is PostgreSQL's own: the prediction holds NULL, and the column stands in `uncompared` of its model.
create macro public.search_document(document) as cast(null as varchar);

create macro quote_literal(value) as
    case when contains(cast(value as varchar), '\') then 'E' else '' end
    || '''' || replace(replace(cast(value as varchar), '\', '\\'), '''', '''''') || '''';
create macro to_jsonb(value) as to_json(value);
create macro jsonb_array_length(value) as cast(json_array_length(value) as integer);
create macro jsonb_typeof(value) as
    case json_type(value)
        when 'VARCHAR' then 'string'
        when 'ARRAY' then 'array'
        when 'OBJECT' then 'object'
        when 'BOOLEAN' then 'boolean'
        when 'NULL' then 'null'
        when 'BIGINT' then 'number'
        when 'UBIGINT' then 'number'
        when 'DOUBLE' then 'number'
    end;
create macro json_typeof(value) as jsonb_typeof(value);
