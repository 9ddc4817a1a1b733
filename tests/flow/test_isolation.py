# SPDX-License-Identifier: MPL-2.0
"""Two users cannot see each other: whatever is another's looks like what does not exist, and stays as it is.

Every operation of the API's document is tried with every id of another user's, and with one that nobody has; a new one is tried as
soon as it is in the document. Where it takes a kind of id or path that this test does not know, the test fails until it does."""
import json
import re
import types
import urllib.parse
import uuid

import pytest

from support.openapi import Document
from support.system import ROOT, make_token, wait_for

DOCUMENT = Document (json.loads ((ROOT / "proto/openapi.json").read_text ()))
IDS = {"project_id", "job_id"}          # names of what an id may be given for
PATHS = {"path"}                        # parameters of a path that are no ids
OWN_TABLES = "select table_schema || '.' || table_name from information_schema.tables where table_type = 'BASE TABLE' and table_schema in ('public', 'codeforge')"
UUID = re.compile (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def names_of_ids (operation):
    """Parameters and members of the body that are ids, by place."""
    found = {"path": set (), "query": set (), "body": set ()}
    for param in operation.params:
        is_id = param ["schema"].get ("format") == "uuid"
        if param ["in"] == "path":
            assert is_id or param ["name"] in PATHS, f"{operation.id}: what is {param ['name']}?"
        if is_id and param ["in"] in found:
            found [param ["in"]].add (param ["name"])
    if operation.request_schema:
        members = DOCUMENT.resolve (operation.request_schema).get ("properties", {})
        found ["body"] = {name for name, member in members.items () if "uuid" in json.dumps (member)}
    for names in found.values ():
        assert names <= IDS, f"{operation.id}: what are {names - IDS}?"
    return found


def takes_ids (operation):
    return any (names_of_ids (operation).values ())


PRIVATE = [operation for operation in DOCUMENT.operations if not operation.is_public]
WITH_IDS = [operation for operation in PRIVATE if takes_ids (operation)]
WITHOUT_IDS = [operation for operation in PRIVATE if not takes_ids (operation) and operation.method == "GET"]


@pytest.fixture (scope = "module")
def world (system):
    """One of everything, all Anne's; and Bert, who has nothing."""
    anne, bert = system.user, str (uuid.uuid4 ())
    project = system.project ("Annes", mode = "student")
    jobs = {"ended": system.run_pipeline (project, "a private notebook")}
    assert system.wait_job (jobs ["ended"]) ["status"] == "completed"
    assert system.request ("POST", f"/v1/student/{project}/roadmap", {"skill_level": "beginner"}).status == 200
    session = system.request ("POST", f"/v1/student/{project}/sessions", {"transcript": [], "concepts_covered": ["Loops"], "duration_minutes": 20})
    jobs ["waiting"] = system.run_agent (project, "research", {"user_idea": "a private question"})
    system.wait_job (jobs ["waiting"], "waiting_for_input")
    jobs ["running"] = system.run_agent (project, "qa", {"code": "private = 1 [[sim latency=600000]]", "user_message": "a private word"})
    wait_for (lambda: [call for call in system.calls ("private = 1") if call ["outcome"] == "open"], "the model to work")
    behind = ("select count (*) from public.agent_jobs j where j.last_event <>"
              " (select max (e.seq) from codeforge.job_events e where e.job_id = j.id)")
    wait_for (lambda: system.sql (behind) == "0", "the rows of jobs to follow their events")
    get = lambda path: system.request ("GET", path).json        # noqa: E731
    file = get (f"/v1/projects/{project}/files") ["files"] [0]
    ids = {"project": project, **jobs, "file": file ["id"], "message": get (f"/v1/projects/{project}/messages") ["items"] [0] ["id"],
           "roadmap": get (f"/v1/student/{project}/roadmap") ["id"], "session": session.json ["id"], "user": anne}
    assert all (UUID.fullmatch (one) for one in ids.values ()), ids
    assert system.request ("GET", "/v1/profiles/me", user = bert).status == 200
    return types.SimpleNamespace (anne = anne, bert = bert, ids = ids, path = file ["path"], code = get (f"/v1/projects/{project}/files/{file ['path']}") ["content"])


def fingerprint (system):
    """Of every row of every table."""
    tables = system.sql (OWN_TABLES).splitlines ()
    assert "public.projects" in tables and "public.agent_jobs" in tables
    whole = " union all ".join (f"select '{table}', count (*), md5 (coalesce (string_agg (r::text, ',' order by r::text), '')) from {table} r" for table in sorted (tables))
    return system.sql (whole).splitlines ()


def send (system, world, operation, one):
    """The operation, by Bert, with one as every id that it takes."""
    names = names_of_ids (operation)
    path = operation.path
    for name in names ["path"]:
        path = path.replace ("{" + name + "}", one)
    path = path.replace ("{path}", urllib.parse.quote (world.path))
    if names ["query"]:
        path += "?" + "&".join (f"{name}={one}" for name in names ["query"])
    body = operation.example ()
    for name in names ["body"]:
        body [name] = one
    if "selected_code" in (body or {}):
        body ["selected_code"] = world.code.splitlines () [0]
    return system.request (operation.method, path, body, user = world.bert)


def shown (answer, one):
    """What the answer tells, apart from the id that was asked for and its own."""
    told = answer.body.decode ().replace (answer.headers ["X-Request-ID"], "(request)").replace (one, "(id)")
    return answer.status, told, sorted (name.lower () for name in answer.headers.keys ())


@pytest.mark.parametrize ("operation", WITH_IDS, ids = lambda operation: operation.id)
def test_anothers_is_like_what_does_not_exist (system, world, operation):
    unknown = str (uuid.uuid4 ())
    before = fingerprint (system)
    answer = send (system, world, operation, unknown)
    wanted = shown (answer, unknown)
    assert answer.status == 404 and answer.json ["error"] == "RESOURCE_NOT_FOUND" and answer.json ["details"] ["id"] == unknown, answer.body
    for name, one in world.ids.items ():
        assert shown (send (system, world, operation, one), one) == wanted, f"an id of Anne's {name}"
    assert fingerprint (system) == before, "something was changed"


@pytest.mark.parametrize ("operation", WITHOUT_IDS, ids = lambda operation: operation.id)
def test_lists_hold_the_callers_own (system, world, operation):
    answer = system.request ("GET", operation.path, user = world.bert)
    assert answer.status == 200, answer.body
    assert not set (UUID.findall (answer.body.decode ())) & set (world.ids.values ())


def test_a_stream_token_of_ones_own_opens_no_stream_of_anothers (system, world):
    project = system.project ("Berts", user = world.bert)
    own = system.run_agent (project, "qa", {"code": "x"}, user = world.bert)
    token = system.request ("POST", f"/v1/jobs/{own}/stream-token", user = world.bert).json ["token"]
    for job in ("ended", "waiting", "running"):
        assert system.request ("GET", f"/v1/jobs/{world.ids [job]}/stream?token={token}", user = None).status == 401


def test_ones_own_with_anothers_inside_is_not_found (system, world):
    """An own project does not lead to what is in another's."""
    project = system.project ("Berts own", user = world.bert)
    for method in ("GET", "DELETE"):
        answer = system.request (method, f"/v1/projects/{project}/files/{world.path}", user = world.bert)
        assert answer.status == 404 and answer.json ["details"] ["resource"] == "file"
    for path in (f"/v1/jobs/{project}/list", f"/v1/projects/{project}/messages"):
        assert system.request ("GET", path, user = world.bert).json ["total"] == 0


def test_the_owner_still_has_it_all (system, world):
    """So that the answers above mean something."""
    project = world.ids ["project"]
    for path in (f"/v1/projects/{project}", f"/v1/projects/{project}/files/{world.path}", f"/v1/student/{project}/roadmap", f"/v1/student/{project}/sessions"):
        assert system.request ("GET", path).status == 200, path
    assert [system.job (world.ids [name]) ["status"] for name in ("ended", "waiting", "running")] == ["completed", "waiting_for_input", "running"]
    assert system.request ("GET", f"/v1/projects/{project}", user = make_token (world.anne, email = "another@example.com")).status == 200
    assert system.request ("POST", f"/v1/jobs/{world.ids ['running']}/cancel").status == 200
