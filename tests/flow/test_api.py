# SPDX-License-Identifier: MPL-2.0
"""The HTTP contract, against the running system: statuses, shapes, headers and the order in which a request is judged."""
import concurrent.futures
import json
import socket
import time
import uuid

import pytest

from support.system import make_token, wait_for

NOBODY = "00000000-0000-4000-8000-000000000000"


def error (answer, status, code):
    assert answer.status == status, answer.body
    body = answer.json
    assert set (body) == {"error", "message", "details", "request_id"}, body
    assert body ["error"] == code
    assert body ["message"] and isinstance (body ["details"], dict)
    assert body ["request_id"] == answer.headers ["X-Request-ID"]
    return body ["details"]


def fields (answer):
    return {fault ["field"] for fault in error (answer, 422, "VALIDATION_ERROR") ["errors"]}


# what every answer carries

@pytest.mark.parametrize ("method, path", [("GET", "/health"), ("GET", "/nowhere"), ("GET", "/v1/projects/"), ("POST", "/v1/run-agent")])
def test_every_answer_has_its_headers (system, method, path):
    answer = system.request (method, path, user = None)
    assert answer.headers ["X-Request-ID"]
    version, trace, span, flags = answer.headers ["traceparent"].split ("-")
    assert (version, len (trace), len (span), len (flags)) == ("00", 32, 16, 2)
    assert answer.headers ["X-Content-Type-Options"] == "nosniff"
    assert answer.headers ["Referrer-Policy"]
    assert answer.headers ["Cache-Control"] == "no-store"
    assert "Server" not in answer.headers


def test_ids_of_the_caller_are_kept_where_sane (system):
    sent = {"X-Request-ID": "client-4711", "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    answer = system.request ("GET", "/health", user = None, headers = sent)
    assert answer.headers ["X-Request-ID"] == "client-4711"
    assert answer.headers ["traceparent"].startswith ("00-0af7651916cd43dd8448eb211c80319c-")
    for bad in ("a" * 500, "a b", "<script>"):
        assert system.request ("GET", "/health", user = None, headers = {"X-Request-ID": bad}).headers ["X-Request-ID"] != bad


def test_health_tells_of_the_parts (system):
    health = wait_for (lambda: (answer := system.request ("GET", "/health", user = None).json) ["status"] == "healthy" and answer, "health")
    assert health ["service"] == "codeforge" and health ["version"]
    parts = health ["dependencies"]
    assert parts ["database"] == "ok" and parts ["broker"] == "ok" and parts ["redis"] == "not configured"
    assert parts ["providers"] ["openai"] == "simulated"
    assert {"research", "wireframe", "code", "qa"} <= set (parts ["agents"])
    assert set (parts ["agents"].values ()) == {"ok"}


# routes and methods

def test_unknown_paths_and_methods (system):
    error (system.request ("GET", "/v1/nothing"), 404, "NOT_FOUND")
    error (system.request ("GET", "/v1/projects/x/y/z/"), 404, "NOT_FOUND")
    answer = system.request ("PATCH", "/v1/projects/")
    error (answer, 405, "METHOD_NOT_ALLOWED")
    assert {"GET", "POST"} <= {method.strip () for method in answer.headers ["Allow"].split (",")}
    assert system.request ("HEAD", "/health", user = None).body == b""


def test_projects_answer_with_and_without_a_slash (system):
    for path in ("/v1/projects", "/v1/projects/"):
        assert system.request ("POST", path, {"title": "Slash"}).status == 201
        assert system.request ("GET", path).status == 200


def test_the_agents_prefix_is_the_same (system):
    project = system.project ("twin")
    answer = system.request ("POST", "/v1/agents/run-agent", {"project_id": project, "agent_type": "qa", "input_context": {"code": "x"}})
    assert answer.status == 202
    job = answer.json ["job_id"]
    assert system.request ("GET", f"/v1/agents/jobs/{job}").json ["job_id"] == job
    assert system.request ("GET", f"/v1/agents/jobs/{project}/list").json ["items"] [0] ["job_id"] == job


# CORS, CSRF, authentication

def test_cors_knows_its_origins (system):
    preflight = {"Origin": "http://localhost:3000", "Access-Control-Request-Method": "POST"}
    answer = system.request ("OPTIONS", "/v1/run-agent", user = None, headers = preflight)
    assert answer.status == 204
    assert answer.headers ["Access-Control-Allow-Origin"] == "http://localhost:3000"
    assert answer.headers ["Access-Control-Allow-Credentials"] == "true"
    assert answer.headers ["Access-Control-Max-Age"] == "3600"
    allowed = answer.headers ["Access-Control-Allow-Headers"].lower ()
    assert all (name in allowed for name in ("authorization", "content-type", "x-csrf-token", "idempotency-key", "last-event-id"))
    for origin in ("http://localhost:3001", "https://localhost:3000", "http://localhost:3000.evil.example", "null"):
        answer = system.request ("OPTIONS", "/v1/run-agent", user = None, headers = {**preflight, "Origin": origin})
        assert "Access-Control-Allow-Origin" not in answer.headers
    answer = system.request ("GET", "/v1/projects/", user = None, headers = {"Origin": "http://127.0.0.1:3000"})
    assert answer.headers ["Access-Control-Allow-Origin"] == "http://127.0.0.1:3000"
    assert "X-Request-ID" in answer.headers ["Access-Control-Expose-Headers"]


def test_csrf_is_double_submit (system):
    cookie = system.request ("GET", "/health", user = None).headers ["Set-Cookie"]
    assert cookie.startswith ("csrf_token=") and "SameSite=Strict" in cookie and "HttpOnly" not in cookie and "Max-Age=86400" in cookie
    token = cookie.split ("=", 1) [1].split (";") [0]
    assert len (token) == 64
    post = lambda **headers: system.request ("POST", "/v1/projects/", {"title": "abc"}, user = None, headers = headers)
    error (post (), 403, "CSRF_VALIDATION_FAILED")
    error (post (Cookie = f"csrf_token={token}"), 403, "CSRF_VALIDATION_FAILED")
    error (post (**{"Cookie": f"csrf_token={token}", "X-CSRF-Token": token [:-1] + "g"}), 403, "CSRF_VALIDATION_FAILED")
    error (post (**{"Cookie": f"csrf_token={token}", "X-CSRF-Token": token}), 401, "AUTHENTICATION_ERROR")
    error (post (Authorization = "Bearer nonsense"), 401, "AUTHENTICATION_ERROR")
    assert "Set-Cookie" not in system.request ("GET", "/health", user = None, headers = {"Cookie": f"csrf_token={token}"}).headers


def bad_tokens ():
    user = str (uuid.uuid4 ())
    good = make_token (user)
    head, claims, signature = good.split (".")
    now = int (time.time ())
    return {
        "none at all": "", "no parts": "abc", "two parts": f"{head}.{claims}", "no signature": f"{head}.{claims}.",
        "another signature": f"{head}.{claims}.{signature [:-4]}AAAA", "another secret": make_token (user, "x" * 32),
        "alg none": make_token (user, header = {"alg": "none"}), "alg HS512": make_token (user, header = {"alg": "HS512"}),
        "alg RS256": make_token (user, header = {"alg": "RS256"}), "expired": make_token (user, exp = now - 60),
        "no exp": make_token (user, exp = None), "not yet": make_token (user, nbf = now + 60), "issued later": make_token (user, iat = now + 60),
        "another audience": make_token (user, aud = "anon"), "no audience": make_token (user, aud = None),
        "no sub": make_token (user, sub = None), "sub no uuid": make_token (user, sub = "me"), "too long": make_token (user, more = "x" * 9000),
    }


def test_bad_tokens_are_refused (system):
    for name, token in bad_tokens ().items ():
        answer = system.request ("GET", "/v1/projects/", user = None, headers = {"Authorization": f"Bearer {token}"})
        assert answer.status == 401, name
        error (answer, 401, "AUTHENTICATION_ERROR")
        assert answer.headers ["WWW-Authenticate"] == "Bearer"
    error (system.request ("GET", "/v1/projects/", user = make_token (system.user, role = "anon")), 403, "PERMISSION_DENIED")
    error (system.request ("GET", "/v1/projects/", user = None, headers = {"Authorization": "Basic abc"}), 401, "AUTHENTICATION_ERROR")


# ids, bodies, queries

def test_ids_in_the_path (system):
    for path in ("/v1/jobs/x", "/v1/projects/x", "/v1/jobs/x/list", "/v1/projects/x/files", "/v1/jobs/x/stream"):
        details = error (system.request ("GET", path), 400, "VALIDATION_ERROR")
        assert set (details) == {"field", "reason"}
    project = system.project ("upper case")
    assert system.request ("GET", f"/v1/projects/{project.upper ()}").json ["id"] == project


def test_unknown_and_foreign_are_the_same (system):
    project = system.project ("mine")
    job = system.run_agent (project, "qa", {"code": "x"})
    other = str (uuid.uuid4 ())
    for path, own, resource in ((f"/v1/projects/{{}}", project, "project"), ("/v1/jobs/{}", job, "job"), ("/v1/projects/{}/files", project, "project")):
        unknown = system.request ("GET", path.format (NOBODY), user = other)
        foreign = system.request ("GET", path.format (own), user = other)
        assert error (unknown, 404, "RESOURCE_NOT_FOUND") == {"resource": resource, "id": NOBODY}
        assert error (foreign, 404, "RESOURCE_NOT_FOUND") == {"resource": resource, "id": own}
        assert unknown.json ["message"] == foreign.json ["message"]
    answer = system.request ("POST", "/v1/run-agent", {"project_id": project, "agent_type": "qa", "input_context": {"code": "x"}}, user = other)
    error (answer, 404, "RESOURCE_NOT_FOUND")


def test_bodies_are_strict_and_every_fault_is_listed (system):
    post = lambda body, path = "/v1/run-agent": system.request ("POST", path, body)
    assert fields (post ({})) == {"project_id", "agent_type"}
    assert fields (post ({"project_id": 1, "agent_type": "builder", "more": 1})) == {"project_id", "agent_type", "more"}
    assert fields (post ([])) == {""}
    assert fields (post ({"title": "ab", "mode": "x", "tech_stack": ["a"] * 11}, "/v1/projects/")) == {"title", "mode", "tech_stack"}
    assert fields (post ({"title": "  ab  "}, "/v1/projects/")) == {"title"}
    assert fields (post ({"project_id": NOBODY, "input_context": {}}, "/v1/run-pipeline")) == {"input_context.user_idea"}
    context = lambda value: post ({"project_id": NOBODY, "agent_type": "qa", "input_context": value})
    assert fields (context ({str (number): 1 for number in range (11)})) == {"input_context"}
    assert fields (context ({"a": "x" * 50000})) == {"input_context"}
    assert fields (context ({"a": [[[[[]]]]]})) == {"input_context"}
    assert fields (context ({"k" * 101: 1})) == {"input_context"}
    answer = system.request ("POST", "/v1/run-agent", raw = b'{"a": ', headers = {"Content-Type": "application/json"})
    details = error (answer, 422, "VALIDATION_ERROR")
    assert len (details ["errors"]) == 1 and details ["errors"] [0] ["field"] == ""
    for raw in (b'{"a":1,"a":2}', b'{} {}', b"\xff", b"", b"[" * 5000):
        answer = system.request ("POST", "/v1/run-agent", raw = raw, headers = {"Content-Type": "application/json"})
        assert fields (answer) == {""}, raw [:20]


def test_media_types_and_sizes (system):
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1"):
        error (system.request ("POST", "/v1/projects/", raw = b"{}", headers = {"Content-Type": kind}), 415, "UNSUPPORTED_MEDIA_TYPE")
    large = json.dumps ({"title": "x" * (1 << 20)}).encode ()
    error (system.request ("POST", "/v1/projects/", raw = large, headers = {"Content-Type": "application/json"}), 413, "PAYLOAD_TOO_LARGE")
    assert system.request ("GET", "/v1/projects/", headers = {"X-Long": "x" * 33000}).status == 431


def test_pages (system):
    user = str (uuid.uuid4 ())
    titles = [f"Project {number}" for number in range (5)]
    for title in titles:
        system.project (title, user = user)
    page = system.request ("GET", "/v1/projects/?page=2&page_size=2", user = user).json
    assert [row ["title"] for row in page.pop ("items")] == ["Project 2", "Project 1"]
    assert page == {"total": 5, "page": 2, "page_size": 2, "has_more": True}
    assert system.request ("GET", "/v1/projects/?page=3&page_size=2", user = user).json ["has_more"] is False
    assert system.request ("GET", "/v1/projects/?mode=student", user = user).json ["total"] == 0
    for query in ("page=0", "page=x", "page=1.5", "page_size=51", "page_size=0", "page=1&page=2", "mode=both", "status=gone", "page="):
        details = error (system.request ("GET", f"/v1/projects/?{query}", user = user), 400, "VALIDATION_ERROR")
        assert details ["field"] == query.split ("=") [0]


def test_file_paths (system):
    project = system.project ("paths")
    for path in ("../etc/passwd", "src/../x", "src/%2e%2e/x", "src//x", "src/./x", "src/", "etc/passwd", "src/a%20b", "src/a%00b", "src/%zz",
                 "src/%252e%252e/x", "src/" + "a" * 600):
        details = error (system.request ("GET", f"/v1/projects/{project}/files/{path}"), 400, "VALIDATION_ERROR")
        assert details ["field"] == "path", path
    error (system.request ("GET", f"/v1/projects/{project}/files/src/none.js"), 404, "RESOURCE_NOT_FOUND")


# jobs

def test_an_accepted_job_is_where_it_is_said_to_be (system):
    project = system.project ("accepted")
    answer = system.request ("POST", "/v1/run-agent", {"project_id": project, "agent_type": "qa", "input_context": {"code": "x = 1\u0000\u0007"}})
    assert answer.status == 202
    body = answer.json
    assert set (body) == {"job_id", "status", "estimated_time", "stream_url"} and body ["status"] == "queued"
    assert answer.headers ["Location"] == f"/v1/jobs/{body ['job_id']}"
    assert body ["stream_url"] == f"/v1/jobs/{body ['job_id']}/stream"
    job = system.wait_job (body ["job_id"])
    assert job ["status"] == "completed" and job ["project_id"] == project and job ["agent_type"] == "qa"
    error (system.request ("POST", f"/v1/jobs/{body ['job_id']}/cancel"), 400, "VALIDATION_ERROR")
    answers = {"answers": [{"question": "q", "answer": "a"}]}
    error (system.request ("POST", f"/v1/agents/jobs/{body ['job_id']}/respond", answers), 400, "VALIDATION_ERROR")


def test_prefer_wait (system):
    project = system.project ("waiting")
    body = {"project_id": project, "agent_type": "qa", "input_context": {"code": "x = 1"}}
    answer = system.request ("POST", "/v1/run-agent", body, headers = {"Prefer": "wait=30"})
    assert answer.status == 200 and answer.json ["status"] == "completed" and answer.json ["result"]
    body ["input_context"] = {"code": "x = 1 [[sim latency=20000]]"}
    start = time.monotonic ()
    answer = system.request ("POST", "/v1/run-agent", body, headers = {"Prefer": "respond-async, wait=1"})
    assert answer.status == 202 and answer.json ["status"] == "queued"
    assert 0.9 < time.monotonic () - start < 10
    assert system.request ("POST", f"/v1/jobs/{answer.json ['job_id']}/cancel").json ["status"] == "cancelled"


def test_a_stream_token_opens_one_stream (system):
    project = system.project ("stream token")
    job, other = (system.run_agent (project, "qa", {"code": "x"}) for _ in range (2))
    system.wait_job (job)
    granted = system.request ("POST", f"/v1/jobs/{job}/stream-token").json
    assert set (granted) == {"token", "expires_in", "url"} and granted ["expires_in"] > 0
    stream = system.stream (job, "?token=" + granted ["token"], user = None)
    assert stream.status == 200 and list (stream) [-1] ["event"] == "complete"
    assert system.request ("GET", granted ["url"], user = None).status == 200
    error (system.request ("GET", f"/v1/jobs/{other}/stream?token=" + granted ["token"], user = None), 401, "AUTHENTICATION_ERROR")
    error (system.request ("GET", f"/v1/jobs/{job}", user = granted ["token"]), 401, "AUTHENTICATION_ERROR")
    error (system.request ("GET", f"/v1/jobs/{job}/stream?token=" + make_token (system.user), user = None), 401, "AUTHENTICATION_ERROR")
    error (system.request ("POST", f"/v1/jobs/{job}/stream-token", user = str (uuid.uuid4 ())), 404, "RESOURCE_NOT_FOUND")


# hostile and many

def talk (system, raw):
    """Sends raw bytes; everything that comes until the server closes."""
    with socket.create_connection (("127.0.0.1", system.port), timeout = 20) as connection:
        connection.sendall (raw)
        answer = b""
        while chunk := connection.recv (65536):
            answer += chunk
        return answer


@pytest.mark.parametrize ("lines", ["Content-Length: 5\r\nContent-Length: 6", "Content-Length: 50\r\nTransfer-Encoding: chunked",
                                    "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", "Content-Length: -1", "Host: b"])
def test_doubtful_framing_is_refused_and_closed (system, lines):
    smuggled = "GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    answer = talk (system, f"POST /v1/projects/ HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n0\r\n\r\n{smuggled}".encode ())
    assert answer.startswith (b"HTTP/1.1 400 ") and b"200 OK" not in answer


def test_a_burst_is_answered_completely (system):
    project = system.project ("burst")
    body = {"project_id": project, "agent_type": "qa", "input_context": {"code": "x"}}
    with concurrent.futures.ThreadPoolExecutor (32) as pool:
        answers = list (pool.map (lambda _: system.request ("POST", "/v1/run-agent", body), range (200)))
    assert {answer.status for answer in answers} == {202}
    jobs = {answer.json ["job_id"] for answer in answers}
    assert len (jobs) == 200
    for job in jobs:
        assert system.wait_job (job) ["status"] == "completed"


@pytest.mark.parametrize ("victims", [("jobs",), ("broker",), ("postgres",), ("broker", "jobs")])
def test_a_stream_stays_open_and_misses_nothing (fresh, victims):
    system = fresh ()
    job = system.run_pipeline (system.project ("unbroken"), "an unbroken thread [[sim latency=1000]]")
    stream = system.stream (job)
    events = []
    for event in stream:
        events.append (event)
        if len (events) == 3:
            for victim in victims:
                system.kill (victim)
    assert events [-1] ["event"] == "complete", [event ["event"] for event in events]
    numbers = [int (event ["id"]) for event in events]
    assert numbers == list (range (numbers [0], numbers [0] + len (numbers))), numbers
    stream.close ()
