-- How long each finished model call took to its first token; null: there was none.

alter table codeforge.job_steps add column first_token_ms integer;
