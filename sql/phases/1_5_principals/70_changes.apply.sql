-- step: 70_changes
-- why: From now on it is noted which rows are written, and by which role: verification tells users' work from what went
--  wrong, and the way back keeps it.

delete from migration.changes;

do $$
-- The arguments are the columns by which a row that the migration made is found again, should it be deleted.
declare
    listed record;
begin
    for listed in
        select 'companies' as relation, '' as arguments
        union all select 'contacts', ''
        union all select 'opportunities', ''
        union all select 'contactNotes', ''
        union all select 'opportunityNotes', ''
        union all select 'tasks', ''
        union all select 'tags', ''
        union all select 'sales', ''
        union all select 'contact_organizations', '''contact_id'', ''organization_id'''
        union all select 'contact_preferred_principals', '''contact_id'', ''principal_organization_id'''
        union all select 'opportunity_participants', '''opportunity_id'', ''organization_id'', ''role'''
        union all select 'opportunity_products', ''
        union all select 'activities', '''source_table'', ''source_id'''
        union all select 'interaction_participants', ''
        union all select 'products', '''principal_id'', ''name'', ''sku'''
        union all select
            'principal_distributor_relationships', '''principal_id'', ''distributor_id'', ''relationship_status'''
    loop
        execute format(
            'create trigger zz_note_inserts after insert on public.%I referencing new table as rows_after
            for each statement execute function migration.note_changes()', listed.relation
        );
        execute format(
            'create trigger zz_note_updates after update on public.%I
            referencing old table as rows_before new table as rows_after
            for each statement execute function migration.note_changes()', listed.relation
        );
        execute format(
            'create trigger zz_note_deletes after delete on public.%I referencing old table as rows_before
            for each statement execute function migration.note_changes(%s)', listed.relation, listed.arguments
        );
        execute format(
            'create trigger zz_note_truncates before truncate on public.%I
            for each statement execute function migration.note_changes(%s)', listed.relation, listed.arguments
        );
    end loop;
end
$$;
