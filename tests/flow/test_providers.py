# SPDX-License-Identifier: MPL-2.0
"""Three providers think for one pipeline; what each of them refuses for good ends the job in words that help; keys stay where they belong.

How attempts fail and are made again is in test_failures.py."""
import http.client
import json
import os
import pathlib
import re
import subprocess

import pytest

from support.provider import Provider, ask, for_ever, status
from support.system import BIN, System

OPENAI, GOOGLE, ANTHROPIC = "openai/gpt-4o", "google/gemini-1.5-pro", "anthropic/claude-3-5-sonnet"
PROVIDERS = {"research": "ANTHROPIC", "qa": "GOOGLE", "pedagogy": "OPENAI"}
KEY = "sk-this-must-stay-with-the-router"
PRICES = {"gpt-4o": (2.5, 10), "gemini-1.5-pro": (1.25, 5), "claude-3-5-sonnet": (3, 15)}


@pytest.fixture (scope = "module")
def system ():
    """Each agent has a provider of its own; only code has others to fall back on."""
    with System (MODELS_RESEARCH = ANTHROPIC, MODELS_WIREFRAME = OPENAI, MODELS_CODE = f"{GOOGLE},{ANTHROPIC},{OPENAI}", MODELS_QA = GOOGLE,
                 MODELS_PEDAGOGY = OPENAI, ROUTER_FIRST_TOKEN_MS = 700, ROUTER_STALL_MS = 700) as running:
        yield running


@pytest.fixture (autouse = True)
def no_rules (request):
    """Takes the simulator's rules back; a success of each closes the count of failures that would open a circuit."""
    yield
    if "system" in request.fixturenames:
        system = request.getfixturevalue ("system")
        system.simulator ("POST", "/_sim/settings", {"fault": None})
        project = system.project ("in between")
        for agent in PROVIDERS:
            assert run (system, project, agent, "a success in between") ["status"] == "completed"


def rule (system, **settings):
    assert system.simulator ("POST", "/_sim/settings", settings).status == 200


def run (system, project, agent, text, fault = ""):
    """A finished job of an agent that makes one model call, which suffers fault."""
    directive = f" [[sim fault={fault}]]" if fault else ""
    return system.wait_job (ask (system, project, agent, text + directive))


def chats (system, text):
    """Every model call about text, but for embeddings."""
    return [call for call in system.calls (text) if call ["agent"] != "embedding"]


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


@pytest.mark.parametrize ("agent", list (PROVIDERS))
@pytest.mark.parametrize ("fault, calls, error", [
    ("status500 count=9", 3, "No model provider is available."),
    ("cut count=9", 3, "No model provider is available."),
    ("silent count=9", 1, "No model provider is available."),
    ("quota count=9", 1, "No model provider is available."),
    ("status401 count=9", 1, "KEY"),
    ("status404 count=9", 1, "MODELS"),
    ("status400 count=9", 1, "The model provider refused the request."),
    ("context_length count=9", 1, "The model provider refused the request."),
    ("refusal count=9", 1, "The model refused to answer: "),
    ("content_filter count=9", 1, "The model refused to answer: "),
    ("length count=9", 3, "The model's answer was cut off at its token limit."),
])
def test_a_lasting_fault_ends_the_job_cleanly (system, agent, fault, calls, error):
    text = "lasting " + fault.replace (" ", "-") + " for " + agent
    done = run (system, system.project ("lasting"), agent, text, fault)
    assert done ["status"] == "failed"
    assert {"KEY": f"{PROVIDERS [agent]}_API_KEY", "MODELS": f"MODELS_{agent.upper ()}"}.get (error, error) in done ["error"]
    assert len (chats (system, text)) == calls


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


@pytest.fixture
def scripted ():
    with Provider () as running:
        yield running


def repeats_the_key (call):
    """An answer that repeats what should be repeated nowhere."""
    call.head (401, "", "application/json")
    call.chunk (json.dumps ({"error": {"message": f"{call.headers ['authorization']} is wrong", "code": None}}).encode ())
    call.end ()


def test_the_key_stays_with_the_router (fresh, scripted):
    scripted.play ("x = 1", "openai", for_ever (repeats_the_key))
    system = fresh (OPENAI_API_KEY = KEY, OPENAI_BASE_URL = scripted.url ("openai"), LOG_LEVEL = "debug")
    done = system.wait_job (system.run_agent (system.project ("secrets"), "qa", {"code": "x = 1"}))
    assert done ["status"] == "failed" and "OPENAI_API_KEY" in done ["error"]
    asked, = scripted.attempts ()
    assert asked.path == "/v1/chat/completions" and asked.headers ["authorization"] == f"Bearer {KEY}"
    assert asked.body ["response_format"] ["json_schema"] ["strict"] is True
    assert KEY not in json.dumps (done) and KEY not in system.output ()
    assert not any (KEY.encode () in content for content in everything_written (system.home))
    for row in system.status ():
        environment = pathlib.Path (f"/proc/{row ['pid']}/environ").read_bytes ()
        assert KEY.encode () not in environment, row ["name"]


def everything_written (folder):
    """Contents of every file of the system: its logs, its state, its database."""
    return [path.read_bytes () for path in sorted (folder.rglob ("*")) if path.is_file () and not path.is_symlink ()]


def test_a_second_model_stands_in_for_a_retired_one (fresh, scripted):
    scripted.play ("x = 1", "openai", status (404))
    system = fresh (OPENAI_BASE_URL = scripted.url ("openai"), MODELS_QA = "openai/retired,openai/current")
    done = system.wait_job (system.run_agent (system.project ("fallback"), "qa", {"code": "x = 1"}))
    assert done ["status"] == "completed", done ["error"]
    assert [call.model for call in scripted.attempts ()] == ["retired", "current"]
