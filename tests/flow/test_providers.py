# SPDX-License-Identifier: MPL-2.0
"""Three providers think for one pipeline; each fails in its own words, and the next one stands in."""
import http.client
import json
import os
import re
import subprocess

import pytest

from support.system import BIN, System, free_port, wait_for

OPENAI, GOOGLE, ANTHROPIC = "openai/gpt-4o", "google/gemini-1.5-pro", "anthropic/claude-3-5-sonnet"
PRICES = {"gpt-4o": (2.5, 10), "gemini-1.5-pro": (1.25, 5), "claude-3-5-sonnet": (3, 15)}


@pytest.fixture (scope = "module")
def system ():
    """Each agent has a provider of its own; only code has others to fall back on."""
    with System (MODELS_RESEARCH = ANTHROPIC, MODELS_WIREFRAME = OPENAI, MODELS_CODE = f"{GOOGLE},{ANTHROPIC},{OPENAI}", MODELS_QA = GOOGLE,
                 ROUTER_FIRST_TOKEN_MS = 700, ROUTER_STALL_MS = 700) as running:
        yield running


@pytest.fixture (autouse = True)
def no_rules (request):
    """Takes the simulator's rules back; a success of each closes the count of failures that would open a circuit."""
    yield
    if "system" in request.fixturenames:
        system = request.getfixturevalue ("system")
        system.simulator ("POST", "/_sim/settings", {"fault": None})
        project = system.project ("in between")
        for agent in ("research", "qa"):
            assert run (system, project, agent, "a success in between") ["status"] == "completed"


def rule (system, **settings):
    assert system.simulator ("POST", "/_sim/settings", settings).status == 200


def run (system, project, agent, text, fault = ""):
    """A finished job of an agent that makes one model call, which suffers fault."""
    directive = f" [[sim fault={fault}]]" if fault else ""
    context = {"research": {"user_idea": f"{text}{directive}", "skip_clarification": True}, "qa": {"code": f"const name = '{text}'{directive}"}}
    return system.wait_job (system.run_agent (project, agent, context [agent]))


def chats (system, text):
    """Every model call about text, but for embeddings."""
    return [call for call in system.calls (text) if call ["agent"] != "embedding"]


def outcomes (system, text):
    return [call ["outcome"].removeprefix ("fault:") for call in chats (system, text)]


def assert_usage_is_of_the_models (job):
    for step in job ["steps"]:
        price = PRICES [step ["model"]]
        expected = (step ["input_tokens"] * price [0] + step ["output_tokens"] * price [1]) / 1e6
        assert step ["cost_usd"] == pytest.approx (expected, abs = 2e-6), step
        assert step ["first_token_ms"] >= 1, step
    for key in ("input_tokens", "output_tokens"):
        assert job ["usage"] [key] == sum (step [key] for step in job ["steps"])


def test_a_pipeline_is_thought_out_by_three_providers (system):
    idea = "a chess clock thought out by three"
    done = system.wait_job (system.run_pipeline (system.project (idea), idea))
    assert done ["status"] == "completed", done ["error"]
    assert [(step ["name"], step ["model"]) for step in done ["steps"]] == [
        ("research", "claude-3-5-sonnet"), ("wireframe", "gpt-4o"), ("code", "gemini-1.5-pro"), ("qa", "gemini-1.5-pro")]
    assert done ["result"] ["qa_result"] ["passed"] is True
    assert_usage_is_of_the_models (done)
    assert {call ["model"] for call in chats (system, idea)} == set (PRICES)


def test_whoever_is_down_is_stood_in_for (system):
    rule (system, fault = "status503", match = {"format": "gemini", "agent": "code"}, retry_ms = 10)
    idea = "a ledger of tea leaves"
    done = system.wait_job (system.run_pipeline (system.project (idea), idea))
    assert done ["status"] == "completed", done ["error"]
    assert {step ["name"]: step ["model"] for step in done ["steps"]} ["code"] == "claude-3-5-sonnet"
    assert_usage_is_of_the_models (done)

    rule (system, fault = "reset", match = {"format": "anthropic", "agent": "code"})
    idea = "a ledger of coffee beans"
    done = system.wait_job (system.run_pipeline (system.project (idea), idea))
    assert {step ["name"]: step ["model"] for step in done ["steps"]} ["code"] == "gpt-4o"
    assert_usage_is_of_the_models (done)


@pytest.mark.parametrize ("agent", ["research", "qa"])
@pytest.mark.parametrize ("fault, expected", [
    ("status429 count=1 retry_ms=300", ["status429", "finished"]),
    ("status500 count=2", ["status500", "status500", "finished"]),
    ("status529 count=1", ["status529", "finished"]),
    ("reset count=1", ["reset", "finished"]),
    ("stall count=1", ["stall", "finished"]),
    ("cut count=1", ["cut", "finished"]),
    ("error_in_stream count=1", ["error_in_stream", "finished"]),
    ("badchunk count=1", ["badchunk"]),
    ("nodone count=1", ["nodone"]),
])
def test_a_passing_fault_does_not_reach_the_job (system, agent, fault, expected):
    text = "passing " + fault.replace (" ", "-") + " for " + agent
    done = run (system, system.project ("passing"), agent, text, fault)
    assert done ["status"] == "completed", done ["error"]
    assert outcomes (system, text) == expected
    assert done ["usage"] ["calls"] == 1


@pytest.mark.parametrize ("agent, key, models", [("research", "ANTHROPIC_API_KEY", "MODELS_RESEARCH"), ("qa", "GOOGLE_API_KEY", "MODELS_QA")])
@pytest.mark.parametrize ("fault, calls, error", [
    ("status500 count=9", 3, "No model provider is available."),
    ("silent count=9", 1, "No model provider is available."),
    ("quota count=9", 1, "No model provider is available."),
    ("status401 count=9", 1, "KEY"),
    ("status404 count=9", 1, "MODELS"),
    ("status400 count=9", 1, "The model provider refused the request."),
    ("context_length count=9", 1, "The model provider refused the request."),
    ("refusal count=9", 1, "The model refused to answer: "),
    ("content_filter count=9", 1, "The model refused to answer: "),
    ("length count=9", 1, "The model's answer was cut off at its token limit."),
])
def test_a_lasting_fault_ends_the_job_cleanly (system, agent, key, models, fault, calls, error):
    text = "lasting " + fault.replace (" ", "-") + " for " + agent
    done = run (system, system.project ("lasting"), agent, text, fault)
    assert done ["status"] == "failed"
    assert {"KEY": key, "MODELS": models}.get (error, error) in done ["error"]
    assert len (chats (system, text)) == calls


@pytest.mark.parametrize ("agent", ["research", "qa"])
def test_watchers_see_every_providers_tokens (system, agent):
    text = f"tokens of {agent}"
    directives = "[[sim latency=600]] [[sim fault=cut count=1]]"
    context = {"research": {"user_idea": f"{text} {directives}", "skip_clarification": True}, "qa": {"code": f"x = '{text}' {directives}"}}
    stream = system.stream (system.run_agent (system.project (text), agent, context [agent]), "?tokens=1")
    shown = ""
    for event in stream:
        if event ["event"] == "token":
            shown = "" if event ["data"].get ("reset") else shown
            shown += event ["data"] ["text"]
        elif event ["event"] == "complete":
            result = event ["data"] ["result"]
    stream.close ()
    assert outcomes (system, text) == ["cut", "finished"]
    assert json.loads (shown).items () >= {key: value for key, value in result.items () if isinstance (value, str)}.items ()


def test_health_knows_three_providers (system):
    assert system.request ("GET", "/health").json ["dependencies"] ["providers"] == dict.fromkeys (("openai", "google", "anthropic"), "simulated")


class Simulator:
    """A provider of the test's own, at an address that the system is configured with."""

    def __init__ (self, home):
        reader, writer = os.pipe ()
        environment = {"PATH": os.environ ["PATH"], "CODEFORGE_HOME": str (home), "CF_READY_FD": str (writer)}
        self.process = subprocess.Popen ([BIN / "codeforge-simulator"], pass_fds = [writer], env = environment, cwd = home)
        os.close (writer)
        with os.fdopen (reader) as ready:
            self.port = int (re.fullmatch (r"port=(\d+)\n", ready.readline ()).group (1))

    def url (self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def stop (self):
        self.process.terminate ()
        assert self.process.wait (30) == 0


@pytest.fixture
def provider (tmp_path):
    running = Simulator (tmp_path)
    yield running
    running.stop ()


def test_one_provider_is_enough (fresh, provider):
    system = fresh (ANTHROPIC_BASE_URL = provider.url ("/v1"), ANTHROPIC_VERSION = "2026-10-21")
    done = system.wait_job (system.run_pipeline (system.project ("alone"), "a kite journal"))
    assert done ["status"] == "completed", done ["error"]
    assert {step ["model"] for step in done ["steps"]} == {"claude-3-5-sonnet"} and done ["simulated"] is False
    assert system.request ("GET", "/health").json ["dependencies"] ["providers"] == {
        "openai": "not configured", "google": "not configured", "anthropic": "closed"}
    assert {row ["service"] for row in system.status ()}.isdisjoint ({"simulator"})
    said = system.codeforge ("doctor").stdout
    assert re.search (r"^ok +anthropic +http://127.0.0.1:\d+/v1 answers", said, re.M), said
    assert not re.search (r"^\w+ +(openai|google) ", said, re.M), said


def test_a_provider_that_stays_down_opens_its_circuit_alone (fresh, provider):
    system = fresh (ANTHROPIC_BASE_URL = f"http://127.0.0.1:{free_port ()}/v1", GOOGLE_BASE_URL = provider.url ("/v1beta"),
                    MODELS_QA = f"{ANTHROPIC},{GOOGLE}", ROUTER_BACKOFF_MS = 5)
    project = system.project ("half of it is down")

    def states ():
        return system.request ("GET", "/health").json

    for _ in range (2):
        done = system.wait_job (system.run_agent (project, "qa", {"code": "x = 1"}))
        assert done ["status"] == "completed" and done ["steps"] [0] ["model"] == "gemini-1.5-pro"
    wait_for (lambda: states () ["dependencies"] ["providers"] == {"openai": "not configured", "google": "closed", "anthropic": "open"}, "the circuit to open")
    assert states () ["status"] == "degraded"
    done = system.wait_job (system.run_agent (project, "qa", {"code": "x = 2"}))
    assert done ["status"] == "completed" and done ["steps"] [0] ["model"] == "gemini-1.5-pro"


def test_wrong_names_and_missing_keys_are_named (fresh, provider):
    system = fresh (GOOGLE_BASE_URL = provider.url ("/v1beta"), MODELS_QA = f"{OPENAI},{ANTHROPIC}", MODELS_RESEARCH = "google/gemini-retired")
    connection = http.client.HTTPConnection ("127.0.0.1", provider.port)
    connection.request ("POST", "/_sim/settings", json.dumps ({"fault": "status404", "match": {"format": "gemini"}}))
    assert connection.getresponse ().status == 200
    connection.close ()
    project = system.project ("wrong names")
    done = run (system, project, "research", "an idea")
    assert done ["status"] == "failed" and "MODELS_RESEARCH: google/gemini-retired is not available" in done ["error"]
    done = run (system, project, "qa", "an idea")
    for name in ("MODELS_QA", "OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"):
        assert name in done ["error"]


def test_the_first_token_is_timed_for_each_step_and_job (system):
    text = "a first token that takes its time"
    done = system.wait_job (system.run_agent (system.project (text), "qa", {"code": f"const name = '{text}' [[sim latency=1000]]"}))
    assert done ["status"] == "completed", done ["error"]
    step, = done ["steps"]
    assert 200 <= step ["first_token_ms"], "the simulator lets a fifth of its time pass before"
    assert step ["first_token_ms"] <= done ["usage"] ["first_token_ms"]
    shown = system.codeforge ("job", done ["job_id"], "--user", system.user).stdout
    assert "first token after" in shown and "FIRST" in shown
