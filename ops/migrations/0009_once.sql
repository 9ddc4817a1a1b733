-- What makes a repeated request count once. Out of the web app's reach, like the rest of this schema.

-- the Idempotency-Key of a request, and its answer once there is one; forgotten after 24 hours
create table codeforge.idempotency_keys (
    user_id uuid not null,
    key text not null check (char_length (key) between 1 and 255),
    hash text not null,                                 -- of method, path and body
    claim uuid not null,                                -- the request that answers
    status integer check (status between 200 and 299),  -- of its answer; null: not answered yet
    headers text,                                       -- JSON
    answer text,
    created_at timestamptz not null default now (),
    claimed_at timestamptz not null default now (),
    primary key (user_id, key)
);
create index idempotency_keys_age on codeforge.idempotency_keys using brin (created_at) with (autosummarize = on);

-- writes of files that were done; remembered for as long as the one who asked may ask again
create table codeforge.file_writes (
    id uuid primary key,                                -- chosen by who asked
    written_at timestamptz not null default now ()
);
