-- mend: companies.control_characters
-- sets: name, sector, website, address, city, description
-- why: Nobody sees these characters; tabs and line breaks stay.

update public.companies
set
    name = regexp_replace(name, '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]', '', 'g'),
    sector = regexp_replace(sector, '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]', '', 'g'),
    website = regexp_replace(website, '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]', '', 'g'),
    address = regexp_replace(address, '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]', '', 'g'),
    city = regexp_replace(city, '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]', '', 'g'),
    description = regexp_replace(description, '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]', '', 'g')
