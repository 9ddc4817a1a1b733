# SPDX-License-Identifier: MPL-2.0
"""Projects are exported to GitHub, here a strict double of it (support/github.py): whole, in few calls, and to the end whatever breaks."""
import hashlib
import json
import pathlib
import socket
import tempfile
import threading
import time

import pytest

from support.capture import Capture
from support.github import GitHub
from support.system import System, free_port, wait_for

SAMPLE = {
    "src/app.js": "console.log ('žluťoučký kůň 🐎');\n", "src/empty.txt": "", "src/run.sh": "#!/bin/sh\necho hi\n", "src/tool": "#!/usr/bin/env python3\n",
    "src/a/b/c/d/deep.css": "p { color: red }", "src/a.b/x.md": "# x", "src/a-b.json": "{}", "src/lines.txt": "one\r\ntwo\rthree\n\n",
    "src/binary": "PK\x03\x04\x01\x02\x1b\x7f\x08 \ufffd\ufeff\u2028\U0010ffff", "src/bom.txt": "\ufeffx", "src/big.txt": "ab\tö\n" * 19999,
}
SCRIPTS = {"src/run.sh", "src/tool"}


@pytest.fixture (scope = "module")
def double ():
    with GitHub () as running:
        yield running


@pytest.fixture
def github (double):
    double.forget ()
    yield double
    assert not double.violations


@pytest.fixture (scope = "module")
def system (double):
    with System (GITHUB_API_URL = double.url + "/", LOG_LEVEL = "debug") as running:
        yield running


@pytest.fixture
def token (github):
    return github.user ("ada")


names = (f"repository-{number}" for number in range (10000))


@pytest.fixture
def name ():
    return next (names)


def quote (text):
    return "'" + text.replace ("'", "''") + "'"


def put (system, project, files):
    """Files as an agent might have left them, at the root, too."""
    rows = ",".join (f"('{project}', {quote (path)}, {quote (content)}, 'text')" for path, content in files.items ())
    with tempfile.NamedTemporaryFile ("w", encoding = "utf-8", newline = "") as file:
        file.write (f"insert into public.project_files (project_id, path, content, language) values {rows}"
                    " on conflict (project_id, path) do update set content = excluded.content, version = project_files.version + 1")
        file.flush ()
        system.psql ("-f", file.name)


def made (system, files = SAMPLE, **fields):
    project = system.project (**fields)
    put (system, project, files)
    return project


def post (system, project, name, token, headers = None, **more):
    return system.request ("POST", f"/v1/projects/{project}/export/github", {"repo_name": name, "github_token": token, **more}, headers = headers)


def export (system, project, name, token, **more):
    answer = post (system, project, name, token, **more)
    assert answer.status == 200, answer.body
    return answer.json


def refused (answer, status, field):
    assert answer.status == status, answer.body
    assert answer.json ["details"] ["field"] == field and answer.json ["message"]
    return answer.json ["message"]


def unavailable (answer):
    assert answer.status == 503 and answer.json ["error"] == "EXTERNAL_SERVICE_ERROR", answer.body
    assert answer.json ["details"] ["service"] == "github" and int (answer.headers ["Retry-After"]) > 0
    return answer.json ["message"]


def bytes_of (files):
    return {path: (content.encode (), path in SCRIPTS) for path, content in files.items ()}


def cloned (github, name, tmp_path, besides = ("README.md", ".gitignore")):
    """What git clone brings, without the files that the project got on its way."""
    files = github.clone ("ada", name, tmp_path / f"clone{len (list (tmp_path.iterdir ()))}")
    for path in besides:
        assert files.pop (path) [0]
    return files


# what comes out

def test_a_new_repository_holds_every_file_in_one_commit (system, github, token, name, tmp_path):
    project = made (system, title = "Habit tracker", description = "Streaks\nand more", tech_stack = ["Python"])
    answer = export (system, project, name, token)
    repository = github.find ("ada", name)
    assert cloned (github, name, tmp_path) == bytes_of (SAMPLE)
    assert github.history ("ada", name) == [answer ["commit_sha"]]
    assert answer == {"repo_url": f"{github.url}/ada/{name}", "clone_url": f"{github.url}/ada/{name}.git",
                      "commit_sha": repository.head (), "files_exported": len (SAMPLE)}
    assert repository.private and repository.description == "Streaks and more"
    readme = repository.git ("show", "HEAD:README.md").decode ()
    assert readme.startswith ("# Habit tracker\n") and "- Python\n" in readme
    assert "node_modules/" in repository.git ("show", "HEAD:.gitignore").decode ()
    assert "Habit tracker" in repository.line ("log", "--format=%B")
    assert not repository.git ("fsck", "--strict", "--no-dangling")
    assert [call ["method"] for call in github.writes ()] == ["POST", "POST", "POST", "PATCH"]


def test_five_hundred_files_and_everyone_can_watch (system, github, token, name, tmp_path):
    files = {f"src/{number % 7}/d{'x' * (number % 5)}/file{number}.txt": f"{number}\n" * (number * 20) for number in range (500)}
    project = made (system, files)
    answer = post (system, project, name, token, headers = {"Prefer": "respond-async"})
    assert answer.status == 202 and answer.headers ["Preference-Applied"] == "respond-async"
    events = list (system.stream (answer.json ["job_id"]))
    stages = list (dict.fromkeys (event ["data"] ["stage"] for event in events if event ["event"] == "progress"))
    assert [stage for stage in stages if stage in ("repository", "files", "commit")] == ["repository", "files", "commit"]
    progress = [event ["data"] ["progress"] for event in events]
    assert progress == sorted (progress) and events [-1] ["event"] == "complete"
    assert events [-1] ["data"] ["result"] ["files_exported"] == 500
    assert system.job (answer.json ["job_id"]) ["usage"] ["calls"] == 0
    assert cloned (github, name, tmp_path) == {path: (content.encode (), False) for path, content in files.items ()}
    assert len (github.writes ()) <= 6


def test_the_projects_own_readme_and_gitignore_stay (system, github, token, name, tmp_path):
    files = {"README": "mine", ".gitignore": "secret\n", "src/x.js": "1", "package.json": "{}"}
    export (system, made (system, files), name, token, private = False, description = "Own words")
    assert cloned (github, name, tmp_path, besides = ()) == bytes_of (files)
    assert not github.find ("ada", name).private and github.find ("ada", name).description == "Own words"


def test_what_github_keeps_differently_is_sent_again_as_a_blob (system, github, token, name, tmp_path):
    github.crlf = True
    export (system, made (system), name, token)
    assert cloned (github, name, tmp_path) == bytes_of (SAMPLE)
    assert len (github.calls ("POST", "/git/blobs")) == 1


# what is there already

def test_a_repository_with_content_needs_update (system, github, token, name, tmp_path):
    repository = github.repository ("ada", name)
    head = repository.write ({"README.md": b"# Somebody's\n"})
    project = made (system)
    assert "update" in refused (post (system, project, name, token), 409, "repo_name")
    assert github.history ("ada", name) == [head] and not github.writes ()


def test_an_update_adds_a_commit_and_touches_nothing_of_others (system, github, token, name, tmp_path):
    project = made (system, {"src/a.js": "1", "src/b.js": "2", "src/c.js": "3", "package.json": "{}"})
    first = export (system, project, name, token) ["commit_sha"]
    second = github.find ("ada", name).write ({"LICENSE": b"free\n", "src/c.js": b"changed by hand\n", ".github/ci.yml": b"on: push\n"})
    system.sql (f"delete from public.project_files where project_id = '{project}' and path in ('src/b.js', 'src/c.js', 'package.json')")
    put (system, project, {"src/a.js": "11", "src/new/d.js": "4"})
    github.forget ()
    third = export (system, project, name, token, update = True)
    assert github.history ("ada", name) == [third ["commit_sha"], second, first] and third ["files_exported"] == 2
    assert cloned (github, name, tmp_path) == {
        "src/a.js": (b"11", False), "src/new/d.js": (b"4", False), "LICENSE": (b"free\n", False), ".github/ci.yml": (b"on: push\n", False),
        "src/c.js": (b"changed by hand\n", False)}
    assert len (github.writes ()) == 3


def test_an_update_without_a_change_is_a_commit_all_the_same (system, github, token, name, tmp_path):
    project = made (system)
    first = export (system, project, name, token) ["commit_sha"]
    github.forget ()
    second = export (system, project, name, token, update = True) ["commit_sha"]
    assert github.history ("ada", name) == [second, first]
    assert cloned (github, name, tmp_path) == bytes_of (SAMPLE)
    assert [call ["path"].rpartition ("/") [2] for call in github.writes ()] == ["commits", "main"]


def test_an_update_of_a_strangers_repository_lies_over_it (system, github, token, name, tmp_path):
    head = github.repository ("ada", name, branch = "release/1.0+x").write ({"readme.rst": b"theirs\n", ".gitignore": b"x\n", "src/app.js": b"old\n", "z": b"z"})
    answer = export (system, made (system), name, token, update = True)
    assert github.history ("ada", name) == [answer ["commit_sha"], head]
    assert cloned (github, name, tmp_path, besides = ("readme.rst", ".gitignore", "z")) == bytes_of (SAMPLE)


def test_a_folder_of_theirs_is_not_replaced_by_a_file_of_ours (system, github, token, name):
    head = github.repository ("ada", name).write ({"src/app.js/index.js": b"theirs\n"})
    refused (post (system, made (system), name, token, update = True), 409, "repo_name")
    assert github.history ("ada", name) == [head]


@pytest.mark.parametrize ("update", [False, True])
def test_an_empty_repository_is_filled (system, github, token, name, tmp_path, update):
    github.repository ("ada", name)
    answer = export (system, made (system), name, token, update = update)
    assert cloned (github, name, tmp_path) == bytes_of (SAMPLE)
    assert github.history ("ada", name) == [answer ["commit_sha"]] and len (github.writes ()) == 4


def test_a_branch_in_the_making_is_waited_for (system, github, token, name, tmp_path):
    github.branch_looks = 3
    answer = export (system, made (system), name, token)
    assert github.history ("ada", name) == [answer ["commit_sha"]] and len (github.writes ()) == 4


def test_an_archived_repository_is_left_alone (system, github, token, name):
    github.repository ("ada", name).archived = True
    assert "archived" in refused (post (system, made (system), name, token, update = True), 409, "repo_name")


# what cannot be exported

def test_nothing_to_export (system, github, token, name):
    refused (post (system, system.project (), name, token), 400, "project_id")
    assert not github.calls ()


@pytest.mark.parametrize ("files", [{"src/a": "1", "src/a/b": "2", "src/a-b": "3"}, {"src/.git/config": "x"}, {"src/.GIT": "x"}])
def test_files_that_no_repository_can_hold (system, github, token, name, files):
    assert "rename" in refused (post (system, made (system, files), name, token), 400, "files")
    assert not github.calls ()


@pytest.mark.parametrize ("body", [
    {}, {"repo_name": "x"}, {"github_token": "x"}, {"repo_name": "-x", "github_token": "x"}, {"repo_name": "a/b", "github_token": "x"},
    {"repo_name": "x" * 101, "github_token": "x"}, {"repo_name": "x", "github_token": "x" * 501}, {"repo_name": "x", "github_token": ""},
    {"repo_name": "x", "github_token": "a\r\nHost: evil"}, {"repo_name": "x", "github_token": "a b"}, {"repo_name": "x", "github_token": "a\u0000b"},
    {"repo_name": "x", "github_token": "tokén"}, {"repo_name": "x", "github_token": "x", "description": "x" * 351},
    {"repo_name": "x", "github_token": "x", "private": "yes"}, {"repo_name": "x", "github_token": "x", "owner": "eve"}])
def test_bodies_are_strict (system, github, body):
    answer = system.request ("POST", f"/v1/projects/{system.project ()}/export/github", body)
    assert answer.status == 422 and answer.json ["error"] == "VALIDATION_ERROR"


def test_another_users_project_is_unknown (system, github, token, name):
    project = made (system)
    answer = system.request ("POST", f"/v1/projects/{project}/export/github", {"repo_name": name, "github_token": token},
                             user = "7a1f6e0e-59d4-4c55-8a36-2b1f6d4c9e01")
    assert answer.status == 404 and not github.calls ()


# what GitHub refuses

def test_a_token_that_nobody_has (system, github, name):
    assert "Make a new one" in refused (post (system, made (system), name, "ghp_unknown"), 400, "github_token")


@pytest.mark.parametrize ("rights", [{"scopes": ""}, {"scopes": "gist"}, {"writes": False}])
def test_a_token_that_may_not (system, github, name, rights):
    limited = github.user ("bob", **rights)
    assert "scope repo" in refused (post (system, made (system), name, limited), 400, "github_token")
    assert ("bob", name) not in github.repositories


def test_a_token_that_may_read_only (system, github, name):
    github.repository ("bob", name).write ({"x": b"x"})
    limited = github.user ("bob", writes = False)
    assert "write to the repository" in refused (post (system, made (system), name, limited, update = True), 400, "github_token")


def test_a_name_that_github_does_not_take (system, github, token):
    refused (post (system, made (system), "name.git", token), 400, "repo_name")


def test_a_repository_that_the_token_cannot_see (system, github, token, name):
    github.repository ("ada", name)
    github.fault ("GET", f"/repos/ada/{name}", times = 9, status = 404, body = {"message": "Not Found"})
    refused (post (system, made (system), name, token), 409, "repo_name")


@pytest.mark.parametrize ("status, headers, body", [
    (403, {"Retry-After": "1"}, {"message": "You have exceeded a secondary rate limit."}), (429, {"Retry-After": "1"}, {}),
    (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "0"}, {"message": "API rate limit exceeded for user ID 1."})])
def test_a_limit_is_waited_out (system, github, token, name, tmp_path, status, headers, body):
    github.fault ("POST", "/git/trees", status = status, headers = headers, body = body)
    answer = export (system, made (system), name, token)
    assert github.history ("ada", name) == [answer ["commit_sha"]]
    first, second = github.calls ("POST", "/git/trees")
    assert second ["at"] - first ["at"] >= 1


@pytest.mark.parametrize ("headers", [{"Retry-After": "900"}, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str (int (time.time ()) + 7200)}])
def test_a_limit_that_outlasts_the_job_is_told (system, github, token, name, headers):
    github.fault ("POST", "/git/commits", status = 403, headers = headers, body = {"message": "API rate limit exceeded"})
    answer = post (system, made (system), name, token)
    assert "no more requests" in unavailable (answer)
    assert int (answer.headers ["Retry-After"]) >= 900 and answer.json ["details"] ["retry_after"] == int (answer.headers ["Retry-After"])


def test_a_redirect_is_not_followed (system, github, token, name):
    github.fault ("GET", "/user", status = 302, headers = {"Location": "http://127.0.0.1:9/"})
    assert post (system, made (system), name, token).status == 400


# what breaks, and is finished

CALLS = [("GET", "/user"), ("GET", "/repos/"), ("POST", "/user/repos"), ("GET", "/git/ref/"), ("POST", "/git/trees"), ("POST", "/git/commits"),
         ("PATCH", "/git/refs/")]


@pytest.mark.parametrize ("fault", [{"status": 502}, {"cut": "before"}, {"cut": "after"}, {"status": 503, "body": b"<html>"}])
def test_one_failure_of_each_call_is_got_over (system, github, token, name, tmp_path, fault):
    for method, path in CALLS:
        github.fault (method, path, **fault)
    answer = export (system, made (system, {"src/x.js": "1"}), name, token)
    assert github.history ("ada", name) == [answer ["commit_sha"]]
    assert cloned (github, name, tmp_path) == bytes_of ({"src/x.js": "1"})
    assert all (fault ["times"] == 0 for fault in github.faults)


@pytest.mark.parametrize ("method, path", CALLS)
def test_an_answer_that_makes_no_sense_is_not_believed (system, github, token, name, method, path):
    github.fault (method, path, status = 200, body = {})
    answer = post (system, made (system, {"src/x.js": "1"}), name, token)
    if answer.status == 200:            # the repository or the branch were looked at again
        assert method in ("POST", "PATCH") and github.history ("ada", name) == [answer.json ["commit_sha"]]
    else:
        unavailable (answer)


@pytest.mark.parametrize ("method, path, fault", [(*CALLS [at], fault) for at, fault in (
    (2, {"status": 500}), (2, {"cut": "after"}), (4, {"status": 502}), (6, {"cut": "before"}))])
def test_what_failed_midway_is_finished_by_the_next_export (system, github, token, name, tmp_path, method, path, fault):
    project = made (system, {"src/x.js": "1"})
    github.fault (method, path, times = 9, **fault)
    answer = post (system, project, name, token)
    if answer.status != 200:            # where the answer is lost, but what was asked for is seen to be done
        assert "where it was" in unavailable (answer)
        github.forget ()
        put (system, project, {"src/x.js": "2"})
        answer = post (system, project, name, token)
    assert answer.status == 200, answer.body
    assert github.history ("ada", name) == [answer.json ["commit_sha"]]
    assert len (cloned (github, name, tmp_path)) == 1 and len (github.calls ("POST", "/user/repos")) <= 1


@pytest.mark.parametrize ("files", [{"README.md": b"# x"}, {"README.md": b"# x", "mine.txt": b"mine"}])
def test_what_an_earlier_call_makes_late_is_taken_and_what_is_anothers_is_not (system, github, token, name, files):
    github.fault ("POST", "/user/repos", before = lambda: github.repository ("ada", name).write (files))
    answer = post (system, made (system), name, token)
    if len (files) > 1:
        refused (answer, 409, "repo_name")
    else:
        assert answer.status == 200 and github.history ("ada", name) == [answer.json ["commit_sha"]], answer.body


def test_what_somebody_put_into_an_unfinished_one_is_not_lost (system, github, token, name):
    project = made (system, {"src/x.js": "1"})
    github.fault ("POST", "/git/trees", times = 9, status = 500)
    unavailable (post (system, project, name, token))
    github.forget ()
    head = github.find ("ada", name).write ({"mine.txt": b"mine"})
    refused (post (system, project, name, token), 409, "repo_name")
    assert github.history ("ada", name) [0] == head


def test_what_somebody_pushes_meanwhile_is_not_lost (system, github, token, name):
    heads = []
    github.fault ("POST", "/git/commits", before = lambda: heads.append (github.find ("ada", name).write ({"mine.txt": b"mine"})))
    assert "Nothing of theirs was touched" in refused (post (system, made (system), name, token), 409, "repo_name")
    assert github.history ("ada", name) [0] == heads [0]


@pytest.mark.parametrize ("pushes", [1, 2])
def test_an_update_starts_once_more_from_what_was_pushed_meanwhile (system, github, token, name, tmp_path, pushes):
    repository, project = github.repository ("ada", name), made (system, {"src/x.js": "1"})
    repository.write ({"a": b"a"})
    github.fault ("PATCH", "/git/refs/", times = pushes, before = lambda: repository.write ({f"b{time.monotonic ()}": b"b"}))
    answer = post (system, project, name, token, update = True)
    if pushes == 2:
        refused (answer, 409, "repo_name")
    else:
        assert answer.status == 200 and len (github.history ("ada", name)) == 3
        assert repository.line ("log", "-1", "--format=%H") == answer.json ["commit_sha"]


def test_a_new_process_goes_on_where_the_last_one_was (system, github, token, name, tmp_path):
    for method, path in (("POST", "/git/trees"), ("PATCH", "/git/refs/")):
        reached, go_on, repo = threading.Event (), threading.Event (), f"{name}-{method.lower ()}"
        github.fault (method, path, before = reached.set, until = go_on)
        answer = post (system, made (system), repo, token, headers = {"Prefer": "respond-async"})
        assert reached.wait (60)
        pid = system.kill ("github")
        go_on.set ()
        job = system.wait_job (answer.json ["job_id"])
        assert job ["status"] == "completed" and job ["attempt"] == 2, job
        assert github.history ("ada", repo) == [job ["result"] ["commit_sha"]]
        system.wait_restarted ("github", pid)
        assert cloned (github, repo, tmp_path) == bytes_of (SAMPLE)
    assert len (github.calls ("POST", "/user/repos")) == 2


def test_a_cancelled_export_is_finished_by_the_next_one (system, github, token, name, tmp_path):
    reached, go_on = threading.Event (), threading.Event ()
    project = made (system)
    github.fault ("POST", "/git/trees", before = reached.set, until = go_on)
    job = post (system, project, name, token, headers = {"Prefer": "respond-async"}).json ["job_id"]
    assert reached.wait (60)
    assert system.request ("POST", f"/v1/jobs/{job}/cancel").status == 200
    go_on.set ()
    wait_for (lambda: github.calls ("POST", "/git/trees") [0] ["status"], "the call to be over")
    answer = export (system, project, name, token)
    assert github.history ("ada", name) == [answer ["commit_sha"]]


def test_jobs_that_lost_the_token_say_so (system, github, token, name):
    busy, go_on = threading.Event (), threading.Event ()
    github.fault ("GET", "/user", before = busy.set, until = go_on)
    job = post (system, made (system), name, token, headers = {"Prefer": "respond-async"}).json ["job_id"]
    assert busy.wait (60)
    old = {service: system.pid (service) for service in ("jobs", "github")}
    system.kill ("jobs")
    system.wait_restarted ("jobs", old ["jobs"])
    system.kill ("github")              # the next one has to ask for the token again
    go_on.set ()
    ended = system.wait_job (job)
    system.wait_restarted ("github", old ["github"])
    assert ended ["status"] == "failed" and "Export again" in ended ["error"] and ended ["error_code"] == "GITHUB_DOWN"


def test_a_github_that_is_not_there_or_silent (github, token):
    port, name = free_port (), next (names)
    with System (GITHUB_API_URL = f"http://127.0.0.1:{port}", AGENT_TIMEOUT = 2) as system:
        project = made (system)
        assert "could not be reached" in unavailable (post (system, project, name, token))
        with socket.create_server (("127.0.0.1", port)):
            answer = post (system, project, name, token)
            assert answer.status == 504 and answer.json ["error"] == "AGENT_TIMEOUT" and answer.json ["details"] == {"agent": "github"}


# one after the other

def test_exports_of_one_account_take_turns (system, github, token, tmp_path):
    answers, project, own = [], made (system, {"src/x.js": "1"}), [next (names) for _ in range (4)]
    for method, path in (("POST", "/git/trees"), ("POST", "/git/commits")):
        github.fault (method, path, times = 9, delay = 0.05)
    threads = [threading.Thread (target = lambda repo: answers.append (post (system, project, repo, token).status), args = [repo])
               for repo in [*own, own [0]]]
    for thread in threads:
        thread.start ()
    for thread in threads:
        thread.join ()
    assert sorted (answers) == [200, 200, 200, 200, 409]        # the fixture sees to it that no two calls were under way


def test_the_same_request_twice_is_one_export (system, github, token, name):
    project, key = made (system), {"Idempotency-Key": f"export {name}"}
    first, second = (post (system, project, name, token, headers = key) for _ in range (2))
    assert first.status == second.status == 200 and first.body == second.body
    another = github.user ("ada")
    assert post (system, project, name, another, headers = key).body == first.body      # the token is no part of what was asked
    assert post (system, project, name + "x", token, headers = key).status == 422
    assert len (github.calls ("POST", "/user/repos")) == 1


# the token

def processes (root):
    """The system's processes: the supervisor and what it started."""
    children, found = {}, [root]
    for stat in pathlib.Path ("/proc").glob ("[0-9]*/stat"):
        try:
            children.setdefault (int (stat.read_text ().rpartition (")") [2].split () [1]), []).append (int (stat.parent.name))
        except OSError:
            continue
    for pid in found:
        found.extend (children.get (pid, []))
    return found


def test_the_token_is_nowhere (system, github, name):
    token, bad = github.user ("ada", token = "ghp_VerySecretToken0123456789abcdefXYZ"), "ghp_AnotherSecretThatNobodyHas987654"
    project, shown, reached, go_on = made (system), [], threading.Event (), threading.Event ()
    github.fault ("POST", "/git/commits", before = reached.set, until = go_on)
    with Capture (system) as capture:
        job = post (system, project, name, token, headers = {"Prefer": "respond-async", "Idempotency-Key": "once"}).json ["job_id"]
        assert reached.wait (60)
        running = [pathlib.Path ("/proc") / str (pid) for pid in processes (system.process.pid)]
        shown += [(process / file).read_bytes () for process in running for file in ("cmdline", "environ")]
        assert len (running) > 10 and all ("Max core file size        0 " in (process / "limits").read_text () for process in running [1:])
        pid = system.kill ("github")
        go_on.set ()
        shown.append (json.dumps (list (system.stream (job))).encode ())
        for answer in (post (system, project, name, bad), post (system, project, name, token), post (system, project, name, token + "\n\r"),
                       system.request ("GET", f"/v1/jobs/{job}"), system.request ("GET", f"/v1/jobs/{project}/list")):
            shown.append (answer.body + str (answer.headers).encode ())
        wait_for (lambda: capture.bytes.count (job.encode ()) > 20, "the capture to show the job")
        assert name.encode () in capture.bytes          # bodies are in it
        shown.append (capture.bytes)
    system.wait_restarted ("github", pid)
    assert {token, bad} <= {call ["token"] for call in github.calls ()}
    for table in ("public.agent_jobs", "codeforge.job_steps", "codeforge.job_events", "codeforge.idempotency_keys"):
        shown.append (system.sql (f"select r::text from {table} r").encode ())
    shown += [path.read_bytes () for path in system.home.rglob ("*") if path.is_file ()]
    assert sum (job.encode () in text for text in shown) > 5
    for secret in (token, bad):
        for form in (secret.encode (), secret.encode ().hex ().encode (), hashlib.sha256 (secret.encode ()).hexdigest ().encode ()):
            assert not any (form in text for text in shown)
