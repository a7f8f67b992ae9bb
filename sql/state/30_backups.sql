-- Full copies of tables that the migration changes (C2), and when each may go (E3).

create table if not exists migration.backups (
    copy_name text primary key,
    table_name text not null,
    row_count bigint not null,
    made_at timestamptz not null default clock_timestamp()
);

-- Of the rows that the original had, in whatever order; state of an earlier version lacks it.
alter table migration.backups add column if not exists fingerprint numeric;

comment on table migration.backups is 'One row a copy in schema migration_backup.';

select migration.deny_others('migration.backups');
