# SPDX-License-Identifier: MPL-2.0
"""The API is what its own document says: every operation is tried with what is right and with everything that is wrong, and
the page that shows the document is used in a browser.

The browser part needs Chromium and Node >= 20; npm installs what tests/support/browser/package-lock.json pins into the build
folder."""
import http.client
import json
import pathlib
import re
import shutil
import urllib.parse
import uuid

import pytest

from support.github import GitHub
from support.node import Program
from support.openapi import Document
from support.system import System, make_token, wait_for

ROOT = pathlib.Path (__file__).resolve ().parents [2]
WRITTEN = Document (json.loads ((ROOT / "proto/openapi.json").read_text ()))        # names the cases; judged by is what is served
IDS = [operation.id for operation in WRITTEN.operations]
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture (scope = "module")
def system ():
    with GitHub () as github, System (RATE_LIMIT_PER_MINUTE = 1_000_000, GITHUB_API_URL = github.url) as running:
        github.user ("ada", token = "github_pat_example")
        yield running


@pytest.fixture (scope = "module")
def document (system):
    answer = system.request ("GET", "/openapi.json", user = None)
    assert answer.status == 200 and answer.headers ["Content-Type"] == "application/json"
    return Document (answer.json)


@pytest.fixture
def operation (document, request):
    return next (one for one in document.operations if one.id == request.param)


def operations (*wanted):
    """Runs a test for each operation for which all of wanted are true."""
    chosen = [one.id for one in WRITTEN.operations if all (check (one) for check in wanted)]
    return pytest.mark.parametrize ("operation", chosen, indirect = True)


def has_body (operation):
    return bool (operation.request_schema)


def needs_token (operation):
    return not operation.is_public


def has_id (operation):
    return any (param ["schema"].get ("format") == "uuid" for param in operation.params if param ["in"] == "path")


def has_project (operation):
    return "{project_id}" in operation.path or "project_id" in (operation.example () or {})


# ---- what an operation needs, to be right

def ended_job (system, project):
    job = system.run_agent (project, "qa", {"code": "x = 1"})
    system.wait_job (job)
    return job


def waiting_job (system, project):
    job = system.run_agent (project, "research", {"user_idea": "an app for runners"})
    system.wait_job (job, "waiting_for_input")
    return job


def running_job (system, project):
    return system.run_agent (project, "qa", {"code": "x = 1 [[sim latency=60000]]"})


def built_project (system, roadmap = False):
    """A project with requirements, pages and files; where roadmap, one of a student with a road map and what belongs to it."""
    project = system.project ("Described", mode = "student" if roadmap else "builder")
    assert system.wait_job (system.run_pipeline (project, "a habit tracker")) ["status"] == "completed"
    if roadmap:
        assert system.request ("POST", f"/v1/student/{project}/roadmap", {"skill_level": "beginner"}).status == 200
        session = {"transcript": [], "concepts_covered": ["Loops"], "duration_minutes": 20}
        assert system.request ("POST", f"/v1/student/{project}/sessions", session).status == 201
    return project


def some_code (case):
    """The first line of a file's."""
    return case.system.request ("GET", case.path ().removesuffix ("/refactor")).json ["content"].splitlines () [0]


JOBS = {"clarify": waiting_job, "respond": waiting_job, "agentsClarify": waiting_job, "jobCancel": running_job, "agentsJobCancel": running_job}
ANOTHER = {"title": "Another title", "content": "another", "username": "another", "answers": [{"question": "q", "answer": "another"}],
           "repo_name": "another", "input_context": {"user_idea": "another"}, "instruction": "Another one", "question": "Another?", "decision_context": "Another decision",
           "skill_level": "advanced", "duration_minutes": 7}             # members that make a right body another right one
BODIES = {"fileRefactor": {"selected_code": some_code}, "exportGithub": {"repo_name": lambda case: f"plant-pal-{uuid.uuid4 ()}"}}


class Case:
    """A request that is right: path, query, body, with a project and a job of its own."""

    def __init__ (self, system, operation):
        self.system, self.operation = system, operation
        self.body = operation.example ()
        names = {param ["name"] for param in operation.params if param ["in"] == "path"} | set (self.body or {})
        self.ids = {}
        if names & {"project_id", "job_id"}:
            self.ids ["project_id"] = built_project (system, operation.path.startswith ("/v1/student/"))
        if "job_id" in names:
            self.ids ["job_id"] = JOBS.get (operation.id, ended_job) (system, self.ids ["project_id"])
        for name in names & set (self.body or {}) & set (self.ids):
            self.body [name] = self.ids [name]
        for name, make in BODIES.get (operation.id, {}).items ():
            self.body [name] = make (self)

    def path (self, **instead):
        path = self.operation.path
        for param in self.operation.params:
            if param ["in"] == "path":
                value = instead.get (param ["name"]) or self.ids.get (param ["name"]) or self.ids.setdefault (param ["name"], self.value (param))
                path = path.replace ("{" + param ["name"] + "}", urllib.parse.quote (value))
        return path

    def value (self, param):
        if param ["name"] == "path" and "project_id" in self.ids:
            return self.system.request ("GET", f"/v1/projects/{self.ids ['project_id']}/files").json ["files"] [0] ["path"]
        return param.get ("example") or param ["schema"] ["enum"] [0]

    def send (self, path = None, body = None, **options):
        options.setdefault ("user", None if self.operation.is_public else "")
        return self.system.request (self.operation.method, path or self.path (), self.body if body is None else body, **options)


@pytest.fixture
def case (system, operation):
    return Case (system, operation)


def judge (document, operation, answer):
    """The answer is one that the document describes for its status: headers, media type, body."""
    assert str (answer.status) in operation.statuses, f"{answer.status} is not described: {answer.body [:500]}"
    response = operation.response (answer.status)
    for name, header in response.get ("headers", {}).items ():
        if document.resolve (header).get ("required"):
            assert name in answer.headers, f"{answer.status} without {name}"
    content = response.get ("content", {})
    if not content:
        assert answer.body == b""
        return None
    kind = answer.headers ["Content-Type"].split (";") [0]
    assert kind in content, f"{kind}, not {list (content)}"
    if kind != "application/json":
        return None
    assert not document.faults (content [kind].get ("schema", True), answer.json)
    return answer.json


def refused (document, operation, answer, status):
    assert answer.status == status, f"{answer.status}: {answer.body [:500]}"
    body = judge (document, operation, answer)
    assert body ["request_id"] == answer.headers ["X-Request-ID"]
    return body


# ---- the document itself

def test_the_served_document_is_the_committed_one (document):
    assert document.content == WRITTEN.content
    assert document.content ["openapi"].startswith ("3.1")
    assert document.content ["info"] ["title"] == "CodeForge"


def test_every_example_satisfies_its_schema (document):
    checked = 0
    for operation in document.operations:
        contents = [operation.body.get ("requestBody", {}).get ("content", {})]
        contents += [document.resolve (response).get ("content", {}) for response in operation.body ["responses"].values ()]
        for media in (media for content in contents for media in content.values ()):
            for example in media.get ("examples", {}).values ():
                assert not document.faults (media ["schema"], document.resolve (example) ["value"])
                checked += 1
    for schema in document.content ["components"] ["schemas"].values ():
        for example in schema.get ("examples", []):
            assert not document.faults (schema, example)
            checked += 1
    assert checked > 100


def test_no_private_annotations (document):
    assert '"x-' not in json.dumps (document.content)


# ---- what is right

@operations (lambda operation: "text/event-stream" not in json.dumps (operation.body))
def test_a_right_request_gets_a_described_answer (document, operation, case):
    answer = case.send ()
    assert answer.status < 300, answer.body
    judge (document, operation, answer)


@operations (lambda operation: operation.method == "GET" and any (param ["in"] == "query" and "enum" in param ["schema"] for param in operation.params)
             and "text/event-stream" not in json.dumps (operation.body))
def test_every_choice_is_taken (document, operation, case):
    for param in operation.params:
        for value in param ["schema"].get ("enum", []) if param ["in"] == "query" else []:
            answer = case.send (case.path () + f"?{param ['name']}={value}")
            assert answer.status == 200, answer.body
            judge (document, operation, answer)


def test_an_answer_that_was_waited_for (document, system):
    for name in ("runAgent", "runPipeline"):
        operation = next (one for one in document.operations if one.id == name)
        case = Case (system, operation)
        answer = case.send (headers = {"Prefer": "wait=60"})
        assert answer.status == 200 and judge (document, operation, answer) ["status"] == "completed"


def waits (operation):
    return {"200", "202"} <= set (operation.statuses) and operation.id not in ("runAgent", "runPipeline", "agentsRunAgent", "agentsRunPipeline")


@operations (waits)
def test_an_answer_that_is_not_waited_for (document, operation, case):
    if "project_id" in document.resolve (operation.request_schema) ["properties"]:
        case.body ["project_id"] = case.ids.get ("project_id") or built_project (case.system, True)
    answer = case.send (headers = {"Prefer": "respond-async"})
    assert answer.status == 202 and answer.headers ["Preference-Applied"] == "respond-async"
    job = judge (document, operation, answer) ["job_id"]
    assert answer.headers ["Location"] == f"/v1/jobs/{job}"
    done = case.system.wait_job (job)
    assert done ["status"] == "completed"
    assert not document.faults ({"$ref": "#/components/schemas/Job"}, done)


@operations (lambda operation: any (param ["name"] == "Idempotency-Key" for param in operation.params))
def test_a_request_that_is_sent_again (document, operation, case):
    keyed = lambda key, body = None: case.send (body = body, headers = {"Idempotency-Key": key})
    key = f"key of {operation.id}"
    first, again = keyed (key), keyed (key)
    assert first.status == again.status < 300 and first.json == again.json
    judge (document, operation, again)
    other = {**case.body, **next ({name: value} for name, value in ANOTHER.items () if name in case.body)}
    assert refused (document, operation, keyed (key, other), 422) ["error"] == "IDEMPOTENCY_KEY_REUSED"
    assert refused (document, operation, keyed ("x" * 256), 400) ["details"] ["field"] == "Idempotency-Key"


def test_too_many_requests (document, fresh):
    system = fresh (RATE_LIMIT_PER_MINUTE = 2)
    operation = next (one for one in document.operations if one.id == "projectList")
    answers = [system.request ("GET", "/v1/projects/") for _ in range (4)]
    body = refused (document, operation, answers [-1], 429)
    assert body ["error"] == "RATE_LIMIT_EXCEEDED" and body ["details"] ["retry_after"] == int (answers [-1].headers ["Retry-After"]) > 0
    assert int (answers [-1].headers ["RateLimit-Remaining"]) == 0 and answers [0].status == 200


def events_of (system, job, query = "", answers = None):
    stream = system.stream (job, query)
    assert stream.status == 200 and stream.headers ["Content-Type"].startswith ("text/event-stream")
    for event in stream:
        if event ["event"] == "waiting" and answers:
            assert system.request ("POST", "/v1/clarify", {"job_id": job, "answers": answers}).status == 202
        yield {key: value for key, value in event.items () if value is not None}
    stream.close ()


def test_every_event_is_as_described (document, system):
    project = built_project (system)
    cancelled = running_job (system, project)
    failed = system.run_agent (project, "qa", {"code": "x = 1 [[sim fault=status401 count=99]]"})
    asked = system.run_agent (project, "research", {"user_idea": "an app for runners [[sim latency=300]]"})
    answers = [{"question": "What matters most?", "answer": "Speed."}]
    seen = list (events_of (system, asked, "?tokens=1", answers)) + list (events_of (system, failed))
    system.request ("POST", f"/v1/jobs/{cancelled}/cancel")
    seen += list (events_of (system, cancelled)) + list (events_of (system, asked, "?last_event_id=0"))
    schema = {"$ref": "#/components/schemas/JobEvent"}
    for event in seen:
        assert not document.faults (schema, event), event
        assert ("id" in event) == (event ["event"] != "token")
    described = {kind ["properties"] ["event"] ["const"] for kind in document.resolve (schema) ["oneOf"]}
    assert {event ["event"] for event in seen} == described


# ---- what is wrong

@operations (has_body)
def test_every_violation_of_a_body_is_named (document, operation, case):
    path = case.path ()
    broken = list (document.violations (operation.request_schema, case.body))
    assert broken
    for field, wrong, how in broken:
        if wrong is None:
            continue
        body = refused (document, operation, case.send (path, wrong), 422)
        assert field in {fault ["field"] for fault in body ["details"] ["errors"]}, f"{how} of {field!r}: {body}"
    for raw in (b"{", b"[]", b"null", b'"text"', b'{"a": 1, "a": 1}'):
        answer = system_request (case, path, raw, "application/json")
        assert [fault ["field"] for fault in refused (document, operation, answer, 422) ["details"] ["errors"]] [0] == ""


@operations (has_body)
def test_an_optional_member_may_be_null (document, system, operation):
    """It then passes for absent: what comes after the body is judged, that there is no such project or job."""
    schema, body, path = document.resolve (operation.request_schema), operation.example (), operation.path.replace ("{path}", "src/app.js")
    for name in re.findall (r"{(\w+)}", path):
        path = path.replace ("{" + name + "}", NOBODY)
    members = schema.get ("properties", {})
    body = {**body, **{name: NOBODY for name in ("project_id", "job_id") if name in body}}
    for name in set (members) - set (schema.get ("required", [])):
        answer = system.request (operation.method, path, {**body, name: None}, user = None if operation.is_public else "")
        assert answer.status in (200, 201, 400, 404), f"{name}: {answer.body}"
        refused (document, operation, answer, answer.status) if answer.status >= 400 else judge (document, operation, answer)


def system_request (case, path, raw, kind):
    return case.system.request (case.operation.method, path, raw = raw, headers = {"Content-Type": kind}, user = None if case.operation.is_public else "")


@operations (has_body)
def test_bodies_of_another_kind_and_size (document, operation, case):
    path = case.path ()
    refused (document, operation, system_request (case, path, b"{} ", "text/plain"), 415)
    refused (document, operation, system_request (case, path, b" " * (1 << 20) + b"{}", "application/json"), 413)


@operations (needs_token)
def test_strangers_are_refused (document, operation, case):
    path = case.path ()
    strange = lambda token: case.send (path, headers = {"Authorization": f"Bearer {token}"}, user = None)
    refused (document, operation, strange ("nonsense"), 401)
    refused (document, operation, strange (make_token (case.system.user, exp = 1)), 401)
    refused (document, operation, strange (make_token (case.system.user, role = "anon")), 403)


@operations (has_id)
def test_ids_of_the_path (document, operation, case):
    for param in operation.params:
        if param ["in"] != "path" or param ["schema"].get ("format") != "uuid":
            continue
        body = refused (document, operation, case.send (case.path (**{param ["name"]: "7"})), 400)
        assert body ["details"] ["field"] == param ["name"]
        unknown = refused (document, operation, case.send (case.path (**{param ["name"]: NOBODY})), 404)
        foreign = refused (document, operation, case.send (user = str (uuid.uuid4 ())), 404)
        assert unknown ["error"] == foreign ["error"] == "RESOURCE_NOT_FOUND" and unknown ["message"] == foreign ["message"]


@operations (lambda operation: any (param ["in"] == "query" for param in operation.params))
def test_queries_out_of_range (document, operation, case):
    path = case.path ()
    for param in operation.params:
        schema = param ["schema"]
        wrong = ["none", ""] if "enum" in schema else [schema ["minimum"] - 1, schema ["maximum"] + 1, "x", "1.5", ""] if schema ["type"] == "integer" else []
        for value in wrong if param ["in"] == "query" else []:
            body = refused (document, operation, case.send (f"{path}?{param ['name']}={value}"), 400)
            assert body ["details"] ["field"] == param ["name"]


def fits (template, path):
    """A file's path goes over slashes, so that several templates may fit the same path."""
    pattern = re.sub (r"\\\{path\\\}", ".+", re.escape (template))
    return re.fullmatch (re.sub (r"\\\{\w+\\\}", "[^/]+", pattern), path)


@operations (has_project, lambda operation: "409" in operation.statuses)
def test_archived_projects_take_no_work (document, operation, case):
    assert case.system.request ("DELETE", f"/v1/projects/{case.ids ['project_id']}").status == 200
    assert refused (document, operation, case.send (), 409) ["error"] == "CONFLICT"


@operations (lambda operation: any (param ["name"] == "If-Match" for param in operation.params))
def test_stale_versions (document, operation, case):
    for version in ("99", '"99"'):
        assert refused (document, operation, case.send (headers = {"If-Match": version}), 409) ["error"] == "CONFLICT"
    assert refused (document, operation, case.send (headers = {"If-Match": "new"}), 400) ["details"] ["field"] == "If-Match"
    assert judge (document, operation, case.send (headers = {"If-Match": '"1"'})) ["version"] == 2


@operations (lambda operation: operation.path.startswith ("/v1/profiles/"), has_body)
def test_names_that_are_taken (document, operation, case):
    name = f"taken-{operation.id}"
    assert case.system.request ("POST", "/v1/profiles/", {"username": name}, user = str (uuid.uuid4 ())).status == 201
    assert refused (document, operation, case.send (body = {"username": name}, user = str (uuid.uuid4 ())), 409) ["details"] ["field"] == "username"


@pytest.mark.parametrize ("path", list (WRITTEN.content ["paths"]))
def test_other_methods_are_refused_by_name (document, system, path):
    for param in re.findall (r"\{(\w+)\}", path):
        path = path.replace ("{" + param + "}", "src/app.js" if param == "path" else NOBODY)
    described = {operation.method for operation in document.operations if fits (operation.path, path)}
    for method in set (METHODS) - described:
        answer = system.request (method, path)
        assert answer.status == 405 and answer.json ["error"] == "METHOD_NOT_ALLOWED", (method, path)
        allowed = {name.strip () for name in answer.headers ["Allow"].split (",")}
        assert allowed == described | {"OPTIONS"} | ({"HEAD"} if "GET" in described else set ())


# ---- the page

FILES = {"/docs": "text/html", "/docs/": "text/html", "/openapi.json": "application/json", "/docs/docs.css": "text/css", "/docs/icon.svg": "image/svg+xml",
         **{f"/docs/{name}.js": "text/javascript" for name in ("docs", "dom", "schema", "try")}}


@pytest.mark.parametrize ("path", FILES)
def test_files_are_public_and_kept_by_caches (system, path):
    answer = system.request ("GET", path, user = None)
    assert answer.status == 200 and answer.headers ["Content-Type"].split (";") [0] == FILES [path]
    assert "no-cache" in answer.headers ["Cache-Control"] and "private" in answer.headers ["Cache-Control"]
    assert answer.headers ["X-Content-Type-Options"] == "nosniff"
    policy = dict (part.strip ().split (" ", 1) for part in answer.headers ["Content-Security-Policy"].split (";"))
    assert policy ["default-src"] == "'none'" and policy ["script-src"] == policy ["style-src"] == policy ["connect-src"] == "'self'"
    tag = answer.headers ["ETag"]
    for known in (tag, f'W/{tag}', f'"other", {tag}', "*"):
        again = system.request ("GET", path, user = None, headers = {"If-None-Match": known})
        assert again.status == 304 and again.body == b"" and again.headers ["ETag"] == tag
    assert system.request ("GET", path, user = None, headers = {"If-None-Match": '"other"'}).body == answer.body
    head = system.request ("HEAD", path, user = None)
    assert head.body == b"" and int (head.headers ["Content-Length"]) == len (answer.body)


def test_many_files_over_one_connection (system):
    connection = http.client.HTTPConnection ("127.0.0.1", system.port, timeout = 30)
    for path in [*FILES] * 2:
        for headers in ({}, {"If-None-Match": "*"}):
            connection.request ("GET", path, headers = headers)
            answer = connection.getresponse ()
            assert answer.status == (304 if headers else 200) and bool (answer.read ()) == (not headers)
    connection.close ()


def test_unknown_files (system):
    for path in ("/docs/none.js", "/docs/openapi.json", "/docs/index.html"):
        assert system.request ("GET", path, user = None).status == 404
    assert system.request ("GET", "/docs/../etc/passwd", user = None).status in (400, 404)


@pytest.fixture (scope = "module")
def browser ():
    """Runs tests/support/browser/docs.mjs."""
    chromium = shutil.which ("chromium")
    if not chromium:
        pytest.skip ("chromium is not there")
    program = Program ("browser", "docs.mjs", needs = "playwright-core")
    return lambda *arguments: program.run (chromium, *arguments)


@pytest.mark.parametrize ("scheme", ["light", "dark"])
def test_the_page_in_a_browser (system, document, browser, scheme):
    project = system.project ("Seen on the page")
    job = system.run_pipeline (project, "a habit tracker")
    seen = browser (f"http://127.0.0.1:{system.port}", make_token (system.user), job, scheme)
    assert seen ["operations"] == [operation.id for tag in document.content ["tags"] for operation in document.operations if tag ["name"] in operation.body ["tags"]]
    assert seen ["links"] == seen ["operations"]
    assert seen ["complaints"] == []
    assert seen ["elsewhere"] == []
    assert "script-src 'self'" in seen ["policy"]
    assert seen ["unlabelled"] == []
    assert seen ["contrast"] >= 4.5, "text is readable in " + scheme
    assert seen ["refused"] ["status"].startswith ("401") and "AUTHENTICATION_ERROR" in seen ["refused"] ["body"]
    assert seen ["projects"] ["status"].startswith ("200")
    assert project in seen ["projects"] ["body"]
    assert seen ["kept"] == {"session": True, "local": 0}
    assert "event: complete" in seen ["stream"] and seen ["stream"].count ("event: ") > 5
    assert seen ["download"] == {"name": "seen-on-the-page.zip", "begins": "PK\x03\x04"}
    assert seen ["filtered"] == ["jobCancel", "agentsJobCancel"]
    assert seen ["keyboard"] == "filter"
