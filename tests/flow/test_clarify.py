# SPDX-License-Identifier: MPL-2.0
"""Research asks, the job waits, and the same job goes on with the answers."""


def test_the_same_job_goes_on_with_the_answers (system):
    project = system.project ("an app")
    job = system.run_agent (project, "research", {"user_idea": "an app for my club"})
    waiting = system.wait_job (job, "waiting_for_input", "completed", "failed")
    assert waiting ["status"] == "waiting_for_input" and waiting ["progress"] == 50
    assert waiting ["result"] ["is_complete"] is False
    questions = waiting ["result"] ["questions"]
    assert 1 <= len (questions) <= 5

    answers = [{"question": question ["question"], "answer": "As simple as possible."} for question in questions]
    accepted = system.request ("POST", "/v1/clarify", {"job_id": job, "answers": answers})
    assert accepted.status == 202 and accepted.json ["job_id"] == job and accepted.json ["status"] == "queued"
    done = system.wait_job (job)
    assert done ["status"] == "completed", done ["error"]
    assert [step ["name"] for step in done ["steps"]] == ["research.questions", "research"]
    assert system.request ("GET", f"/v1/projects/{project}").json ["requirements_spec"] == done ["result"]
    system.assert_no_call_repeated ("an app for my club")

    again = system.request ("POST", "/v1/clarify", {"job_id": job, "answers": answers})
    assert again.status == 400 and again.json ["error"] == "VALIDATION_ERROR"


def test_respond_is_clarify (system):
    job = system.run_agent (system.project ("an app"), "research", {"user_idea": "an app for my choir"})
    system.wait_job (job, "waiting_for_input")
    answers = [{"question": "What matters most?", "answer": "Rehearsal dates."}]
    assert system.request ("POST", f"/v1/agents/jobs/{job}/respond", {"answers": answers}).status == 202
    assert system.wait_job (job) ["status"] == "completed"


def test_a_waiting_job_can_be_cancelled_and_is_nobody_elses (system):
    job = system.run_agent (system.project ("an app"), "research", {"user_idea": "an app for my shop"})
    system.wait_job (job, "waiting_for_input")
    answers = [{"question": "What matters most?", "answer": "Stock."}]
    stranger = "7d0c1b52-53ce-4b35-8f2f-d8e2bb1f5d7e"
    assert system.request ("POST", "/v1/clarify", {"job_id": job, "answers": answers}, user = stranger).status == 404
    assert system.request ("POST", f"/v1/jobs/{job}/cancel").json ["status"] == "cancelled"
    assert system.request ("POST", "/v1/clarify", {"job_id": job, "answers": answers}).status == 400


def test_skipping_asks_nothing (system):
    job = system.run_agent (system.project ("an app"), "research", {"user_idea": "an app for my band", "skip_clarification": True})
    done = system.wait_job (job)
    assert [step ["name"] for step in done ["steps"]] == ["research"]


def test_a_waiting_job_outlives_every_process (fresh):
    system = fresh ()
    job = system.run_agent (system.project ("an app"), "research", {"user_idea": "an app for my garden"})
    system.wait_job (job, "waiting_for_input")
    assert system.stop () == 0
    system.start ()
    assert system.job (job) ["status"] == "waiting_for_input"
    answers = [{"question": "What matters most?", "answer": "Tomatoes."}]
    assert system.request ("POST", "/v1/clarify", {"job_id": job, "answers": answers}).status == 202
    assert system.wait_job (job) ["status"] == "completed"
