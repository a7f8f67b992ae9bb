"""The workbench that assesses, rehearses, decides, executes, verifies and undoes the migration of an Atomic CRM."""

__version__ = "0.1.0"
