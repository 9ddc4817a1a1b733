-- The user's request that last moved a job (a cancel, answers): sent again because its answer was lost, it is known by its id.

alter table public.agent_jobs add column last_request uuid;
