-- What a job's calls without an answer are assumed to have cost, and what is reserved for those under way: both count against
-- the budgets of the job and of its user's day, and are kept where the job's cost is, so that none is ever lost without the other.

alter table public.agent_jobs
    add column lost_usd numeric (14, 6) not null default 0,
    add column holds text;                              -- JSON [{id, most, lost}] in millionths; null: none
