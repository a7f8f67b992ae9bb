-- What Supabase brings and Atomic CRM leans on: users, file storage, who-am-I. Only as much of it as the CRM touches.
-- Needs a role that owns the database; no superuser.

create schema auth;
create schema storage;
create schema private;

create table auth.users (
    id uuid not null default gen_random_uuid(),
    aud text default 'authenticated',
    role text default 'authenticated',
    email text,
    raw_app_meta_data jsonb,
    raw_user_meta_data jsonb,
    created_at timestamptz default now(),
    updated_at timestamptz default now(),
    constraint users_pkey primary key (id)
);

-- The user of the request: PostgREST hands the token's claims over as a setting.
create function auth.uid() returns uuid
language sql
stable
as $$
    select cast(
        coalesce(
            nullif(current_setting('request.jwt.claim.sub', true), ''),
            cast(nullif(current_setting('request.jwt.claims', true), '') as jsonb) ->> 'sub'
        ) as uuid
    )
$$;

create table storage.buckets (
    id text not null,
    name text not null,
    public boolean default false,
    created_at timestamptz default now(),
    constraint buckets_pkey primary key (id),
    constraint buckets_name_key unique (name)
);

create table storage.objects (
    id uuid not null default gen_random_uuid(),
    bucket_id text,
    name text,
    owner uuid,
    created_at timestamptz default now(),
    updated_at timestamptz default now(),
    metadata jsonb,
    constraint objects_pkey primary key (id),
    constraint objects_bucket_id_fkey foreign key (bucket_id) references storage.buckets (id)
);

alter table storage.objects enable row level security;

insert into storage.buckets (id, name, public, created_at)
values ('attachments', 'attachments', true, '2024-07-30 07:50:29+00');
