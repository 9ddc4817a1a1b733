# SPDX-License-Identifier: MPL-2.0
"""What becomes of a job when its model provider fails, through the whole system."""
import http.server
import json
import pathlib
import threading
import time

import pytest

from support.system import System, free_port, wait_for

KEY = "sk-this-must-stay-with-the-router"


@pytest.fixture (scope = "module")
def system ():
    with System (ROUTER_FIRST_TOKEN_MS = 700, ROUTER_STALL_MS = 700, MODELS_QA = "openai/gpt-4o") as running:
        yield running


@pytest.fixture (scope = "module")
def project (system):
    return system.project ("What the router meets")


@pytest.fixture (autouse = True)
def closed_circuit (request):
    """Five failures in a row open the circuit of the provider: a success between the tests closes the count."""
    yield
    if "system" in request.fixturenames and "project" in request.fixturenames:
        system, project = request.getfixturevalue ("system"), request.getfixturevalue ("project")
        assert review (system, project, "", "a success in between") ["status"] == "completed"


def review (system, project, fault, text):
    """A finished job of the qa agent, whose one model call suffers fault."""
    directive = f" [[sim fault={fault}]]" if fault else ""
    return system.wait_job (system.run_agent (project, "qa", {"code": f"const name = '{text}'{directive}"}))


def outcomes (system, text):
    return [call ["outcome"].removeprefix ("fault:") for call in system.calls (text)]


@pytest.mark.parametrize ("fault, expected", [
    ("status429 count=1 retry_ms=300", ["status429", "finished"]),
    ("status500 count=2", ["status500", "status500", "finished"]),
    ("status503 count=1", ["status503", "finished"]),
    ("status529 count=1", ["status529", "finished"]),
    ("reset count=1", ["reset", "finished"]),
    ("stall count=1", ["stall", "finished"]),
    ("cut count=2", ["cut", "cut", "finished"]),
    ("error_in_stream count=1", ["error_in_stream", "finished"]),
    ("badchunk count=1", ["badchunk"]),
    ("nodone count=1", ["nodone"]),
])
def test_a_passing_fault_does_not_reach_the_job (system, project, fault, expected):
    text = "passing " + fault.replace (" ", "-")
    done = review (system, project, fault, text)
    assert done ["status"] == "completed", done ["error"]
    assert outcomes (system, text) == expected
    assert done ["attempt"] == 1 and done ["usage"] ["calls"] == 1


@pytest.mark.parametrize ("fault, calls, error", [
    ("status500 count=9", 3, "No model provider is available."),
    ("cut count=9", 3, "No model provider is available."),
    ("silent count=9", 1, "No model provider is available."),
    ("quota count=9", 1, "No model provider is available."),
    ("status401 count=9", 1, "OPENAI_API_KEY"),
    ("status404 count=9", 1, "MODELS_QA"),
    ("status400 count=9", 1, "The model provider refused the request."),
    ("context_length count=9", 1, "The model provider refused the request."),
    ("refusal count=9", 1, "The model refused to answer: "),
    ("content_filter count=9", 1, "The model refused to answer: "),
    ("length count=9", 1, "The model's answer was cut off at its token limit."),
])
def test_a_lasting_fault_ends_the_job_cleanly (system, project, fault, calls, error):
    text = "lasting " + fault.replace (" ", "-")
    done = review (system, project, fault, text)
    assert done ["status"] == "failed"
    assert error in done ["error"]
    assert len (system.calls (text)) == calls


def test_watchers_of_a_restarted_stream_see_it_whole (system, project):
    text = "restarted stream"
    job = system.run_agent (project, "qa", {"code": f"const name = '{text}' [[sim latency=800]] [[sim fault=cut count=1]]"})
    stream = system.stream (job, "?tokens=1")
    shown = ""
    for event in stream:
        if event ["event"] == "token":
            shown = "" if event ["data"].get ("reset") else shown
            shown += event ["data"] ["text"]
        elif event ["event"] == "complete":
            result = event ["data"] ["result"]
    stream.close ()
    assert outcomes (system, text) == ["cut", "finished"]
    assert json.loads (shown) ["summary"] == result ["summary"]


class Provider:
    """An OpenAI-compatible server that answers with a status; it repeats the key in every body, as none should."""

    def __init__ (self, port = 0):
        outer = self
        self.status, self.requests = 401, []

        class Handler (http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST (self):
                body = self.rfile.read (int (self.headers ["Content-Length"]))
                outer.requests.append ({"path": self.path, "authorization": self.headers ["Authorization"], "body": json.loads (body)})
                answer = json.dumps ({"error": {"message": f"{self.headers ['Authorization']} is wrong", "code": None}}).encode ()
                self.send_response (outer.status)
                self.send_header ("Content-Length", str (len (answer)))
                self.end_headers ()
                self.wfile.write (answer)

            def log_message (self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer (("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        threading.Thread (target = self.server.serve_forever, daemon = True).start ()

    def stop (self):
        self.server.shutdown ()
        self.server.server_close ()


@pytest.fixture
def provider ():
    running = Provider ()
    yield running
    running.stop ()


def test_the_key_stays_with_the_router (fresh, provider):
    system = fresh (OPENAI_API_KEY = KEY, OPENAI_BASE_URL = provider.url, LOG_LEVEL = "debug")
    job = system.run_agent (system.project ("secrets"), "qa", {"code": "x = 1"})
    done = system.wait_job (job)
    assert done ["status"] == "failed" and "OPENAI_API_KEY" in done ["error"]
    asked = [request for request in provider.requests if request ["path"] == "/v1/chat/completions"]
    assert len (asked) == 1 and asked [0] ["authorization"] == f"Bearer {KEY}"
    assert asked [0] ["body"] ["response_format"] ["json_schema"] ["strict"] is True
    assert KEY not in json.dumps (done) and KEY not in system.output ()
    assert not any (KEY.encode () in content for content in everything_written (system.home))
    for row in system.status ():
        environment = pathlib.Path (f"/proc/{row ['pid']}/environ").read_bytes ()
        assert KEY.encode () not in environment, row ["name"]


def everything_written (folder):
    """Contents of every file of the system: its logs, its state, its database."""
    return [path.read_bytes () for path in sorted (folder.rglob ("*")) if path.is_file () and not path.is_symlink ()]


def test_a_provider_that_is_down_is_left_alone_until_it_is_back (fresh):
    port = free_port ()
    system = fresh (OPENAI_API_KEY = KEY, OPENAI_BASE_URL = f"http://127.0.0.1:{port}/v1", BREAKER_OPEN_MS = 1500)
    project = system.project ("down and up again")

    def circuit ():
        return system.request ("GET", "/health").json ["dependencies"] ["providers"] ["openai"]

    def fail ():
        done = system.wait_job (system.run_agent (project, "qa", {"code": "x = 1"}))
        assert done ["status"] == "failed" and done ["error"] == "No model provider is available."

    fail ()
    fail ()
    wait_for (lambda: circuit () == "open", "the circuit to open")
    started = time.monotonic ()
    fail ()
    assert time.monotonic () - started < 1.4, "nobody waits for a provider that is known to be down"
    provider = Provider (port)
    provider.status = 400               # an answer: the provider is well, the request is not
    try:
        wait_for (lambda: circuit () == "half_open", "the circuit to be half open")
    finally:
        provider.stop ()


def test_a_second_model_stands_in_for_the_first (fresh, provider):
    provider.status = 404
    system = fresh (OPENAI_API_KEY = KEY, OPENAI_BASE_URL = provider.url, MODELS_QA = "openai/retired,openai/current")
    system.wait_job (system.run_agent (system.project ("fallback"), "qa", {"code": "x = 1"}))
    assert [request ["body"] ["model"] for request in provider.requests if "chat" in request ["path"]] == ["retired", "current"]
