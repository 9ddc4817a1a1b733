# SPDX-License-Identifier: MPL-2.0
"""codeforge-simulator over real HTTP: answers, faults, journal, vanished clients, and the apps it writes in a real browser.

The programs are taken from CF_BIN (default: build/bin below the repository)."""

import base64
import concurrent.futures
import http.client
import json
import math
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import time

import pytest

ROOT = pathlib.Path (__file__).resolve ().parents [2]
BIN = pathlib.Path (os.environ.get ("CF_BIN", ROOT / "build" / "bin"))
CHROMIUM = shutil.which ("chromium")


class Simulator:
    def __init__ (self, home):
        reader, writer = os.pipe ()
        environment = {"PATH": os.environ ["PATH"], "CODEFORGE_HOME": str (home), "CF_READY_FD": str (writer)}
        self.process = subprocess.Popen ([BIN / "codeforge-simulator"], pass_fds = [writer], env = environment, cwd = home)
        os.close (writer)
        with os.fdopen (reader) as ready:
            line = ready.readline ()
        assert re.fullmatch (r"port=\d+\n", line), line
        self.port = int (line [5:])

    def request (self, method, path, body = None, headers = {}, timeout = 30):
        connection = http.client.HTTPConnection ("127.0.0.1", self.port, timeout = timeout)
        try:
            text = body if body is None or isinstance (body, (str, bytes)) else json.dumps (body)
            connection.request (method, path, text, {"content-type": "application/json", **headers})
            answer = connection.getresponse ()
            return answer.status, dict (answer.getheaders ()), answer.read ().decode ()
        finally:
            connection.close ()

    def settings (self, **document):
        status, _, body = self.request ("POST", "/_sim/settings", document)
        assert status == 200, body

    def reset (self):
        assert self.request ("POST", "/_sim/reset") [0] == 200

    def calls (self, contains = ""):
        query = "?contains=" + contains.replace (" ", "%20") if contains else ""
        return json.loads (self.request ("GET", "/_sim/calls" + query) [2])

    def wait_for (self, condition, seconds = 5):
        end = time.monotonic () + seconds
        while time.monotonic () < end:
            state = self.calls ()
            if condition (state):
                return state
            time.sleep (0.005)
        raise AssertionError (f"never came true; last: {state}")


def ask (schema = None, stream = True, **blocks):
    words = "".join (f'<data name="{name}">\n{value if isinstance (value, str) else json.dumps (value)}\n</data>\n'
                     for name, value in blocks.items ())
    body = {"model": "gpt-4o", "stream": stream, "messages": [{"role": "system", "content": "You are an agent."},
                                                              {"role": "user", "content": words}]}
    if stream:
        body ["stream_options"] = {"include_usage": True}
    if schema:
        document = json.loads ((ROOT / "proto" / "schema" / f"{schema}.json").read_text ())
        body ["response_format"] = {"type": "json_schema", "json_schema": {"name": schema, "schema": document, "strict": True}}
    return body


def events (body):
    return [block [6:] for block in body.split ("\n\n") if block.startswith ("data: ")]


def chat (simulator, body, **headers):
    """The text, finish reason and usage of a streamed answer."""
    status, _, answer = simulator.request ("POST", "/v1/chat/completions", body, headers)
    assert status == 200, answer
    lines = events (answer)
    assert lines [-1] == "[DONE]"
    text, finish, usage = "", None, None
    for line in lines [:-1]:
        chunk = json.loads (line)
        assert chunk ["object"] == "chat.completion.chunk" and chunk ["model"] == body ["model"]
        usage = chunk.get ("usage") or usage
        for choice in chunk ["choices"]:
            text += choice ["delta"].get ("content") or ""
            finish = choice ["finish_reason"] or finish
    return text, finish, usage


def document (simulator, body, **headers):
    text, finish, _ = chat (simulator, body, **headers)
    assert finish == "stop"
    return json.loads (text)


def project (simulator, idea):
    requirements = document (simulator, ask ("requirements", user_idea = idea))
    wireframe = document (simulator, ask ("wireframe", requirements = requirements))
    code = document (simulator, ask ("code", requirements = requirements, architecture = wireframe, user_idea = idea))
    review = document (simulator, ask ("qa", requirements = requirements, files = code ["files"], user_idea = idea))
    return requirements, wireframe, code, review


@pytest.fixture (scope = "module")
def shared (tmp_path_factory):
    simulator = Simulator (tmp_path_factory.mktemp ("simulator"))
    yield simulator
    simulator.process.terminate ()
    assert simulator.process.wait (10) == 0


@pytest.fixture
def simulator (shared):
    shared.reset ()
    yield shared
    assert shared.process.poll () is None, "the simulator died"


# ---- answers

def test_stream_has_role_content_finish_usage_and_end (simulator):
    _, headers, body = simulator.request ("POST", "/v1/chat/completions", ask ("requirements", user_idea = "a habit tracker with streaks"))
    assert headers ["content-type"].startswith ("text/event-stream")
    lines = events (body)
    chunks = [json.loads (line) for line in lines [:-1]]
    assert lines [-1] == "[DONE]" and 16 <= len (lines) <= 32
    assert chunks [0] ["choices"] [0] ["delta"] ["role"] == "assistant"
    assert chunks [-2] ["choices"] [0] ["finish_reason"] == "stop"
    usage = chunks [-1] ["usage"]
    assert chunks [-1] ["choices"] == [] and usage ["total_tokens"] == usage ["prompt_tokens"] + usage ["completion_tokens"] > 100
    assert len ({chunk ["id"] for chunk in chunks}) == 1


def test_whole_answer_equals_the_streamed_one (simulator):
    streamed, _, _ = chat (simulator, ask ("requirements", user_idea = "a quiz"))
    status, headers, body = simulator.request ("POST", "/v1/chat/completions", ask ("requirements", stream = False, user_idea = "a quiz"))
    answer = json.loads (body)
    assert status == 200 and headers ["content-type"] == "application/json" and answer ["object"] == "chat.completion"
    assert answer ["choices"] [0] ["message"] ["content"] == streamed and answer ["usage"] ["completion_tokens"] > 0


def test_agents_agree_within_a_project_and_differ_between_ideas (simulator):
    requirements, wireframe, code, review = project (simulator, "a habit tracker with streaks")
    assert requirements ["app_name"] == "Habit Tracker"
    assert "Streaks" in [feature ["name"] for feature in requirements ["core_features"] if feature ["priority"] == "must-have"]
    files = {entry ["file_path"]: entry ["content"] for entry in code ["files"]}
    assert {"index.html", "src/styles.css", "src/app.js", "src/store.js", "src/habits.js", "README.md"} <= set (files)
    assert "Habit Tracker" in files ["index.html"] and "streak" in files ["src/habits.js"] and "Simulated" in files ["index.html"]
    assert wireframe ["theme_colors"] [2] in files ["src/styles.css"]
    assert review ["passed"] and review ["score"] >= 90 and all (issue ["severity"] == "low" for issue in review ["issues"])
    other, _, other_code, other_review = project (simulator, "a budget planner for couples")
    assert other ["app_name"] == "Budget Planner" and other_review ["passed"]
    assert "src/budget.js" in {entry ["file_path"] for entry in other_code ["files"]}


def test_questions_depend_on_how_clear_the_idea_is (simulator):
    vague = document (simulator, ask ("questions", user_idea = "an app for plants"))
    clear = document (simulator, ask ("questions", user_idea = "an app for plants " + "that knows when each of them wants water " * 5))
    assert not vague ["is_complete"] and 2 <= len (vague ["questions"]) <= 3
    assert clear ["is_complete"] and 1 <= len (clear ["questions"]) <= 5


def test_review_fails_what_is_broken_and_code_mends_what_it_names (simulator):
    requirements, wireframe, code, _ = project (simulator, "a todo list")
    broken = [dict (entry) for entry in code ["files"] if entry ["file_path"] != "src/ui.js"]
    broken [0] ["content"] = broken [0] ["content"].replace ('lang="en"', "")
    next (entry for entry in broken if entry ["file_path"] == "src/todo.js") ["content"] += "\nfunction open () { if (true) {"
    review = document (simulator, ask ("qa", requirements = requirements, files = broken))
    assert not review ["passed"] and review ["score"] < 60
    found = {(issue ["severity"], issue ["file_path"]) for issue in review ["issues"]}
    assert {("high", "index.html"), ("critical", "src/todo.js"), ("low", "index.html")} <= found
    mended = document (simulator, ask ("code", requirements = requirements, architecture = wireframe, files = broken, qa_issues = review ["issues"]))
    assert "Fixed after review" in mended ["summary"] and "src/todo.js" in mended ["summary"]
    assert document (simulator, ask ("qa", requirements = requirements, files = mended ["files"])) ["passed"]


def test_unknown_schema_and_plain_text (simulator):
    schema = {"type": "object", "required": ["title", "level", "steps"], "additionalProperties": False, "properties": {
        "title": {"type": "string", "minLength": 30}, "level": {"enum": ["easy", "hard"]},
        "steps": {"type": "array", "minItems": 2, "items": {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer", "minimum": 3}}}}}}
    body = ask (user_idea = "anything")
    body ["response_format"] = {"type": "json_schema", "json_schema": {"name": "lesson", "schema": schema}}
    answer = document (simulator, body)
    assert len (answer ["title"]) >= 30 and answer ["level"] == "easy" and answer ["steps"] == [{"n": 3}, {"n": 3}]
    text, finish, _ = chat (simulator, {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": [{"type": "text", "text": "hello there"}]}]})
    assert finish == "stop" and "hello there" in text and "simulator" in text


@pytest.mark.parametrize ("body", ["", "{", "[]", "nonsense", '{"model": "gpt-4o"}', '{"messages": [{"role": "user", "content": "x"}]}',
                                   '{"model": 5, "messages": []}', '{"model": "gpt-4o", "messages": "x"}', '{"model": "gpt-4o", "messages": [5]}',
                                   '{"model": "a", "messages": [{"role": "user", "content": "\x01"}]}', '{"a": ' * 200])
def test_bad_bodies_are_told_so (simulator, body):
    for path in ["/v1/chat/completions", "/v1/embeddings"]:
        status, _, answer = simulator.request ("POST", path, body)
        assert status == 400 and json.loads (answer) ["error"] ["type"] == "invalid_request_error"


def test_unknown_paths_and_methods (simulator):
    assert simulator.request ("GET", "/nowhere") [0] == 404
    assert simulator.request ("GET", "/v1/chat/completions") [0] == 405
    assert "gpt-4o" in simulator.request ("GET", "/v1/models") [2]


def test_embeddings_are_near_for_similar_texts (simulator):
    texts = ["a habit tracker with streaks for students", "tracking habits and streaks, for a student", "quarterly tax report of a shipping company"]
    _, _, body = simulator.request ("POST", "/v1/embeddings", {"model": "text-embedding-3-small", "input": texts})
    floats = [entry ["embedding"] for entry in json.loads (body) ["data"]]
    _, _, body = simulator.request ("POST", "/v1/embeddings", {"model": "text-embedding-3-small", "input": texts, "encoding_format": "base64"})
    packed = [struct.unpack ("<1536f", base64.b64decode (entry ["embedding"])) for entry in json.loads (body) ["data"]]
    assert all (math.isclose (a, b, abs_tol = 1e-6) for a, b in zip (floats [0], packed [0]))
    dot = lambda a, b: sum (x * y for x, y in zip (a, b))
    assert all (math.isclose (dot (vector, vector), 1, abs_tol = 1e-5) for vector in packed)
    assert dot (packed [0], packed [1]) > 0.5 > 0.2 > dot (packed [0], packed [2])
    _, _, body = simulator.request ("POST", "/v1/embeddings", {"model": "m", "input": "one", "dimensions": 8})
    assert len (json.loads (body) ["data"] [0] ["embedding"]) == 8


# ---- faults

def test_latency_spreads_the_chunks (simulator):
    with socket.create_connection (("127.0.0.1", simulator.port)) as client:
        body = json.dumps (ask ("requirements", user_idea = "slow idea")).encode ()
        started = time.monotonic ()
        client.sendall (b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-sim-latency-ms: 500\r\ncontent-length: %d\r\n\r\n" % len (body) + body)
        arrivals, received = [], b""
        while b"\r\n0\r\n\r\n" not in received:
            received += client.recv (65536)
            arrivals.append (time.monotonic () - started)
    assert arrivals [0] >= 0.09 and 0.45 <= arrivals [-1] < 5 and len (arrivals) > 10


@pytest.mark.parametrize ("status, code", [(401, "invalid_api_key"), (429, "rate_limit_exceeded"), (500, None), (503, None)])
def test_status_faults (simulator, status, code):
    got, headers, body = simulator.request ("POST", "/v1/chat/completions", ask (user_idea = "x"), {"x-sim-fault": f"status{status}", "x-sim-retry-ms": "1500"})
    assert got == status and json.loads (body) ["error"] ["code"] == code
    if status in (429, 503):
        assert headers ["retry-after"] == "2" and headers ["retry-after-ms"] == "1500"


def test_named_error_faults (simulator):
    for fault, status, code in [("quota", 429, "insufficient_quota"), ("context_length", 400, "context_length_exceeded")]:
        got, _, body = simulator.request ("POST", "/v1/chat/completions", ask (user_idea = "x"), {"x-sim-fault": fault})
        assert got == status and json.loads (body) ["error"] ["code"] == code
    assert simulator.request ("POST", "/v1/chat/completions", ask (user_idea = "x"), {"x-sim-fault": "nosuch"}) [0] == 400


def raw (simulator, fault, seconds = 1.0, stream = True):
    """What comes over the socket within seconds, and how it ended: closed, reset or open."""
    with socket.create_connection (("127.0.0.1", simulator.port)) as client:
        client.settimeout (seconds)
        body = json.dumps (ask ("requirements", stream = stream, user_idea = "an idea for " + fault)).encode ()
        client.sendall (f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-sim-fault: {fault}\r\ncontent-length: {len (body)}\r\n\r\n".encode () + body)
        received = b""
        try:
            while True:
                more = client.recv (65536)
                if not more:
                    return received, "closed"
                received += more
        except ConnectionResetError:
            return received, "reset"
        except TimeoutError:
            return received, "open"


def test_connection_faults (simulator):
    assert raw (simulator, "reset") == (b"", "reset")
    assert raw (simulator, "silent", 0.3) == (b"", "open")
    for stream in (True, False):
        received, end = raw (simulator, "cut", 2, stream)
        assert end == "closed" and b"200 OK" in received and b"\r\n0\r\n" not in received and b"[DONE]" not in received
        received, end = raw (simulator, "stall", 0.3, stream)
        assert end == "open" and b"200 OK" in received and b"[DONE]" not in received


def test_content_faults (simulator):
    whole, _, _ = chat (simulator, ask ("requirements", user_idea = "poll"))
    fault = lambda name: chat (simulator, ask ("requirements", user_idea = "poll"), **{"x-sim-fault": name})
    text, finish, usage = fault ("length")
    assert finish == "length" and whole.startswith (text) and 0.5 < len (text) / len (whole) < 0.7 and usage
    text, finish, _ = fault ("content_filter")
    assert finish == "content_filter" and whole.startswith (text)
    text, finish, _ = fault ("fenced")
    assert finish == "stop" and f"```json\n{whole}\n```" in text and not text.startswith ("`")
    text, finish, _ = fault ("invalid_json")
    assert finish == "stop" and text
    with pytest.raises (ValueError):
        json.loads (text)
    assert json.loads (fault ("invalid_schema") [0]) == {"unexpected": True}


def test_stream_faults (simulator):
    whole, _, _ = chat (simulator, ask ("requirements", user_idea = "poll"))
    answer = lambda name: events (simulator.request ("POST", "/v1/chat/completions", ask ("requirements", user_idea = "poll"), {"x-sim-fault": name}) [2])
    lines = answer ("nodone")
    assert "[DONE]" not in lines and any ('"finish_reason":"stop"' in line for line in lines)
    lines = answer ("badchunk")
    good, bad = [], []
    for line in lines [:-1]:
        try:
            good.append (json.loads (line))
        except ValueError:
            bad.append (line)
    assert len (bad) == 1
    assert "".join (choice ["delta"].get ("content") or "" for chunk in good for choice in chunk ["choices"]) == whole
    lines = answer ("error_in_stream")
    assert "error" in json.loads (lines [-1]) and len (lines) > 5
    refusal = "".join (choice ["delta"].get ("refusal") or "" for line in answer ("refusal") [:-1] for choice in json.loads (line) ["choices"])
    assert "sorry" in refusal


def test_directives_in_the_idea_count_and_stay_invisible (simulator):
    idea = "a poll for the choir [[sim fault=status500 count=2]] [[sim latency=30 agent=code]]"
    for _ in range (2):
        assert simulator.request ("POST", "/v1/chat/completions", ask ("requirements", user_idea = idea)) [0] == 500
    requirements, wireframe, code, review = project (simulator, idea)
    assert requirements ["app_name"] == "Choir Poll" and review ["passed"]
    assert "[[sim" not in json.dumps ([requirements, wireframe, code, review])
    state = simulator.calls ("choir")
    assert [call ["outcome"] for call in state ["calls"]] == ["fault:status500"] * 2 + ["finished"] * 4
    assert [call ["agent"] for call in state ["calls"]] == ["requirements"] * 3 + ["wireframe", "code", "qa"]
    code_call = state ["calls"] [4]
    assert code_call ["ended_us"] - code_call ["started_us"] >= 25000


def test_directives_reach_agents_that_are_told_the_requirements_only (simulator):
    requirements = document (simulator, ask ("requirements", user_idea = "a museum guide [[sim fault=status503 agent=wireframe]]"))
    assert simulator.request ("POST", "/v1/chat/completions", ask ("wireframe", requirements = requirements)) [0] == 503
    assert document (simulator, ask ("wireframe", requirements = requirements)) ["site_map"]


def test_qa_fail_fails_the_first_reviews (simulator):
    idea = "a scoreboard for bowling [[sim qa_fail=2]]"
    requirements, wireframe, code, review = project (simulator, idea)
    assert not review ["passed"] and [issue ["severity"] for issue in review ["issues"]].count ("high") == 1
    mended = document (simulator, ask ("code", requirements = requirements, architecture = wireframe, user_idea = idea, files = code ["files"], qa_issues = review ["issues"]))
    assert "Fixed after review" in mended ["summary"]
    verdict = lambda: document (simulator, ask ("qa", requirements = requirements, files = mended ["files"], user_idea = idea)) ["passed"]
    assert [verdict (), verdict (), verdict ()] == [False, True, True]


def test_rules_match_agent_and_text_and_run_out (simulator):
    simulator.settings (fault = "status503", count = 1, match = {"agent": "wireframe", "contains": "kites"})
    simulator.settings (latency_ms = 40)
    requirements = document (simulator, ask ("requirements", user_idea = "a list of kites"))
    assert document (simulator, ask ("wireframe", user_idea = "a list of boats", requirements = requirements))
    status, _, _ = simulator.request ("POST", "/v1/chat/completions", ask ("wireframe", user_idea = "a list of kites", requirements = requirements))
    assert status == 503
    assert document (simulator, ask ("wireframe", user_idea = "a list of kites", requirements = requirements))
    shown = json.loads (simulator.request ("GET", "/_sim/settings") [2])
    assert shown ["latency_ms"] == 40 and shown ["rules"] [0] ["used"] == 1
    assert simulator.request ("POST", "/_sim/settings", {"fault": "nosuch"}) [0] == 400
    assert simulator.request ("POST", "/v1/embeddings", {"model": "m", "input": "kites"}) [0] == 200


# ---- journal

def test_journal_counts_and_keys (simulator):
    for _ in range (2):
        chat (simulator, ask ("requirements", user_idea = "journal one"))
    chat (simulator, ask ("requirements", user_idea = "journal two"))
    state = simulator.calls ("journal")
    assert (state ["total"], state ["finished"], state ["open"], state ["cut"]) == (3, 3, 0, 0)
    keys = [call ["key"] for call in state ["calls"]]
    assert keys [0] == keys [1] != keys [2]
    assert state ["calls"] [0] ["idea"] == "journal one" and state ["calls"] [0] ["model"] == "gpt-4o"
    assert len (simulator.calls ("journal two") ["calls"]) == 1
    assert len (json.loads (simulator.request ("GET", "/_sim/calls?limit=1") [2]) ["calls"]) == 1


@pytest.mark.parametrize ("how", ["close", "half-close", "reset"])
@pytest.mark.parametrize ("when", ["pending", "streaming"])
def test_a_client_that_leaves_is_noticed_at_once (simulator, how, when):
    latency = 60000 if when == "pending" else 4000
    client = socket.create_connection (("127.0.0.1", simulator.port))
    body = json.dumps (ask ("code", user_idea = "leaving " + how)).encode ()
    client.sendall (b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-sim-latency-ms: %d\r\ncontent-length: %d\r\n\r\n" % (latency, len (body)) + body)
    if when == "streaming":
        assert client.recv (100)
    simulator.wait_for (lambda state: state ["open"] == 1)
    left = time.time ()
    if how == "half-close":
        client.shutdown (socket.SHUT_WR)
    else:
        if how == "reset":
            client.setsockopt (socket.SOL_SOCKET, socket.SO_LINGER, struct.pack ("ii", 1, 0))
        client.close ()
    state = simulator.wait_for (lambda state: state ["cut"] == 1)
    assert state ["open"] == 0 and state ["calls"] [0] ["outcome"] == "client_closed"
    assert state ["calls"] [0] ["ended_us"] / 1e6 - left < 0.1
    client.close ()


def test_keep_alive_serves_many_requests_on_one_connection (simulator):
    connection = http.client.HTTPConnection ("127.0.0.1", simulator.port, timeout = 10)
    for turn in range (20):
        connection.request ("POST", "/v1/chat/completions", json.dumps (ask ("requirements", user_idea = f"turn {turn}")),
                            {"x-sim-latency-ms": "5" if turn % 2 else "0"})
        assert connection.getresponse ().read ().endswith (b"[DONE]\n\n")
    connection.close ()
    assert simulator.calls () ["finished"] == 20


def test_many_streams_at_once (simulator):
    simulator.settings (latency_ms = 1000)
    bodies = [json.dumps (ask ("requirements", user_idea = f"crowd {number}")).encode () for number in range (500)]
    started = time.monotonic ()
    clients = []
    for body in bodies:
        client = socket.create_connection (("127.0.0.1", simulator.port))
        client.sendall (b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len (body) + body)
        clients.append (client)

    def drain (client):
        with client:
            return b"".join (iter (lambda: client.recv (65536), b""))
    with concurrent.futures.ThreadPoolExecutor (16) as pool:
        answers = list (pool.map (drain, clients))
    assert all (b"[DONE]" in answer for answer in answers)
    assert time.monotonic () - started < 20 and simulator.calls () ["finished"] == 500


def test_term_stops_at_once (tmp_path):
    simulator = Simulator (tmp_path)
    client = socket.create_connection (("127.0.0.1", simulator.port))
    body = json.dumps (ask (user_idea = "x")).encode ()
    client.sendall (b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-sim-fault: silent\r\ncontent-length: %d\r\n\r\n" % len (body) + body)
    simulator.wait_for (lambda state: state ["open"] == 1)
    started = time.monotonic ()
    simulator.process.send_signal (signal.SIGTERM)
    assert simulator.process.wait (5) == 0 and time.monotonic () - started < 1
    client.close ()


# ---- the apps, in a browser

HARNESS = """<script>
(async function () {
  const out = document.createElement ('pre');
  out.id = 'verdict';
  const errors = [];
  window.addEventListener ('error', (event) => errors.push (event.message));
  const find = (query) => document.querySelector (query);
  const set = (id, value) => { const node = document.getElementById (id); node.value = value; node.dispatchEvent (new Event ('input')); node.dispatchEvent (new Event ('change')); };
  const add = (values) => { Object.entries (values).forEach (([name, value]) => set ('field-' + name, value)); find ('#submit').click (); };
  const rows = () => Array.from (document.querySelectorAll ('#list .row'));
  const titles = () => rows ().map ((row) => row.querySelector ('.title').textContent);
  const press = (label, scope) => Array.from ((scope || document).querySelectorAll ('button')).find ((button) => button.textContent.includes (label)).click ();
  const stats = () => Array.from (document.querySelectorAll ('.stat b')).map ((node) => node.textContent);
  const check = (what, good) => { if (!good) { errors.push ('failed: ' + what); } };
  try {
    localStorage.clear ();
    check ('starts empty', rows ().length === 0 && !find ('#empty').hidden);
    SCRIPT
  } catch (problem) {
    errors.push (String (problem.stack || problem));
  }
  out.textContent = errors.length ? 'ERRORS ' + errors.join (' | ') : 'ALL WELL';
  document.body.append (out);
}());
</script></body>"""

COMMON = """
    press ('Delete', rows ()[0]);
    const left = rows ().length;
    press ('Undo', find ('#toast'));
    check ('undo', rows ().length === left + 1);
    set ('search', 'no such thing');
    check ('search hides', rows ().length === 0);
    set ('search', '');
    check ('search shows', rows ().length === left + 1);
    check ('kept', JSON.parse (localStorage.getItem (window.APP.slug + '.v1')).records.length === left + 1);
"""

APPS = {
    "a habit tracker with streaks": """
        add ({ title: 'Run' });
        add ({ title: 'Read <b>books</b>' });
        check ('two rows', titles ().includes ('Read <b>books</b>') && rows ().length === 2);
        const run = () => rows ().find ((row) => row.querySelector ('.title').textContent === 'Run');
        run ().querySelectorAll ('.day')[6].click ();
        run ().querySelectorAll ('.day')[5].click ();
        run ().querySelectorAll ('.day')[3].click ();
        check ('streak of two', run ().querySelector ('.streak').textContent.startsWith ('2 days'));
        run ().querySelectorAll ('.day')[4].click ();
        check ('streak of four', run ().querySelector ('.streak').textContent.startsWith ('4 days') && stats ()[2] === '4');
        run ().querySelectorAll ('.day')[6].click ();
        check ('yesterday keeps it', run ().querySelector ('.streak').textContent.startsWith ('3 days'));
    """,
    "a budget planner": """
        add ({ title: 'Salary', amount: '1000', kind: 'income' });
        add ({ title: 'Rent', amount: '400.55', kind: 'expense', category: 'Home' });
        check ('balance', stats ()[0].replace (/[^0-9]/g, '') === '59945');
        add ({ title: 'Nothing', amount: '0' });
        check ('refused', !find ('#problem').hidden && rows ().length === 2);
        set ('limit', '500');
        check ('limit', find ('#panels').textContent.includes ('Limit used'));
    """,
    "polls for our team": """
        add ({ title: 'Lunch?', choices: 'Pizza\\nSushi' });
        press ('Vote', rows ()[0]);
        check ('vote', rows ()[0].textContent.includes ('1 vote') && rows ()[0].textContent.includes ('ahead: Pizza'));
        rows ()[0].querySelectorAll ('[aria-label="Vote for Sushi"]')[0].click ();
        check ('moved', rows ()[0].textContent.includes ('ahead: Sushi') && stats ()[2] === '1');
        press ('Close', rows ()[0]);
        check ('closed', rows ()[0].textContent.includes ('Winner: Sushi'));
        add ({ title: 'One option', choices: 'only' });
        check ('refused', rows ().length === 1);
    """,
    "a quiz about planets": """
        add ({ title: 'Largest?', answer: 'Jupiter' });
        add ({ title: 'Nearest?', answer: 'Mercury' });
        find ('#begin').click ();
        find ('#reveal').click ();
        check ('answer', ['Jupiter', 'Mercury'].includes (find ('#round-answer').textContent));
        find ('#knew').click ();
        find ('#reveal').click ();
        find ('#missed').click ();
        check ('round over', Boolean (find ('#begin')) && stats ()[1] === '50%' && stats ()[2] === '50%');
    """,
    "a todo list with a timer": """
        add ({ title: 'Later', due: '2099-01-01', priority: 'low' });
        add ({ title: 'Long ago', due: '2001-01-01', priority: 'high' });
        check ('order', titles ()[0] === 'Long ago' && stats ()[2] === '1');
        rows ()[0].querySelector ('input').click ();
        check ('done', stats ()[1] === '1' && rows ()[1].classList.contains ('done'));
        check ('clock', find ('#clock').textContent === '25:00');
        find ('#clock-start').click ();
        check ('runs', find ('#clock-start').textContent === 'Pause');
        find ('#clock-reset').click ();
    """,
    "pomodoro timer": """
        add ({ title: 'Write', minutes: '1' });
        check ('minute', find ('#clock').textContent === '01:00');
        find ('#clock-start').click ();
        await new Promise ((resolve) => setTimeout (resolve, 61000));
        check ('counted', stats ()[0] === '1' && rows ()[0].textContent.includes ('1 round'));
    """,
    "a scoreboard for darts": """
        add ({ title: 'Ada' });
        add ({ title: 'Bob' });
        const bob = () => rows ().find ((row) => row.textContent.includes ('Bob'));
        press ('+5', bob ());
        press ('+1', bob ());
        check ('ranking', titles ()[0] === 'Bob' && find ('#leader').textContent.includes ('Bob leads with 6'));
        press ('Undo', bob ());
        check ('undone', bob ().querySelector ('.score').textContent === '5');
        find ('#new-round').click ();
        check ('won', bob ().textContent.includes ('1 round won') && bob ().querySelector ('.score').textContent === '0');
    """,
    "a recipe notebook": """
        add ({ title: 'Soup', text: 'Onions and water', tags: 'warm, fast' });
        add ({ title: 'Cake', text: 'Flour and eggs', tags: 'sweet' });
        set ('search', 'onion');
        check ('found and marked', rows ().length === 1 && rows ()[0].querySelector ('mark').textContent === 'Onion');
        set ('search', '');
        set ('filter', 'label:sweet');
        check ('label', titles ().join () === 'Cake');
        set ('filter', 'all');
        press ('Pin', rows ()[1]);
        check ('pinned', titles ()[0] === 'Soup');
    """,
    "a calendar of meetings": """
        add ({ title: 'One', date: '2099-05-01', time: '10:00' });
        add ({ title: 'Two', date: '2099-05-01', time: '10:00' });
        add ({ title: 'Before', date: '2099-04-30', time: '18:00' });
        check ('order', titles ()[0] === 'Before' && find ('#next').textContent.includes ('Before'));
        check ('clash', stats ()[2] === '2' && rows ()[1].textContent.includes ('Clashes with'));
    """,
    "my book collection with links": """
        add ({ title: 'Emma', status: 'finished', rating: '5', link: 'https://example.org/emma' });
        add ({ title: 'Ulysses', link: 'javascript:alert(1)' });
        check ('status', stats ()[0] === '1' && stats ()[2] === '1' && stats ()[3] === '5.0');
        check ('links', document.querySelectorAll ('#list a').length === 1);
        press ('Edit', rows ().find ((row) => row.textContent.includes ('Ulysses')));
        set ('field-title', 'Ulysses II');
        find ('#submit').click ();
        check ('edited', titles ().includes ('Ulysses II') && rows ().length === 2);
    """,
}


@pytest.mark.skipif (not CHROMIUM, reason = "chromium is not installed")
@pytest.mark.parametrize ("idea", APPS)
def test_apps_work_from_disk (simulator, tmp_path, idea):
    _, _, code, review = project (simulator, idea)
    assert review ["passed"], review
    for entry in code ["files"]:
        path = tmp_path / "app" / entry ["file_path"]
        path.parent.mkdir (parents = True, exist_ok = True)
        path.write_text (entry ["content"])
    page = (tmp_path / "app" / "index.html").read_text ()
    assert not re.search (r"\son[a-z]+=", page) and "http" not in page
    test = tmp_path / "app" / "test.html"
    test.write_text (page.replace ("</body>", HARNESS.replace ("SCRIPT", APPS [idea] + COMMON)))
    result = subprocess.run ([CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                              "--disable-background-networking", "--disable-component-update", "--disable-sync",
                              f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=90000", "--dump-dom", test.as_uri ()],
                             capture_output = True, text = True, timeout = 120)
    verdict = re.search (r'<pre id="verdict">(.*?)</pre>', result.stdout, re.S)
    assert verdict, result.stdout [-2000:] + result.stderr [-2000:]
    assert verdict [1] == "ALL WELL"
