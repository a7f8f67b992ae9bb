-- step: 50_functions
-- why: The functions go, the last one first.

drop function public.soft_delete_company(bigint);

drop function public.add_principal_advocacy(bigint, bigint, integer, text, text, text, bigint);

drop function public.add_contact_to_organization(
    bigint, bigint, public.contact_role, boolean, boolean, text, text, date, text, bigint
);

drop function public.get_organization_contacts(bigint);

drop function public.get_contact_organizations(bigint);

drop function public.require_word(text, text, text[]);

drop function public.require_living(text, bigint);
