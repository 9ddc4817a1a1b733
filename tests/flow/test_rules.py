# SPDX-License-Identifier: MPL-2.0
"""The rules of the HTTP contract that no other test is about, one test each: what all answers have in common, the order in which a
request is judged, what is trimmed and what is kept, waiting, limits of time and number, events that are no longer there."""
import concurrent.futures
import contextlib
import datetime
import json
import os
import re
import signal
import time
import uuid

import pytest

from support.openapi import Document
from support.system import ROOT, System, make_token, wait_for

DOCUMENT = Document (json.loads ((ROOT / "proto/openapi.json").read_text ()))
NOBODY = "00000000-0000-4000-8000-000000000000"
UUID = re.compile (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.I)


def error (answer, status, code):
    assert (answer.status, answer.json ["error"]) == (status, code), answer.body
    return answer.json ["details"]


@pytest.fixture (scope = "module", autouse = True)
def silence (system):
    """A stream of which nothing is heard while the tests run: the comments that come, and when."""
    job = system.run_agent (system.project ("silent"), "qa", {"code": "silent [[sim latency=600000]]"})
    wait_for (lambda: [call for call in system.calls ("silent") if call ["outcome"] == "open"], "the model to be asked")
    stream, begun = system.stream (job), time.monotonic ()

    def listen ():
        for line in iter (stream.response.readline, b""):
            if line.startswith (b":"):
                return time.monotonic () - begun
    with concurrent.futures.ThreadPoolExecutor (1) as pool:
        yield pool.submit (listen)
        stream.close ()


# ---- what all answers have in common

@pytest.fixture (scope = "module")
def built (system):
    """A student's project with all that can be in one, and an ended job."""
    project = system.project ("Everything", mode = "student")
    job = system.run_pipeline (project, "a habit tracker")
    assert system.wait_job (job) ["status"] == "completed"
    assert system.request ("POST", f"/v1/student/{project}/roadmap", {"skill_level": "beginner"}).status == 200
    session = {"transcript": [], "concepts_covered": [], "duration_minutes": 5}
    assert system.request ("POST", f"/v1/student/{project}/sessions", session).status == 201
    return project, job


def members (value, name = None):
    """(name, text) of every member anywhere in a document."""
    if isinstance (value, dict):
        for key, one in value.items ():
            yield from members (one, key)
    elif isinstance (value, list):
        for one in value:
            yield from members (one, name)
    else:
        yield name, value


def test_times_are_rfc_3339_in_utc (system, built):
    project, job = built
    paths = [f"/v1/jobs/{job}", f"/v1/jobs/{project}/list", "/v1/projects/", f"/v1/projects/{project}", f"/v1/projects/{project}/files", "/v1/profiles/me",
             f"/v1/projects/{project}/messages", f"/v1/student/{project}/roadmap", f"/v1/student/{project}/sessions"]
    now = datetime.datetime.now (datetime.timezone.utc)
    for path in paths:
        times = [text for name, text in members (system.request ("GET", path).json) if name and name.endswith ("_at") and text is not None]
        assert times, path
        for text in times:
            assert re.fullmatch (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", text), (path, text)
            assert abs (now - datetime.datetime.fromisoformat (text.replace ("Z", "+00:00"))) < datetime.timedelta (hours = 1)


def test_ids_are_lower_case_whatever_the_case_they_came_in (system, built):
    project, job = built
    for path in (f"/v1/jobs/{job.upper ()}", f"/v1/jobs/{project.upper ()}/list", f"/v1/projects/{project.upper ()}/files", f"/v1/student/{project.upper ()}/progress"):
        answer = system.request ("GET", path)
        found = UUID.findall (answer.body.decode ())
        assert answer.status == 200 and found and all (one == one.lower () for one in found), path
    accepted = system.request ("POST", "/v1/run-agent", {"project_id": project.upper (), "agent_type": "qa", "input_context": {"code": "x"}})
    assert accepted.status == 202 and system.wait_job (accepted.json ["job_id"].upper ()) ["project_id"] == project
    assert error (system.request ("GET", f"/v1/jobs/{NOBODY.replace ('0', 'A')}"), 404, "RESOURCE_NOT_FOUND") ["id"] == NOBODY.replace ("0", "a")


def test_security_headers_are_on_every_answer (system, built):
    project, job = built
    raw = {"Content-Type": "text/plain"}
    answers = {
        200: system.request ("GET", f"/v1/jobs/{job}"), 201: system.request ("POST", "/v1/projects/", {"title": "headers"}),
        204: system.request ("OPTIONS", "/v1/projects/", user = None), 400: system.request ("GET", "/v1/jobs/x"),
        401: system.request ("GET", "/v1/projects/", user = None), 403: system.request ("POST", "/v1/projects/", {}, user = None),
        404: system.request ("GET", "/v1/nowhere"), 405: system.request ("PATCH", "/v1/projects/"), 409: system.request (
            "PUT", f"/v1/projects/{project}/files/src/app.js", {"content": ""}, headers = {"If-Match": "99"}),
        413: system.request ("POST", "/v1/projects/", raw = b" " * (1 << 20) + b"{}", headers = {"Content-Type": "application/json"}),
        415: system.request ("POST", "/v1/projects/", raw = b"{}", headers = raw), 422: system.request ("POST", "/v1/projects/", {}),
        431: system.request ("GET", "/v1/projects/", headers = {"X-Long": "x" * 33000}), 417: system.request (
            "POST", "/v1/projects/", {"title": "expects"}, headers = {"Expect": "the unexpected"}),
        202: system.request ("POST", "/v1/run-agent", {"project_id": project, "agent_type": "qa", "input_context": {"code": "x"}}),
    }
    for status, answer in answers.items ():
        assert answer.status == status, (status, answer.status, answer.body)
        assert answer.headers ["X-Content-Type-Options"] == "nosniff" and answer.headers ["Referrer-Policy"] == "no-referrer", status
        assert answer.headers ["Cache-Control"] == "no-store" and answer.headers ["X-Request-ID"] and answer.headers ["traceparent"], status
        assert "Strict-Transport-Security" not in answer.headers and "Server" not in answer.headers, status
        limited = [name for name in ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset") if name in answer.headers]
        assert len (limited) == (0 if status in (204, 404, 405) else 3), f"{status}: {limited}: the route comes before the limit, all else after it"
    stream = system.stream (job)
    assert stream.headers ["X-Content-Type-Options"] == "nosniff" and stream.headers ["X-Request-ID"] and stream.headers ["traceparent"]
    stream.close ()
    assert "default-src 'none'" in system.request ("GET", "/docs/", user = None).headers ["Content-Security-Policy"]


# ---- the order in which a request is judged

def test_a_request_is_judged_in_the_order_of_the_contract (fresh):
    """Everything is wrong with it; what is answered is mended, and the next fault shows."""
    system = fresh (RATE_LIMIT_PER_MINUTE = 5)
    user, other = str (uuid.uuid4 ()), str (uuid.uuid4 ())
    project = system.project ("ordered", user = user)
    file = f"/v1/projects/{project}/files/src/a.js"
    while system.request ("GET", "/v1/projects/", user = None).status != 429:
        pass                            # the address is used up; users have buckets of their own
    bad = make_token (user, secret = "not-the-secret-0123456789abcdef012345")
    anon, good = make_token (user, role = "anon"), make_token (user)
    big, kind = b"{" + b" " * (1 << 20), {"Content-Type": "text/plain"}
    origin = {"Origin": "http://localhost:3000", "Access-Control-Request-Method": "PUT"}

    def send (method, path, token = None, raw = big, **headers):
        bearer = {"Authorization": f"Bearer {token}"} if token else {}
        return system.request (method, path, raw = raw, user = None, headers = {**kind, **bearer, "If-Match": "x", **headers})
    nowhere, archived = "/v1/projects/7/nowhere", f"/v1/projects/{project}"
    assert send ("OPTIONS", nowhere, **origin).status == 204, "CORS is before the route"
    error (send ("PATCH", nowhere), 404, "NOT_FOUND")
    error (send ("PATCH", "/v1/projects/7/files/src/../x"), 405, "METHOD_NOT_ALLOWED")
    error (send ("PUT", "/v1/projects/7/files/src/../x"), 429, "RATE_LIMIT_EXCEEDED")
    system.stop ()
    system.settings ["RATE_LIMIT_PER_MINUTE"] = "1000"
    system.start ()
    error (send ("PUT", "/v1/projects/7/files/src/../x"), 403, "CSRF_VALIDATION_FAILED")
    error (send ("PUT", "/v1/projects/7/files/src/../x", bad), 401, "AUTHENTICATION_ERROR")
    error (send ("PUT", "/v1/projects/7/files/src/../x", anon), 403, "PERMISSION_DENIED")
    assert error (send ("PUT", "/v1/projects/7/files/src/../x", good), 400, "VALIDATION_ERROR") ["field"] == "project_id"
    assert error (send ("PUT", f"/v1/projects/{project}/files/src/../x", good), 400, "VALIDATION_ERROR") ["field"] == "path"
    error (send ("PUT", file, good), 413, "PAYLOAD_TOO_LARGE")
    error (send ("PUT", file, good, raw = b"{"), 415, "UNSUPPORTED_MEDIA_TYPE")
    kind = {"Content-Type": "application/json"}
    error (send ("PUT", file, good, raw = b"{"), 422, "VALIDATION_ERROR")
    error (send ("PUT", file, good, raw = b"{}"), 422, "VALIDATION_ERROR")
    content = b'{"content": "x"}'
    assert error (send ("PUT", file, make_token (other), raw = content), 400, "VALIDATION_ERROR") ["field"] == "If-Match"
    assert error (send ("PUT", file, make_token (other), raw = content, **{"If-Match": "7"}), 404, "RESOURCE_NOT_FOUND") ["resource"] == "project"
    assert system.request ("DELETE", archived, user = user).status == 200
    error (send ("PUT", file, good, raw = content, **{"If-Match": "7"}), 409, "CONFLICT")
    # the query comes after the body, and before existence
    refactor = json.dumps ({"selected_code": "x", "instruction": "rename it"}).encode ()
    error (send ("POST", f"/v1/projects/{NOBODY}/files/src/a.js/refactor?apply=maybe", good, raw = b"{}"), 422, "VALIDATION_ERROR")
    assert error (send ("POST", f"/v1/projects/{NOBODY}/files/src/a.js/refactor?apply=maybe", good, raw = refactor), 400, "VALIDATION_ERROR") ["field"] == "apply"
    error (send ("POST", f"/v1/projects/{NOBODY}/files/src/a.js/refactor", good, raw = refactor), 404, "RESOURCE_NOT_FOUND")


# ---- bodies

def test_malformed_json_is_one_error_with_its_place (system):
    for raw, offset in ((b'{"title": "abc",, "mode": 1}', 16), (b"", 0), (b'{"title": nonsense}', 10)):
        answer = system.request ("POST", "/v1/projects/", raw = raw, headers = {"Content-Type": "application/json"})
        faults = error (answer, 422, "VALIDATION_ERROR") ["errors"]
        assert len (faults) == 1 and faults [0] ["field"] == "" and faults [0] ["message"] and faults [0] ["type"], faults
        assert abs (faults [0] ["offset"] - offset) <= 8, faults


def test_what_is_inside_input_context_is_kept_as_sent (system):
    context = {"code": "  \n\tx = 1  ", "file_path": " a b ", "more": [" kept ", {"deep": " "}], "number": 1.5, "nothing": None}
    job = system.run_agent (system.project ("kept"), "qa", context)
    assert json.loads (system.sql (f"select input_context from public.agent_jobs where id = '{job}'")) == context
    job = system.run_agent (system.project ("cleaned"), "qa", {"code": "a\u0000b\u0007c\u001bd\n\te"})
    assert json.loads (system.sql (f"select input_context from public.agent_jobs where id = '{job}'")) == {"code": "abcd\n\te"}


def test_code_to_ask_about_is_kept_and_the_question_trimmed (system):
    assert system.request ("POST", "/v1/student/ask", {"question": "  why kept?  ", "code": "  spaced = 1  "}).status == 200
    asked = json.loads (system.sql ("select input_context from public.agent_jobs where input_context ->> 'question' like '%why kept%'"))
    assert asked ["question"] == "why kept?" and asked ["code"] == "  spaced = 1  "


# ---- CORS, CSRF

@pytest.fixture (scope = "module")
def small ():
    with System (ALLOWED_ORIGINS = "https://app.example, http://localhost:5173", JOBS_MAX_OPEN_PER_USER = 1) as running:
        yield running


def names (answer, header):
    return {name.strip ().lower () for name in answer.headers [header].split (",")}


def test_pages_may_send_and_read_every_header_of_the_document (system):
    origin = {"Origin": "http://localhost:3000", "Access-Control-Request-Method": "PUT"}
    preflight = system.request ("OPTIONS", "/v1/projects/", user = None, headers = origin)
    wanted = {param ["name"].lower () for operation in DOCUMENT.operations for param in operation.params if param ["in"] == "header"} - {"if-none-match"}
    assert wanted | {"authorization", "content-type", "x-csrf-token", "x-request-id", "traceparent"} <= names (preflight, "Access-Control-Allow-Headers")
    assert {operation.method.lower () for operation in DOCUMENT.operations} <= names (preflight, "Access-Control-Allow-Methods")
    shown = {name.lower () for operation in DOCUMENT.operations for response in operation.body ["responses"].values ()
             for name in DOCUMENT.resolve (response).get ("headers", {})}
    readable = names (system.request ("GET", "/v1/projects/", headers = origin), "Access-Control-Expose-Headers") | {"cache-control", "content-type", "etag", "content-security-policy"}
    assert shown - {"x-accel-buffering"} <= readable, shown - readable


def test_only_the_origins_of_the_setting_are_allowed (small):
    for origin, allowed in (("https://app.example", True), ("http://localhost:5173", True), ("http://localhost:3000", False), ("https://APP.example", False),
                            ("https://app.example:443", False), ("https://app.example.evil.example", False), ("https://app.exampl", False), ("null", False), ("*", False)):
        answer = small.request ("GET", "/health", user = None, headers = {"Origin": origin})
        assert answer.headers ["Access-Control-Allow-Origin"] == (origin if allowed else None), origin
        assert answer.headers ["Access-Control-Allow-Credentials"] == ("true" if allowed else None)
        assert answer.headers ["Vary"].lower () == "origin"


def test_a_cookie_is_random_and_only_a_bearer_is_exempt (system):
    cookies = {system.request (method, "/health", user = None).headers ["Set-Cookie"].split (";") [0] for method in ("GET", "HEAD") * 8}
    assert len (cookies) == 16
    for method, path in (("POST", "/v1/projects/"), ("PUT", f"/v1/projects/{NOBODY}"), ("DELETE", f"/v1/projects/{NOBODY}"), ("POST", f"/v1/jobs/{NOBODY}/cancel")):
        for authorization in (None, "Basic YTpi", "Bearer", "Token abc"):
            answer = system.request (method, path, {}, user = None, headers = {"Authorization": authorization} if authorization else {})
            error (answer, 403, "CSRF_VALIDATION_FAILED")
        error (system.request (method, path, {}, user = None, headers = {"Authorization": "bearer abc"}), 401, "AUTHENTICATION_ERROR")
    assert system.request ("POST", "/v1/waitlist/", {"email": "exempt@example.com"}, user = None).status == 201


# ---- how much, how long

def test_more_open_jobs_than_allowed_are_refused_until_one_ends (small):
    def run (user):
        project = small.project ("one at a time", user = user)
        return lambda: small.request ("POST", "/v1/run-agent", {"project_id": project, "agent_type": "qa", "input_context": {"code": "x [[sim latency=600000]]"}}, user = user)
    first, second = run (small.user), run (str (uuid.uuid4 ()))
    job = first ()
    assert job.status == 202
    answer = first ()
    error (answer, 503, "OVERLOADED")
    assert int (answer.headers ["Retry-After"]) > 0
    assert second ().status == 202, "another user's jobs are not counted"
    assert small.request ("POST", f"/v1/jobs/{job.json ['job_id']}/cancel").status == 200
    assert first ().status == 202


def test_a_key_that_is_worked_on_for_long_is_a_conflict (system):
    """It is waited for, and told after 10 s that it cannot be waited for longer."""
    key = str (uuid.uuid4 ())
    post = lambda: system.request ("POST", "/v1/projects/", {"title": "Under way"}, headers = {"Idempotency-Key": key})      # noqa: E731
    assert post ().status == 201
    system.sql (f"update codeforge.idempotency_keys set status = null, headers = null, answer = null, claim = gen_random_uuid (),"
                f" claimed_at = now () + interval '1 hour' where key = '{key}'")
    assert error (post (), 409, "CONFLICT") == {"field": "Idempotency-Key"}


def test_a_wait_ends_where_the_job_asks (system):
    body = {"project_id": system.project ("asked"), "agent_type": "research", "input_context": {"user_idea": "an app for swimmers"}}
    answer = system.request ("POST", "/v1/run-agent", body, headers = {"Prefer": "wait=60"})
    assert answer.status == 202 and answer.json ["status"] == "queued"
    assert system.job (answer.json ["job_id"]) ["status"] == "waiting_for_input"


@pytest.mark.parametrize ("preference", ["wait=0", "wait=61", "wait=99999999999999", "wait=x", "wait", "handling=lenient"])
def test_a_preference_that_cannot_be_met_is_no_fault (system, preference):
    body = {"project_id": system.project ("preferred"), "agent_type": "qa", "input_context": {"code": "x"}}
    assert system.request ("POST", "/v1/run-agent", body, headers = {"Prefer": preference}).status in (200, 202)


def test_a_pipeline_has_three_times_the_time_and_waiting_does_not_count (fresh):
    system = fresh (AGENT_TIMEOUT = 1)
    asking = system.run_agent (system.project ("asked in time"), "research", {"user_idea": "an app for climbers"})
    system.wait_job (asking, "waiting_for_input")
    hanging = system.wait_job (system.run_pipeline (system.project ("hanging"), "a hanging garden planner [[sim fault=silent count=99]]"))
    assert (hanging ["status"], hanging ["error"]) == ("failed", "timeout after 3 s")
    answers = [{"question": "What matters most?", "answer": "Ropes."}]
    assert system.request ("POST", "/v1/clarify", {"job_id": asking, "answers": answers}).status == 202
    assert system.wait_job (asking) ["status"] == "completed"


# ---- agents

def test_a_pipeline_takes_any_agent_type_and_asks_nothing (system):
    body = {"project_id": system.project ("vague"), "agent_type": "qa", "input_context": {"user_idea": "an app"}}
    answer = system.request ("POST", "/v1/run-pipeline", body)
    assert answer.status == 202
    job = system.wait_job (answer.json ["job_id"], "completed", "failed", "waiting_for_input")
    assert job ["status"] == "completed" and job ["agent_type"] == "builder"
    assert [step ["name"] for step in job ["steps"]] == ["research", "wireframe", "code", "qa"]


def test_a_clear_idea_goes_straight_on (system):
    idea = "an app for plants " + "that knows when each of them wants water " * 5
    job = system.wait_job (system.run_agent (system.project ("clear"), "research", {"user_idea": idea}), "completed", "failed", "waiting_for_input")
    assert job ["status"] == "completed" and [step ["name"] for step in job ["steps"]] == ["research.questions", "research"]


def test_a_question_that_fails_is_not_asked (system):
    idea = "an app for unheard questions [[sim fault=status401 agent=questions count=99]]"
    job = system.wait_job (system.run_agent (system.project ("unheard"), "research", {"user_idea": idea}), "completed", "failed", "waiting_for_input")
    assert job ["status"] == "completed", job ["error"]
    assert [step ["status"] for step in job ["steps"] if step ["name"] == "research"] == ["completed"]


# ---- events

def test_events_that_are_gone_give_the_state_as_it_is (system):
    """After JOBS_KEEP_DAYS the steps and events of an ended job are dropped; the job and its result stay."""
    job = system.run_agent (system.project ("forgotten"), "qa", {"code": "x = 1"})
    done = system.wait_job (job)
    first = [event ["id"] for event in system.stream (job, "?last_event_id=0")]
    assert len (first) > 2
    system.sql (f"delete from codeforge.job_events where job_id = '{job}'")
    for query in ("", "?last_event_id=0", "?last_event_id=1"):
        events = list (system.stream (job, query))
        assert [event ["event"] for event in events] == ["complete"] and events [0] ["id"] == first [-1], query
        assert events [0] ["data"] ["result"] == done ["result"]
    assert system.request ("GET", f"/v1/jobs/{job}/stream", headers = {"Last-Event-ID": first [-1]}).status == 204


# ---- health

def test_metrics_are_not_the_worlds (system):
    error (system.request ("GET", "/metrics", user = None), 404, "NOT_FOUND")


def test_health_is_200_and_ready_503_while_no_job_could_be_accepted (fresh):
    system = fresh ()
    get = lambda path: system.request ("GET", path, user = None)        # noqa: E731

    def is_given_up (name):
        """Killed whenever it is back, until the supervisor has had enough."""
        row = next (row for row in system.status () if row ["service"] == name)
        with contextlib.suppress (ProcessLookupError):
            row ["pid"] and os.kill (row ["pid"], signal.SIGKILL)
        return row ["state"] == "failed"

    def agents ():
        return get ("/health").json ["dependencies"] ["agents"]
    wait_for (lambda: get ("/health").json ["status"] == "healthy", "the edges to know everybody")
    assert get ("/health/ready").json == {"status": "ready"}
    wait_for (lambda: is_given_up ("qa"), "qa to be given up")
    wait_for (lambda: agents () ["qa"] == "down", "the edge to know it")
    health = get ("/health")
    assert health.status == 200 and health.json ["status"] == "degraded" and set (agents ().values ()) == {"ok", "down"}
    assert get ("/health/ready").status == 200, "other jobs can be accepted"
    wait_for (lambda: is_given_up ("jobs"), "jobs to be given up")
    answer = wait_for (lambda: (answer := get ("/health/ready")).status == 503 and answer, "the edge to know it")
    assert "jobs" in json.dumps (error (answer, 503, "OVERLOADED")) and int (answer.headers ["Retry-After"]) > 0
    assert get ("/health").status == 200
    for name in ("jobs", "qa"):
        assert system.codeforge ("restart", name).returncode == 0
    wait_for (lambda: get ("/health").json ["status"] == "healthy" and get ("/health/ready").status == 200, "all to be well again")


# ---- the end

def test_a_silent_stream_says_that_it_is_there (silence):
    """A comment line after 15 s of silence."""
    assert silence.result (60) >= 14
