-- step: 60_views
-- why: The views go, the last one first.

drop view public.distributor_relationship_summary;

drop view public.principal_product_summary;
