-- What a user's jobs cost by day is found through their projects; those outside of any project need a way of their own.
-- An index of all jobs by user would be one more write for each of them.

create index agent_jobs_outside on public.agent_jobs (user_id, created_at) where project_id is null;
