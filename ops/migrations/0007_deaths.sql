-- How often the process that held a job was lost (after three times it fails), and how often its user has answered. The
-- fencing token `attempt` grows with both, and whenever a process hands a job back.

alter table public.agent_jobs
    add column deaths integer not null default 0,
    add column answers integer not null default 0;
