"""A sample Atomic CRM: `prepare` makes room on the embedded server, `create` fills a database; same seed, same rows."""
