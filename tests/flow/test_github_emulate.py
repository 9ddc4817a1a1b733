# SPDX-License-Identifier: MPL-2.0
"""Exports against somebody else's emulator of GitHub, with every request held against GitHub's own description of its API.

Needs Node >= 20; npm installs what tests/support/github-emulate/package-lock.json pins into the build folder."""
import base64
import hashlib
import json
import urllib.error
import urllib.request

import pytest

from support.node import Program
from support.system import System

TOKEN = "ghp_emulated0123456789"
FILES = {"src/app.js": "console.log ('žluťoučký kůň 🐎');\n", "src/empty.txt": "", "src/run.sh": "#!/bin/sh\necho hi\n", "src/a/b/c/deep.css": "p { color: red }",
         "src/a.b/x.md": "# x\r\n", "src/binary": "PK\x03\x04\x01\x7f \ufffd", "src/big.txt": "ab\tö\n" * 19999,
         **{f"src/many/file{number}.txt": f"{number}\n" * number for number in range (60)}}


class Emulated:
    """The emulator, asked past the proxy."""

    def __init__ (self, process):
        self.process = process
        self.urls = json.loads (process.stdout.readline ())

    def ask (self, path, document = None, to = "direct"):
        headers = {"Authorization": f"Bearer {TOKEN}", "User-Agent": "test", "Content-Type": "application/json"}
        request = urllib.request.Request (self.urls [to] + path, headers = headers, data = json.dumps (document).encode () if document else None)
        with urllib.request.urlopen (request) as answer:
            return json.loads (answer.read ())

    def head (self, name):
        sha = self.ask (f"/repos/ada/{name}/git/ref/heads/main") ["object"] ["sha"]
        return sha, self.ask (f"/repos/ada/{name}/git/commits/{sha}")

    def files (self, name):
        """{path: (name of the content, mode)} of the default branch."""
        tree = self.head (name) [1] ["tree"] ["sha"]
        entries = self.ask (f"/repos/ada/{name}/git/trees/{tree}?recursive=1") ["tree"]
        return {entry ["path"]: (entry ["sha"], entry ["mode"]) for entry in entries if entry ["type"] == "blob"}

    def content (self, name, sha):
        return base64.b64decode (self.ask (f"/repos/ada/{name}/git/blobs/{sha}") ["content"])

    def end (self):
        self.process.stdin.close ()
        report = json.loads (self.process.stdout.read ())
        assert self.process.wait (60) == 0
        return report


@pytest.fixture (scope = "module")
def emulated ():
    program = Program ("github-emulate", "emulate.mjs", needs = "emulate, @stoplight/prism-cli, @octokit/openapi")
    running = Emulated (program.start ("ada", TOKEN))
    yield running
    with pytest.raises (urllib.error.HTTPError):        # what is wrong is noticed
        running.ask ("/repos/ada/wrong/git/commits", {"message": 5}, to = "url")
    report = running.end ()
    assert {found ["path"] for found in report ["violations"]} == {"/repos/ada/wrong/git/commits"}, report ["violations"]
    assert {call ["method"] for call in report ["calls"]} == {"GET", "POST", "PUT", "PATCH"}, report ["calls"]


@pytest.fixture (scope = "module")
def system (emulated):
    with System (GITHUB_API_URL = emulated.urls ["url"]) as running:
        yield running


@pytest.fixture (scope = "module")
def project (system):
    made = system.project ("Habit tracker", description = "Streaks")
    for path, content in FILES.items ():
        answer = system.request ("POST", f"/v1/projects/{made}/files", {"path": path, "content": content})
        assert answer.status == 201, answer.body
    return made


def post (system, project, name, **more):
    return system.request ("POST", f"/v1/projects/{project}/export/github", {"repo_name": name, "github_token": TOKEN, **more})


def expected (files = FILES):
    def name (content):
        raw = content.encode ()
        return hashlib.sha1 (b"blob %d\0" % len (raw) + raw).hexdigest ()
    return {path: (name (content), "100755" if path.endswith (".sh") else "100644") for path, content in files.items ()}


def without_extras (files):
    return {path: facts for path, facts in files.items () if path not in ("README.md", ".gitignore")}


def test_a_new_repository_and_updates_of_it (system, emulated, project):
    answer = post (system, project, "habits")
    assert answer.status == 200 and answer.json ["files_exported"] == len (FILES), answer.body
    sha, commit = emulated.head ("habits")
    files = emulated.files ("habits")
    assert sha == answer.json ["commit_sha"] and commit ["parents"] == []
    assert without_extras (files) == expected () and len (files) == len (FILES) + 2
    assert emulated.content ("habits", files ["README.md"] [0]).startswith (b"# Habit tracker\n")
    assert post (system, project, "habits").status == 409
    assert system.request ("DELETE", f"/v1/projects/{project}/files/src/empty.txt").status == 200
    again = post (system, project, "habits", update = True)
    assert again.status == 200, again.body
    later, commit = emulated.head ("habits")
    assert later == again.json ["commit_sha"] and [parent ["sha"] for parent in commit ["parents"]] == [sha]
    assert without_extras (emulated.files ("habits")) == expected ({path: content for path, content in FILES.items () if path != "src/empty.txt"})


def test_an_empty_repository_is_filled (system, emulated, project):
    emulated.ask ("/user/repos", {"name": "empty"})
    answer = post (system, project, "empty")
    assert answer.status == 200, answer.body
    sha, commit = emulated.head ("empty")
    assert sha == answer.json ["commit_sha"] and commit ["parents"] == []
    assert len (without_extras (emulated.files ("empty"))) == answer.json ["files_exported"]
