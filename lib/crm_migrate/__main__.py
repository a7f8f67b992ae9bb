"""`python -m crm_migrate` is `crm-migrate`."""

from crm_migrate.cli import main

main()
