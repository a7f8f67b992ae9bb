-- Who may do what: everybody who has signed in may do nearly everything, anon nothing, service_role passes by all
-- rules. Needs the three API roles. Policy names repeat across tables and differ in their capitals, as they
-- do in the app.

grant select, insert, update, delete on table
    public.companies,
    public.contacts,
    public."contactNotes",
    public."dealNotes",
    public.deals,
    public.sales,
    public.tags,
    public.tasks
to authenticated;

grant all on table
    public.companies,
    public.contacts,
    public."contactNotes",
    public."dealNotes",
    public.deals,
    public.sales,
    public.tags,
    public.tasks
to service_role;

grant all on table storage.buckets, storage.objects to anon, authenticated, service_role;
grant all on table auth.users to service_role;

-- companies
create policy "Enable read access for authenticated users" on public.companies
for select to authenticated using (true);

create policy "Enable insert for authenticated users only" on public.companies
for insert to authenticated with check (true);

create policy "Enable update for authenticated users only" on public.companies
for update to authenticated using (true) with check (true);

create policy "Company Delete Policy" on public.companies
for delete to authenticated using (true);

-- contacts
create policy "Enable read access for authenticated users" on public.contacts
for select to authenticated using (true);

create policy "Enable insert for authenticated users only" on public.contacts
for insert to authenticated with check (true);

create policy "Enable update for authenticated users only" on public.contacts
for update to authenticated using (true) with check (true);

create policy "Contact Delete Policy" on public.contacts
for delete to authenticated using (true);

-- contactNotes
create policy "Enable read access for authenticated users" on public."contactNotes"
for select to authenticated using (true);

create policy "Enable insert for authenticated users only" on public."contactNotes"
for insert to authenticated with check (true);

create policy "Contact Notes Update policy" on public."contactNotes"
for update to authenticated using (true);

create policy "Contact Notes Delete Policy" on public."contactNotes"
for delete to authenticated using (true);

-- dealNotes
create policy "Enable read access for authenticated users" on public."dealNotes"
for select to authenticated using (true);

create policy "Enable insert for authenticated users only" on public."dealNotes"
for insert to authenticated with check (true);

create policy "Deal Notes Update Policy" on public."dealNotes"
for update to authenticated using (true);

create policy "Deal Notes Delete Policy" on public."dealNotes"
for delete to authenticated using (true);

-- deals
create policy "Enable read access for authenticated users" on public.deals
for select to authenticated using (true);

create policy "Enable insert for authenticated users only" on public.deals
for insert to authenticated with check (true);

create policy "Enable update for authenticated users only" on public.deals
for update to authenticated using (true) with check (true);

create policy "Deals Delete Policy" on public.deals
for delete to authenticated using (true);

-- sales: only the triggers on auth.users and the service role write here
create policy "Enable read access for authenticated users" on public.sales
for select to authenticated using (true);

-- tags
create policy "Enable read access for authenticated users" on public.tags
for select to authenticated using (true);

create policy "Enable insert for authenticated users only" on public.tags
for insert to authenticated with check (true);

create policy "Enable update for authenticated users only" on public.tags
for update to authenticated using (true);

create policy "Enable delete for authenticated users only" on public.tags
for delete to authenticated using (true);

-- tasks
create policy "Enable read access for authenticated users" on public.tasks
for select to authenticated using (true);

create policy "Enable insert for authenticated users only" on public.tasks
for insert to authenticated with check (true);

create policy "Task Update Policy" on public.tasks
for update to authenticated using (true);

create policy "Task Delete Policy" on public.tasks
for delete to authenticated using (true);

-- files
create policy "Attachments 1mt4rzk_0" on storage.objects
for select to authenticated using (bucket_id = 'attachments');

create policy "Attachments 1mt4rzk_1" on storage.objects
for insert to authenticated with check (bucket_id = 'attachments');

create policy "Attachments 1mt4rzk_3" on storage.objects
for delete to authenticated using (bucket_id = 'attachments');
