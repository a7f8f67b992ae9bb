-- step: 50_functions
-- why: The functions go, the last one first.

drop function public.add_product(bigint, text, text, text, numeric, numeric, text, integer, boolean, bigint);

drop function public.get_principal_distributors(bigint);

drop function public.get_distributor_products(bigint);
