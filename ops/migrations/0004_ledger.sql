-- The ledger of `jobs`, in schema codeforge, where the web app's roles have no way in. Written often and read
-- whole, so documents are text and not jsonb, and nothing is indexed but the key and, by block, the time
-- (for pruning).

revoke all on schema codeforge from public, anon, authenticated;

create table codeforge.job_steps (
    job_id uuid not null,
    name text not null,
    seq integer not null,                               -- order within the job
    status text not null check (status in ('running', 'completed', 'failed')),
    attempt integer not null,
    output text,                                        -- JSON, or the model's raw text
    outcome text not null default 'complete' check (outcome in ('complete', 'cut_off', 'refused')),
    model text,
    provider text,
    input_tokens bigint not null default 0,
    output_tokens bigint not null default 0,
    cost_usd numeric (14, 6) not null default 0,
    started_at timestamptz not null default clock_timestamp (),
    completed_at timestamptz,
    primary key (job_id, name)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
create index job_steps_age on codeforge.job_steps using brin (started_at) with (autosummarize = on);

create table codeforge.job_events (
    job_id uuid not null,
    seq bigint not null,                                -- the id: of the server-sent event
    event text not null,
    data text not null,                                 -- JSON
    created_at timestamptz not null default clock_timestamp (),
    primary key (job_id, seq)
) with (autovacuum_vacuum_scale_factor = 0.05);
create index job_events_age on codeforge.job_events using brin (created_at) with (autosummarize = on);

-- what a finished job changed elsewhere (specification, files, message): once, however often it is reported
create table codeforge.applied_effects (
    job_id uuid not null,
    effect text not null,
    applied_at timestamptz not null default now (),
    primary key (job_id, effect)
);
