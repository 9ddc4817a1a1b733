# SPDX-License-Identifier: MPL-2.0
"""Two users cannot see each other: whatever is another's looks like what does not exist."""
import uuid


def test_nothing_of_anothers_can_be_seen_or_touched (system):
    mine, theirs = system.user, str (uuid.uuid4 ())
    project = system.project ("private")
    job = system.wait_job (system.run_pipeline (project, "a private notebook")) ["job_id"]
    path = system.request ("GET", f"/v1/projects/{project}/files").json ["files"] [0] ["path"]
    unknown = str (uuid.uuid4 ())
    answers = [{"question": "What?", "answer": "This."}]
    requests = [
        ("GET", f"/v1/projects/{{project}}", None), ("GET", f"/v1/projects/{{project}}/files", None),
        ("GET", f"/v1/projects/{{project}}/files/{path}", None), ("GET", f"/v1/jobs/{{project}}/list", None),
        ("GET", f"/v1/jobs/{{job}}", None), ("POST", f"/v1/jobs/{{job}}/cancel", None), ("GET", f"/v1/jobs/{{job}}/stream", None),
        ("POST", f"/v1/jobs/{{job}}/stream-token", None),
        ("POST", "/v1/clarify", {"job_id": "{job}", "answers": answers}),
        ("POST", "/v1/run-agent", {"project_id": "{project}", "agent_type": "qa", "input_context": {"code": "x"}}),
        ("POST", "/v1/run-pipeline", {"project_id": "{project}", "input_context": {"user_idea": "steal it"}}),
    ]
    for method, template, body in requests:
        shown = []
        for ids in ({"project": project, "job": job}, {"project": unknown, "job": unknown}):
            fill = lambda text: text.replace ("{project}", ids ["project"]).replace ("{job}", ids ["job"])     # noqa: E731
            filled = {key: fill (value) if isinstance (value, str) else value for key, value in body.items ()} if body else None
            answer = system.request (method, fill (template), filled, user = theirs)
            assert answer.status == 404, (method, template, answer.body)
            told = answer.json
            told.pop ("request_id")
            told ["details"].pop ("id", None)
            shown.append (told)
        assert shown [0] == shown [1], "another's and an unknown one must look the same"
    listed = system.request ("GET", "/v1/projects/", user = theirs).json
    assert listed ["total"] == 0 and listed ["items"] == []
    assert system.request ("GET", f"/v1/projects/{project}", user = mine).status == 200
