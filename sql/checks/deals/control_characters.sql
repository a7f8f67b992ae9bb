-- check: deals.control_characters
-- severity: warning
-- table: public.deals
-- why: Control characters come from broken imports; they break exports, and JSON that is built by hand.
-- fix: Remove them: regexp_replace(column, '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]', '', 'g').
-- returns: one row per deal (id, detail)

with

-- one look for all that may be wrong with a text; three checks begin with it, and each looks closer
deals as (

    select id, name, category, description
    from public.deals
    where concat_ws(' ', name, category, description) ~ '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f<ÃÂâ�]'

)

select
    id,
    'a control character stands in name, category or description' as detail

from deals

where concat_ws(' ', name, category, description) ~ '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]'
