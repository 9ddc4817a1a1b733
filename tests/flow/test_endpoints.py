# SPDX-License-Identifier: MPL-2.0
"""The endpoints beyond jobs: projects, files, refactoring, messages, profiles, students, usage, waitlist; a test a rule."""
import datetime
import json
import socket
import time
import uuid

import pytest

from support.system import PATIENCE, make_token, wait_for

NOBODY = "00000000-0000-4000-8000-000000000000"
APP = "const prices = [2, 3];\nlet total = 0;\nfor (const price of prices) total += price;\n"


def error (answer, status, code):
    assert answer.status == status, answer.body
    body = answer.json
    assert set (body) == {"error", "message", "details", "request_id"}, body
    assert body ["error"] == code, body
    return body ["details"]


def refused (answer, field):
    details = error (answer, 400, "VALIDATION_ERROR")
    assert set (details) == {"field", "reason"} and details ["field"] == field and details ["reason"], details


def fields (answer):
    return {fault ["field"] for fault in error (answer, 422, "VALIDATION_ERROR") ["errors"]}


def missing (answer, resource):
    assert error (answer, 404, "RESOURCE_NOT_FOUND") ["resource"] == resource


def good (answer, status = 200):
    assert answer.status == status, answer.body
    return answer.json


def person ():
    return str (uuid.uuid4 ())


def write (system, project, path = "src/app.js", content = APP, **more):
    return system.request ("POST", f"/v1/projects/{project}/files", {"path": path, "content": content, **more})


def archived (system, **more):
    project = system.project ("archived", **more)
    good (system.request ("DELETE", f"/v1/projects/{project}"))
    return project


@pytest.fixture (scope = "module")
def student (system):
    """A student project with requirements and a road map."""
    project = system.project ("learning", mode = "student")
    job = system.run_agent (project, "research", {"user_idea": "a plant diary for learners", "skip_clarification": True})
    assert system.wait_job (job) ["status"] == "completed"
    good (system.request ("POST", "/v1/student/roadmap", {"project_id": project, "skill_level": "beginner"}))
    return project


# projects

def test_a_project_is_changed (system):
    project = system.project ("before", description = "old")
    put = lambda body: system.request ("PUT", f"/v1/projects/{project}", body)
    changed = good (put ({"title": "  after  ", "status": "in-progress"}))
    assert changed ["title"] == "after" and changed ["status"] == "in-progress" and changed ["description"] == "old"
    assert changed ["updated_at"] > changed ["created_at"]
    assert good (put ({"description": "new", "title": None})) ["title"] == "after"
    assert good (system.request ("GET", f"/v1/projects/{project}")) ["description"] == "new"


def test_a_change_of_nothing_is_refused (system):
    project = system.project ("nothing")
    for body in ({}, {"title": None}):
        refused (system.request ("PUT", f"/v1/projects/{project}", body), "")


def test_a_change_is_strict (system):
    project = system.project ("strict")
    answer = system.request ("PUT", f"/v1/projects/{project}", {"title": " ab ", "status": "gone", "mode": "student", "description": 1})
    assert fields (answer) == {"title", "status", "mode", "description"}
    missing (system.request ("PUT", f"/v1/projects/{project}", {"title": "stolen"}, user = person ()), "project")
    missing (system.request ("PUT", f"/v1/projects/{NOBODY}", {"title": "unknown"}), "project")
    refused (system.request ("PUT", "/v1/projects/x", {"title": "no id"}), "project_id")


def test_deleting_archives (system):
    user = person ()
    project = system.project ("short-lived", user = user)
    missing (system.request ("DELETE", f"/v1/projects/{project}"), "project")
    gone = good (system.request ("DELETE", f"/v1/projects/{project}", user = user))
    assert set (gone) == {"message", "project_id"} and gone ["project_id"] == project
    assert good (system.request ("GET", "/v1/projects/", user = user)) ["total"] == 0
    assert good (system.request ("GET", "/v1/projects/?status=archived", user = user)) ["items"] [0] ["id"] == project
    assert good (system.request ("GET", f"/v1/projects/{project}", user = user)) ["status"] == "archived"


def test_an_archived_project_takes_nothing_but_a_status (system):
    project = system.project ("put away")
    good (write (system, project), 201)
    good (system.request ("DELETE", f"/v1/projects/{project}"))
    path = f"/v1/projects/{project}"
    for answer in (system.request ("PUT", path, {"title": "another"}), write (system, project), system.request ("DELETE", f"{path}/files/src/app.js"),
                   system.request ("PUT", f"{path}/files/src/app.js", {"content": ""}),
                   system.request ("POST", f"{path}/files/src/app.js/refactor", {"selected_code": "total", "instruction": "rename"})):
        assert "field" in error (answer, 409, "CONFLICT")
    assert good (system.request ("PUT", path, {"status": "building"})) ["status"] == "building"
    good (write (system, project), 201)


# files

def test_a_file_is_written_and_read (system):
    project = system.project ("files")
    answer = write (system, project)
    file = good (answer, 201)
    assert set (file) == {"id", "project_id", "path", "content", "language", "version", "created_at", "updated_at"}
    assert (file ["path"], file ["content"], file ["language"], file ["version"]) == ("src/app.js", APP, "javascript", 1)
    assert answer.headers ["Location"] == f"/v1/projects/{project}/files/src/app.js"
    assert good (system.request ("GET", answer.headers ["Location"])) == file
    again = good (write (system, project, content = " kept as sent \n"), 201)
    assert again ["version"] == 2 and again ["content"] == " kept as sent \n" and again ["id"] == file ["id"]


@pytest.mark.parametrize ("path, language", [("src/a.ts", "typescript"), ("src/a.tsx", "tsx"), ("src/a.css", "css"), ("src/a.rs", "text"),
                                             ("src/README", "text"), ("src/.env.local", "text"), ("src/..a/b-c_d.md", "markdown")])
def test_a_language_follows_from_the_name (system, path, language):
    assert good (write (system, system.project ("languages"), path, ""), 201) ["language"] == language


def test_a_language_can_be_named (system):
    project = system.project ("named language")
    assert good (write (system, project, "src/a.txt", "{}", language = "json"), 201) ["language"] == "json"
    assert fields (write (system, project, "src/a.txt", "{}", language = "rust")) == {"language"}


@pytest.mark.parametrize ("path", ["app.js", "lib/app.js", "/src/app.js", "src/", "src/a/", "src//a", "src/./a", "src/../a", "src/a/..", "src/a b",
                                   "src/%2e%2e/a", "src/ä.js", "src/a\\b", "src/a\nb", "src/" + "a" * 497, "src", "source/app.js", "SRC/app.js"])
def test_a_path_in_a_body_obeys_the_rule (system, path):
    assert fields (write (system, NOBODY, path)) == {"path"}


@pytest.mark.parametrize ("path", ["src/../a", "src/%2e%2e/a", "src//a", "src/a%20b", "lib/a.js", "src/", "src/%252e/a"])
def test_a_path_in_a_path_obeys_the_rule (system, path):
    url = f"/v1/projects/{NOBODY}/files/{path}"
    for answer in (system.request ("PUT", url, {"content": ""}), system.request ("DELETE", url),
                   system.request ("POST", f"{url}/refactor", {"selected_code": "a", "instruction": "rename"})):
        refused (answer, "path")


def test_a_file_body_is_strict (system):
    assert fields (write (system, NOBODY, "a", 5, more = 1)) == {"path", "content", "more"}
    assert fields (write (system, NOBODY, content = "ä" * 100001)) == {"content"}
    good (write (system, system.project ("large"), content = "ä" * 100000), 201)
    assert fields (system.request ("PUT", f"/v1/projects/{NOBODY}/files/src/a.js", {"path": "src/a.js"})) == {"content", "path"}


def test_files_of_others_are_unknown (system):
    project = system.project ("private")
    good (write (system, project), 201)
    url, other = f"/v1/projects/{project}/files", person ()
    for answer in (system.request ("POST", url, {"path": "src/a.js", "content": ""}, user = other),
                   system.request ("PUT", f"{url}/src/app.js", {"content": ""}, user = other),
                   system.request ("DELETE", f"{url}/src/app.js", user = other),
                   system.request ("POST", f"{url}/src/app.js/refactor", {"selected_code": "total", "instruction": "rename"}, user = other)):
        missing (answer, "project")


def test_a_file_is_put_and_its_version_rises (system):
    project = system.project ("versions")
    good (write (system, project), 201)
    put = lambda content, **headers: system.request ("PUT", f"/v1/projects/{project}/files/src/app.js", {"content": content}, headers = headers)
    assert good (put ("two")) ["version"] == 2
    assert good (put ("three", **{"If-Match": "2"})) ["version"] == 3
    assert good (put ("four", **{"If-Match": '"3"'})) ["version"] == 4
    assert good (put ("five", **{"If-Match": "*"})) ["version"] == 5
    for stale in ("4", '"4"', "0", "6", "99999999999999999999"):
        error (put ("six", **{"If-Match": stale}), 409, "CONFLICT")
    for bad in ("x", '"', '"5', "W/\"5\"", "-5", "5, 6", '""', "1" * 40):
        refused (put ("six", **{"If-Match": bad}), "If-Match")
    assert good (system.request ("GET", f"/v1/projects/{project}/files/src/app.js")) ["content"] == "five"
    missing (system.request ("PUT", f"/v1/projects/{project}/files/src/none.js", {"content": ""}), "file")


def test_a_file_is_deleted (system):
    project = system.project ("deleted")
    good (write (system, project, "src/refactor"), 201)
    url = f"/v1/projects/{project}/files/src/refactor"
    gone = good (system.request ("DELETE", url))
    assert set (gone) == {"message", "path"} and gone ["path"] == "src/refactor"
    missing (system.request ("DELETE", url), "file")
    missing (system.request ("GET", url), "file")
    assert good (system.request ("GET", f"/v1/projects/{project}/files")) ["count"] == 0


# refactoring

def refactor (system, project, body = None, query = "", path = "src/app.js", **more):
    body = body or {"selected_code": "let total = 0;\n", "instruction": "Use const"}
    return system.request ("POST", f"/v1/projects/{project}/files/{path}/refactor{query}", body, **more)


def test_a_part_is_rewritten (system):
    project = system.project ("refactor")
    good (write (system, project), 201)
    result = good (refactor (system, project))
    assert set (result) == {"original_code", "refactored_code", "explanation", "full_file_content"}
    assert result ["original_code"] == "let total = 0;\n"
    assert result ["full_file_content"] == APP.replace ("let total = 0;\n", result ["refactored_code"])
    assert good (system.request ("GET", f"/v1/projects/{project}/files/src/app.js")) ["content"] == APP
    applied = good (refactor (system, project, query = "?apply=true"))
    assert good (system.request ("GET", f"/v1/projects/{project}/files/src/app.js")) ["content"] == applied ["full_file_content"]


def test_a_refactoring_is_refused_without_asking_a_model (system):
    project = system.project ("no refactor")
    good (write (system, project), 201)
    before = system.simulator ("GET", "/_sim/calls").json ["total"]
    refused (refactor (system, project, {"selected_code": "nowhere", "instruction": "Use const"}), "selected_code")
    refused (refactor (system, project, query = "?apply=maybe"), "apply")
    missing (refactor (system, project, path = "src/none.js"), "file")
    assert fields (refactor (system, project, {"selected_code": "", "instruction": " ab "})) == {"selected_code", "instruction"}
    assert fields (refactor (system, project, {"path": "src/app.js"})) == {"selected_code", "instruction", "path"}
    assert system.simulator ("GET", "/_sim/calls").json ["total"] == before


def test_a_refactoring_can_be_asked_for_as_a_job (system):
    project = system.project ("refactor later")
    good (write (system, project), 201)
    answer = refactor (system, project, query = "?apply=true", headers = {"Prefer": "respond-async"})
    accepted = good (answer, 202)
    assert answer.headers ["Location"] == f"/v1/jobs/{accepted ['job_id']}" and answer.headers ["Preference-Applied"] == "respond-async"
    job = system.wait_job (accepted ["job_id"])
    assert job ["status"] == "completed" and job ["agent_type"] == "code"
    assert good (system.request ("GET", f"/v1/projects/{project}/files/src/app.js")) ["content"] == job ["result"] ["full_file_content"]


# messages

def test_messages_are_a_page_oldest_first (system):
    project = system.project ("talk")
    for text in ("first", "second"):
        system.wait_job (system.run_agent (project, "qa", {"code": "x = 1", "user_message": text}))
    page = good (system.request ("GET", f"/v1/projects/{project}/messages"))
    assert set (page) == {"items", "total", "page", "page_size", "has_more"} and page ["total"] == 4
    assert [item ["role"] for item in page ["items"]] == ["user", "assistant"] * 2
    assert all (set (item) == {"id", "project_id", "role", "content", "is_thinking", "metadata", "created_at"} for item in page ["items"])
    assert [item ["content"] for item in page ["items"]] [::2] == ["first", "second"]
    assert page ["items"] [1] ["metadata"] ["agent_type"] == "qa"
    second = good (system.request ("GET", f"/v1/projects/{project}/messages?page=2&page_size=3"))
    assert len (second ["items"]) == 1 and second ["has_more"] is False and second ["items"] [0] == page ["items"] [3]
    for query in ("page=0", "page_size=101", "page_size=x"):
        refused (system.request ("GET", f"/v1/projects/{project}/messages?{query}"), query.split ("=") [0])
    missing (system.request ("GET", f"/v1/projects/{project}/messages", user = person ()), "project")


# profiles

def test_a_profile_is_made_at_first_sight (system):
    user = person ()
    profile = good (system.request ("GET", "/v1/profiles/me", user = user))
    assert profile ["username"] is None and profile ["id"] == user
    assert good (system.request ("GET", "/v1/profiles/", user = user)) == profile == good (system.request ("GET", "/v1/profiles", user = user))


def test_a_profile_is_changed (system):
    user, name = person (), "ada-" + person () [:8]
    made = good (system.request ("POST", "/v1/profiles/", {"username": f" {name} ", "skill_level": "beginner"}, user = user), 201)
    assert made ["username"] == name and made ["skill_level"] == "beginner"
    changed = good (system.request ("PUT", "/v1/profiles/", {"full_name": "Ada", "username": name}, user = user))
    assert changed ["full_name"] == "Ada" and changed ["skill_level"] == "beginner"
    assert good (system.request ("PUT", "/v1/profiles/me", {"skill_level": "advanced"}, user = user)) ["full_name"] == "Ada"
    assert good (system.request ("GET", "/v1/profiles/me", user = user)) ["skill_level"] == "advanced"
    good (system.request ("POST", "/v1/profiles/", {}, user = person ()), 201)


def test_a_username_is_nobody_elses (system):
    name = "bob-" + person () [:8]
    good (system.request ("PUT", "/v1/profiles/me", {"username": name}, user = person ()))
    for method, path in (("POST", "/v1/profiles/"), ("PUT", "/v1/profiles/"), ("PUT", "/v1/profiles/me")):
        assert error (system.request (method, path, {"username": name}, user = person ()), 409, "CONFLICT") ["field"] == "username"


def test_a_profile_is_strict (system):
    bad = {"username": " x ", "full_name": "", "avatar_url": "x" * 501, "skill_level": "expert", "id": NOBODY}
    for method, path in (("POST", "/v1/profiles/"), ("PUT", "/v1/profiles/"), ("PUT", "/v1/profiles/me")):
        assert fields (system.request (method, path, bad)) == set (bad)
    for path in ("/v1/profiles/", "/v1/profiles/me"):
        refused (system.request ("PUT", path, {}), "")
    error (system.request ("GET", "/v1/profiles/me", user = None), 401, "AUTHENTICATION_ERROR")


# questions

def ask (system, question = "Why is the last plant never shown?", **more):
    headers = more.pop ("headers", None)
    return system.request ("POST", "/v1/student/ask", {"question": question, **more}, headers = headers)


def test_a_question_is_answered (system, student):
    for more in ({}, {"project_id": student}, {"project_id": student.upper (), "code": "for (;;) ;"}, {"project_id": None}):
        answer = good (ask (system, **more))
        assert set (answer) == {"encouragement", "steps", "key_concept", "further_exploration"}
    jobs = good (system.request ("GET", f"/v1/jobs/{student}/list")) ["items"]
    assert {job ["agent_type"] for job in jobs} >= {"pedagogy"}


def test_a_question_is_strict (system):
    assert fields (ask (system, "  ")) == {"question"}
    assert fields (ask (system, "x" * 5001, project_id = "x", code = 1, more = 1)) == {"question", "project_id", "code", "more"}
    good (ask (system, " " + "x" * 5000 + " "))


def test_a_question_is_about_an_own_student_project (system):
    missing (ask (system, project_id = NOBODY), "project")
    missing (system.request ("POST", "/v1/student/ask", {"question": "whose?", "project_id": system.project ("mine", mode = "student")}, user = person ()), "project")
    refused (ask (system, project_id = system.project ("builder")), "project_id")
    error (ask (system, project_id = archived (system, mode = "student")), 409, "CONFLICT")


def test_a_question_can_be_asked_as_a_job (system, student):
    later = {"Prefer": "wait=5, Respond-Async"}
    answer = ask (system, project_id = student, headers = later)
    accepted = good (answer, 202)
    assert set (accepted) == {"job_id", "status", "estimated_time", "stream_url"}
    assert answer.headers ["Location"] == f"/v1/jobs/{accepted ['job_id']}"
    assert system.wait_job (accepted ["job_id"]) ["result"] ["steps"]
    refused (ask (system, headers = later), "project_id")
    good (ask (system, headers = {"Prefer": "respond-asynchronously"}))


# what becomes of a waiting request

def abandon (system, path, body):
    """Sends a request and leaves once its model call is open."""
    raw = json.dumps (body).encode ()
    head = (f"POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {make_token (system.user)}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len (raw)}\r\n\r\n")
    connection = socket.create_connection (("127.0.0.1", system.port), timeout = PATIENCE)
    connection.sendall (head.encode () + raw)
    return connection


def outcomes (system, contains):
    return {call ["outcome"] for call in system.calls (contains)}


def test_leaving_cancels_the_job (system):
    project = system.project ("impatient", mode = "student")
    connection = abandon (system, "/v1/student/ask", {"project_id": project, "question": "impatient question [[sim latency=60000]]"})
    wait_for (lambda: outcomes (system, "impatient question") == {"open"}, "the model call to be open")
    connection.close ()
    wait_for (lambda: outcomes (system, "impatient question") == {"client_closed"}, "the model call to be cut off")
    jobs = wait_for (lambda: [job for job in good (system.request ("GET", f"/v1/jobs/{project}/list")) ["items"] if job ["status"] == "cancelled"], "the cancelled job")
    assert len (jobs) == 1


def test_a_job_cancelled_by_another_hand_ends_the_request (system):
    project = system.project ("cancelled ask", mode = "student")
    connection = abandon (system, "/v1/student/ask", {"project_id": project, "question": "cancelled question [[sim latency=60000]]"})
    wait_for (lambda: outcomes (system, "cancelled question") == {"open"}, "the model call to be open")
    job = good (system.request ("GET", f"/v1/jobs/{project}/list")) ["items"] [0] ["job_id"]
    good (system.request ("POST", f"/v1/jobs/{job}/cancel"))
    assert b" 409 " in connection.recv (65536)
    connection.close ()


def test_an_agent_that_gives_up_is_an_error (system):
    details = error (ask (system, "Just write it all! [[sim pedagogy_code=9]]"), 500, "AGENT_EXECUTION_ERROR")
    assert details == {"agent": "pedagogy"}


def test_a_provider_that_is_down_is_named_as_such (fresh):
    system = fresh ()
    answer = ask (system, "hopeless [[sim fault=status503 count=1000]]")
    assert "service" in error (answer, 503, "EXTERNAL_SERVICE_ERROR") and answer.headers ["Retry-After"]


def test_an_agent_over_its_limit_is_a_timeout (fresh):
    system = fresh (AGENT_TIMEOUT = 1)
    error (ask (system, "slow [[sim latency=30000]]"), 504, "AGENT_TIMEOUT")


@pytest.mark.parametrize ("victims", [("jobs",), ("broker",), ("broker", "jobs"), ("pedagogy",)])
def test_a_waiting_request_survives (fresh, victims):
    system = fresh ()
    connection = abandon (system, "/v1/student/ask", {"question": "patient question [[sim latency=1500]]"})
    wait_for (lambda: outcomes (system, "patient question") == {"open"}, "the model call to be open")
    for victim in victims:
        system.kill (victim)
    connection.settimeout (PATIENCE)
    answer = connection.recv (65536)
    assert answer.startswith (b"HTTP/1.1 200 "), answer
    connection.close ()


def test_stopping_does_not_wait_for_a_waiting_request (fresh):
    system = fresh ()
    connection = abandon (system, "/v1/student/ask", {"question": "endless question [[sim latency=60000]]"})
    wait_for (lambda: outcomes (system, "endless question") == {"open"}, "the model call to be open")
    start = time.monotonic ()
    assert system.stop () == 0 and time.monotonic () - start < 30
    answer = connection.recv (65536)
    assert not answer or answer.startswith (b"HTTP/1.1 503 "), answer
    connection.close ()


# decisions

CHOICE = {"decision_context": "Where do the plants live: in the browser or on a small server?", "module_index": 0}


def test_a_decision_is_laid_out_and_kept (system, student):
    first = good (system.request ("POST", "/v1/student/choice-framework", {"project_id": student, **CHOICE}))
    for body in (CHOICE, {"project_id": student, **CHOICE}):
        again = good (system.request ("POST", f"/v1/student/{student}/choice", body))
        assert set (again) == set (first) >= {"context", "options"}
    option = first ["options"] [1] ["id"]
    kept = good (system.request ("PUT", f"/v1/student/{student}/choice", {"module_index": 0, "option_id": option}))
    assert set (kept) == {"message", "module_index", "option_id"} and (kept ["module_index"], kept ["option_id"]) == (0, option)
    assert option in json.dumps (good (system.request ("GET", f"/v1/student/{student}/roadmap")) ["modules"] [0])


def test_a_decision_needs_no_road_map (system):
    project = system.project ("no way yet", mode = "student")
    assert good (system.request ("POST", f"/v1/student/{project}/choice", CHOICE)) ["options"]


def test_a_decision_is_about_a_module_there_is (system, student):
    for index in (99, 5000000000):
        refused (system.request ("POST", f"/v1/student/{student}/choice", {**CHOICE, "module_index": index}), "module_index")
        refused (system.request ("PUT", f"/v1/student/{student}/choice", {"module_index": index, "option_id": "a"}), "module_index")


def test_a_decision_is_strict (system, student):
    bad = {"decision_context": " too short ", "module_index": -1, "more": 1}
    assert fields (system.request ("POST", "/v1/student/choice-framework", bad)) == {"project_id", "module_index", "more", "decision_context"}
    assert fields (system.request ("POST", f"/v1/student/{student}/choice", bad)) == {"module_index", "more", "decision_context"}
    assert fields (system.request ("PUT", f"/v1/student/{student}/choice", {"module_index": "1", "option_id": " "})) == {"module_index", "option_id"}
    refused (system.request ("POST", f"/v1/student/{student}/choice", {"project_id": NOBODY, **CHOICE}), "project_id")


# the road map

def test_a_road_map_is_planned_and_walked (system, student):
    body = {"skill_level": "advanced", "focus_areas": ["Accessibility"]}
    planned = good (system.request ("POST", f"/v1/student/{student}/roadmap", body))
    assert set (planned) == {"roadmap", "total_modules", "total_estimated_hours"}
    count = len (planned ["roadmap"] ["modules"])
    assert planned ["total_modules"] == count and planned ["total_estimated_hours"] == planned ["roadmap"] ["total_estimated_hours"]
    roadmap = good (system.request ("GET", f"/v1/student/{student}/roadmap"))
    assert {"id", "project_id", "modules", "current_step_index", "created_at"} <= set (roadmap)
    assert roadmap ["project_id"] == student and roadmap ["current_step_index"] == 0 and len (roadmap ["modules"]) == count
    step = lambda index: system.request ("PUT", f"/v1/student/{student}/roadmap/progress", {"step_index": index})
    assert good (step (1)) ["current_step_index"] == 1
    assert good (step (count)) ["current_step_index"] == count
    for index in (count + 1, 5000000000):
        refused (step (index), "step_index")
    assert fields (step (-1)) == fields (step (1.5)) == fields (step ("1")) == {"step_index"}
    again = good (system.request ("POST", "/v1/student/roadmap", {"project_id": student, "skill_level": "beginner"}))
    assert again ["total_modules"] and good (system.request ("GET", f"/v1/student/{student}/roadmap")) ["current_step_index"] == 0


def test_a_road_map_needs_requirements (system):
    project = system.project ("no requirements", mode = "student")
    refused (system.request ("POST", f"/v1/student/{project}/roadmap", {"skill_level": "beginner"}), "project_id")
    missing (system.request ("GET", f"/v1/student/{project}/roadmap"), "roadmap")
    missing (system.request ("PUT", f"/v1/student/{project}/roadmap/progress", {"step_index": 0}), "roadmap")


def test_a_road_map_is_strict (system):
    bad = {"skill_level": "wizard", "focus_areas": ["a"] * 6, "more": 1}
    assert fields (system.request ("POST", "/v1/student/roadmap", bad)) == {*bad, "project_id"}
    assert fields (system.request ("POST", f"/v1/student/{NOBODY}/roadmap", bad)) == set (bad)


# sessions and progress

SESSION = {"transcript": [{"role": "student", "content": " kept "}], "concepts_covered": [" loops "], "duration_minutes": 25}


def test_sessions_are_kept_newest_first (system):
    project = system.project ("sessions", mode = "student")
    path = f"/v1/student/{project}/sessions"
    kept = good (system.request ("POST", path, SESSION), 201)
    assert kept ["transcript"] == SESSION ["transcript"] and kept ["concepts_covered"] == ["loops"] and kept ["duration_minutes"] == 25
    good (system.request ("POST", path, {"transcript": [], "concepts_covered": [], "duration_minutes": 480.0}), 201)
    shown = good (system.request ("GET", path))
    assert set (shown) == {"project_id", "count", "sessions"} and shown ["project_id"] == project and shown ["count"] == 2
    assert [session ["duration_minutes"] for session in shown ["sessions"]] == [480, 25]
    assert len (good (system.request ("GET", f"{path}?limit=1")) ["sessions"]) == 1
    for limit in ("0", "101", "x"):
        refused (system.request ("GET", f"{path}?limit={limit}"), "limit")


def test_a_session_is_strict (system):
    path = f"/v1/student/{NOBODY}/sessions"
    assert fields (system.request ("POST", path, {})) == {"transcript", "concepts_covered", "duration_minutes"}
    bad = {"transcript": ["words"], "concepts_covered": ["a"] * 21, "duration_minutes": 481}
    assert fields (system.request ("POST", path, bad)) == {"transcript.0", "concepts_covered", "duration_minutes"}
    assert fields (system.request ("POST", path, {**SESSION, "transcript": [{}] * 101, "duration_minutes": 1.5})) == {"transcript", "duration_minutes"}


def test_progress_counts (system, student):
    good (system.request ("PUT", f"/v1/student/{student}/roadmap/progress", {"step_index": 1}))
    good (system.request ("POST", f"/v1/student/{student}/sessions", SESSION), 201)
    progress = good (system.request ("GET", f"/v1/student/{student}/progress"))
    assert set (progress) == {"roadmap_id", "project_id", "completed_modules", "total_modules", "current_module", "percent_complete",
                              "total_sessions", "total_time_minutes"}
    assert progress ["completed_modules"] == 1 and progress ["total_sessions"] >= 1 and progress ["total_time_minutes"] >= 25
    assert 0 < progress ["percent_complete"] <= 100


STUDENT_PATHS = [("POST", "choice", CHOICE), ("PUT", "choice", {"module_index": 0, "option_id": "a"}), ("POST", "roadmap", {"skill_level": "beginner"}),
                 ("GET", "roadmap", None), ("PUT", "roadmap/progress", {"step_index": 0}), ("POST", "sessions", SESSION), ("GET", "sessions", None),
                 ("GET", "progress", None)]


@pytest.mark.parametrize ("method, path, body", STUDENT_PATHS)
def test_student_paths_are_for_own_student_projects (system, method, path, body):
    request = lambda project, **more: system.request (method, f"/v1/student/{project}/{path}", body, **more)
    refused (request (system.project ("a builder's")), "project_id")
    missing (request (NOBODY), "project")
    missing (request (system.project ("mine", mode = "student"), user = person ()), "project")
    refused (request ("x"), "project_id")
    error (request (NOBODY, user = None, headers = {"Authorization": "Bearer x"}), 401, "AUTHENTICATION_ERROR")


@pytest.mark.parametrize ("path, body", [("choice-framework", CHOICE), ("roadmap", {"skill_level": "beginner"})])
def test_student_bodies_are_for_own_student_projects (system, path, body):
    request = lambda project, **more: system.request ("POST", f"/v1/student/{path}", {"project_id": project, **body}, **more)
    refused (request (system.project ("a builder's")), "project_id")
    missing (request (NOBODY), "project")
    missing (request (system.project ("mine", mode = "student"), user = person ()), "project")
    assert fields (request ("x")) == {"project_id"}


@pytest.mark.parametrize ("path, body", [("choice", CHOICE), ("roadmap", {"skill_level": "beginner"})])
def test_student_work_can_be_asked_for_as_a_job (system, student, path, body):
    accepted = good (system.request ("POST", f"/v1/student/{student}/{path}", body, headers = {"Prefer": "respond-async"}), 202)
    assert system.wait_job (accepted ["job_id"]) ["status"] == "completed"


# usage

def test_usage_is_the_callers_own (system):
    user = person ()
    assert good (system.request ("GET", "/v1/usage", user = user)) ["total"] == {"calls": 0, "input_tokens": 0, "output_tokens": 0, "cost_usd": 0}
    project, other = system.project ("used", user = user), system.project ("unused", user = user)
    system.wait_job (system.run_agent (project, "qa", {"code": "x = 1"}, user = user), user = user)
    used = wait_for (lambda: (answer := good (system.request ("GET", "/v1/usage", user = user))) ["total"] ["calls"] and answer, "the use to be counted")
    assert set (used) == {"from", "to", "total", "by_day"} and used ["total"] ["calls"] == 1
    assert set (used ["by_day"] [0]) == {"day", "agent_type", "calls", "input_tokens", "output_tokens", "cost_usd"}
    assert used ["by_day"] [0] ["agent_type"] == "qa"
    today = datetime.datetime.now (datetime.timezone.utc).date ()
    calls = lambda query: good (system.request ("GET", f"/v1/usage?{query}", user = user)) ["total"] ["calls"]
    assert calls (f"project_id={project}") == 1 and calls (f"project_id={other}") == 0
    assert calls (f"from={today - datetime.timedelta (1)}&to={today + datetime.timedelta (1)}") == 1
    assert calls (f"to={today - datetime.timedelta (2)}") == 0


@pytest.mark.parametrize ("query, field", [("from=yesterday", "from"), ("from=2026-02-30", "from"), ("to=2026-1-1", "to"), ("to=", "to"),
                                           ("from=2026-02-02&to=2026-02-01", "to"), ("project_id=x", "project_id"), ("from=2026-01-01T00:00:00Z", "from"),
                                           ("from=2026-01-01&from=2026-01-02", "from")])
def test_usage_wants_days (system, query, field):
    refused (system.request ("GET", f"/v1/usage?{query}"), field)


# waitlist

def test_the_waitlist_always_answers_the_same (system):
    join = lambda email: system.request ("POST", "/v1/waitlist/", {"email": email}, user = None)
    answers = {join (email).body for email in ("ada@example.com", "ada@example.com", " ADA@example.com ", "bob@example.com")}
    assert len (answers) == 1 and join ("ada@example.com").status == 201
    assert fields (join ("nobody")) == fields (join (5)) == {"email"}
    assert fields (system.request ("POST", "/v1/waitlist/", {"name": "x"}, user = None)) == {"email", "name"}


def test_a_profile_comes_into_being_at_first_sight (system):
    """Any request of a verified user makes their row; nobody has to ask for the profile itself."""
    user = str (uuid.uuid4 ())
    assert system.request ("GET", "/v1/projects/", user = user).status == 200
    wait_for (lambda: system.sql (f"select count (*) from public.profiles where id = '{user}'") == "1", "the profile to be there")
