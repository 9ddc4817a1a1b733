# SPDX-License-Identifier: MPL-2.0
"""An idea becomes a project, through every process."""
import threading

from support.system import wait_for


def test_an_idea_becomes_a_project (system):
    project = system.project ("a habit tracker with streaks")
    job = system.run_pipeline (project, "a habit tracker with streaks")
    done = system.wait_job (job)
    assert done ["status"] == "completed", done ["error"]
    result = done ["result"]
    assert set (result) == {"requirements_spec", "architecture_spec", "generated_code", "qa_result", "iterations"}
    assert result ["qa_result"] ["passed"] is True
    assert "habit" in result ["requirements_spec"] ["app_name"].lower ()
    assert done ["progress"] == 100 and done ["attempt"] == 1 and done ["simulated"] is True
    assert [step ["name"] for step in done ["steps"]] == ["research", "wireframe", "code", "qa"]
    assert all (step ["status"] == "completed" and step ["model"] and step ["output_tokens"] > 0 for step in done ["steps"])
    assert done ["usage"] ["calls"] == 4
    assert done ["usage"] ["output_tokens"] == sum (step ["output_tokens"] for step in done ["steps"])

    shown = system.request ("GET", f"/v1/projects/{project}").json
    assert shown ["status"] == "completed"
    assert shown ["requirements_spec"] == result ["requirements_spec"]
    assert shown ["architecture_spec"] == result ["architecture_spec"]
    files = system.request ("GET", f"/v1/projects/{project}/files?include=content").json ["files"]
    assert {file ["path"]: file ["content"] for file in files} == {
        file ["file_path"]: file ["content"] for file in result ["generated_code"] ["files"]}
    assert all (file ["version"] == 1 for file in files)
    system.assert_no_call_repeated ("habit tracker with streaks")


def test_different_ideas_give_different_apps (system):
    made = []
    for idea in ("a pomodoro timer for students", "split restaurant bills among friends"):
        done = system.wait_job (system.run_pipeline (system.project (idea), idea))
        assert done ["status"] == "completed"
        made.append ({file ["content"] for file in done ["result"] ["generated_code"] ["files"] if file ["file_path"].endswith (".js")})
    assert made [0] != made [1]


def test_code_runs_again_until_the_review_passes (system):
    idea = "a recipe box [[sim qa_fail=2]]"
    done = system.wait_job (system.run_pipeline (system.project ("recipes"), idea))
    assert done ["status"] == "completed", done ["error"]
    assert done ["result"] ["iterations"] == 3
    assert done ["result"] ["qa_result"] ["passed"] is True
    assert [step ["name"] for step in done ["steps"]] == ["research", "wireframe", "code", "qa", "code.2", "qa.2", "code.3", "qa.3"]


def test_a_review_that_never_passes_ends_the_job_all_the_same (fresh):
    system = fresh (MAX_AGENT_ITERATIONS = 2)
    project = system.project ("never good enough")
    done = system.wait_job (system.run_pipeline (project, "a plant diary [[sim qa_fail=99]]"))
    assert done ["status"] == "completed"
    assert done ["result"] ["iterations"] == 2
    assert done ["result"] ["qa_result"] ["passed"] is False
    assert system.request ("GET", f"/v1/projects/{project}").json ["status"] == "building"


def test_agents_one_after_the_other (system):
    project = system.project ("a reading list")
    refused = system.request ("POST", "/v1/run-agent", {"project_id": project, "agent_type": "wireframe"})
    assert refused.status == 400 and refused.json ["error"] == "VALIDATION_ERROR"
    assert refused.json ["details"] ["field"] == "input_context.requirements"
    for agent, context in (("research", {"user_idea": "a reading list", "skip_clarification": True}), ("wireframe", None),
                           ("code", {"user_message": "keep it small"}), ("qa", None)):
        done = system.wait_job (system.run_agent (project, agent, context))
        assert done ["status"] == "completed", (agent, done ["error"])
        assert [step ["name"] for step in done ["steps"]] == [agent]
    assert system.request ("GET", f"/v1/projects/{project}").json ["status"] == "building"
    listed = system.request ("GET", f"/v1/jobs/{project}/list").json
    assert listed ["total"] == 4 and [job ["agent_type"] for job in listed ["items"]] == ["qa", "code", "wireframe", "research"]


def test_many_jobs_at_once_all_end (system):
    project = system.project ("many")
    jobs = []

    def post ():
        for _ in range (10):
            jobs.append (system.run_agent (project, "qa", {"code": "print (1)"}))
    threads = [threading.Thread (target = post) for _ in range (8)]
    for thread in threads:
        thread.start ()
    for thread in threads:
        thread.join ()
    assert len (set (jobs)) == 80
    for job in jobs:
        assert system.wait_job (job) ["status"] == "completed"


def test_provider_down_fails_the_job_cleanly (system):
    job = system.run_agent (system.project ("down"), "qa", {"code": "x = 1 [[sim fault=status503 count=99]]"})
    done = system.wait_job (job)
    assert done ["status"] == "failed"
    assert done ["error"] == "No model provider is available."
    assert done ["steps"] [0] ["status"] == "failed"


def test_a_hanging_provider_ends_at_the_time_limit (fresh):
    system = fresh (AGENT_TIMEOUT = 2)
    job = system.run_agent (system.project ("hanging"), "qa", {"code": "x = 1 [[sim fault=silent count=99]]"})
    done = system.wait_job (job)
    assert done ["status"] == "failed" and done ["error"] == "timeout after 2 s"
    wait_for (lambda: all (call ["outcome"] != "open" for call in system.calls ("x = 1")), "the provider's connection to be closed")
