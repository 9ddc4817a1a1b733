-- Why a job failed, for programs: the name of the error and what it is about; and jobs that carry a project away.

alter table public.agent_jobs
    add column error_code text,
    add column error_details jsonb,
    drop constraint agent_jobs_agent_type_check,
    add constraint agent_jobs_agent_type_check
        check (agent_type in ('research', 'wireframe', 'code', 'qa', 'pedagogy', 'roadmap', 'builder', 'github'));
