# SPDX-License-Identifier: MPL-2.0
"""The router against a model provider that others wrote: aimock, in the wire formats of all three.

Needs Node >= 20; npm installs what tests/support/aimock/package-lock.json pins into the build folder."""
import json
import re
import threading

import pytest

from support.node import SUPPORT, Program
from support.openapi import Document
from support.provider import SCHEMAS, ask
from support.system import System, wait_for

# agent: its schema, which example of it is the answer, its first choice
AGENTS = {"research": ("requirements", 0, "openai"), "wireframe": ("wireframe", 0, "anthropic"), "code": ("code", 0, "google"),
          "qa": ("qa", 1, "google"), "pedagogy": ("pedagogy", 0, "openai")}
BASES = {"openai": "/v1", "google": "/v1beta", "anthropic": "/v1"}
PATHS = {"openai": r"/v1/chat/completions", "google": r"/v1beta/models/[\w.-]+:streamGenerateContent\?alt=sse", "anthropic": r"/v1/messages", "embeddings": r"/v1/embeddings"}
KEYS = {"openai": ("authorization", "Bearer key-of-openai"), "google": ("x-goog-api-key", "key-of-google"), "anthropic": ("x-api-key", "key-of-anthropic")}
USAGE = {"openai": {"prompt_tokens": 1001, "completion_tokens": 61}, "google": {"promptTokenCount": 1002, "candidatesTokenCount": 62},
         "anthropic": {"input_tokens": 1003, "output_tokens": 63}}
CHOICE = {"openai": "pedagogy", "google": "qa", "anthropic": "wireframe"}     # whose agents make one call


def answer (agent):
    schema, number, _ = AGENTS [agent]
    return json.loads ((SCHEMAS / f"{schema}.json").read_text ()) ["examples"] [number]


def refusal (status, pause = None):
    return {"error": {"message": "This did not go well.", "type": "api_error"}, "status": status, **({"retryAfter": pause} if pause else {})}


def fixtures ():
    """Faults by words of the question, for the first requests that have them; else each agent's answer, by its instructions."""
    def well (agent):
        return {"match": {"systemMessage": f"You are the {'QA' if agent == 'qa' else agent} agent"}, "response": {"content": json.dumps (answer (agent)), "usage": USAGE [AGENTS [agent] [2]]}}

    def fault (words, number, **rest):
        return {"match": {"userMessage": words, "sequenceIndex": number}, **rest}
    faults = []
    for name, agent in CHOICE.items ():
        faults += [fault (f"slow down of {name}", 0, response = refusal (429, 1)), fault (f"overloaded of {name}", 0, response = refusal (529)),
                   fault (f"overloaded of {name}", 1, response = refusal (529)),
                   fault (f"cut off of {name}", 0, response = well (agent) ["response"], chunkSize = 10, truncateAfterChunks = 5)]
    return faults + [well (agent) for agent in AGENTS]


class Mock:
    """aimock, running, and every request that it got, as it came."""

    def __init__ (self, program, folder):
        path = folder / "fixtures.json"
        path.write_text (json.dumps ({"fixtures": fixtures ()}))
        self.process = program.start (path)
        self.url = json.loads (self.process.stdout.readline ()) ["url"]
        self.requests = []
        self.reader = threading.Thread (target = self.read)
        self.reader.start ()

    def read (self):
        for line in self.process.stdout:
            self.requests.append (json.loads (line))

    def about (self, text, count):
        """The requests that have text, once there are count of them."""
        return wait_for (lambda: len (found := [one for one in self.requests if text in one ["body"]]) >= count and found, f"{count} requests")

    def stop (self):
        self.process.stdin.close ()
        assert self.process.wait (60) == 0
        self.reader.join ()
        self.process.stdout.close ()


@pytest.fixture (scope = "module")
def mock (tmp_path_factory):
    running = Mock (Program ("aimock", "serve.mjs", needs = "@copilotkit/aimock"), tmp_path_factory.mktemp ("aimock"))
    yield running
    running.stop ()


@pytest.fixture (scope = "module")
def system (mock):
    addresses = {f"{name.upper ()}_BASE_URL": mock.url + base for name, base in BASES.items ()}
    keys = {f"{name.upper ()}_API_KEY": f"key-of-{name}" for name in BASES}
    models = {f"MODELS_{agent.upper ()}": f"{name}/model-of-{name}" for agent, (_, _, name) in AGENTS.items ()}
    with System (**addresses, **keys, **models) as running:
        yield running


@pytest.fixture (scope = "module")
def documents ():
    return Document (json.loads ((SUPPORT / "aimock" / "requests.json").read_text ()))


def assert_strict (schema):
    """Strict structured output: every object is closed, and each of its members is there."""
    if isinstance (schema, dict):
        if "properties" in schema:
            assert schema ["additionalProperties"] is False and sorted (schema ["required"]) == sorted (schema ["properties"])
        for part in schema.values ():
            assert_strict (part)
    elif isinstance (schema, list):
        for part in schema:
            assert_strict (part)


def assert_well_formed (documents, request):
    """A request as the provider describes it. Returns whose it is."""
    name, = (name for name, path in PATHS.items () if re.fullmatch (path, request ["path"]))
    body, headers = json.loads (request ["body"]), request ["headers"]
    assert documents.faults ({"$ref": f"#/components/{name}"}, body) == []
    header, value = KEYS ["openai" if name == "embeddings" else name]
    assert headers [header] == value and headers ["content-type"] == "application/json"
    assert not any (key in headers for key, _ in KEYS.values () if key != header), "each key goes to its own provider only"
    if name == "openai":
        assert_strict (body ["response_format"] ["json_schema"] ["schema"])
    if name == "anthropic":
        assert re.fullmatch (r"\d{4}-\d\d-\d\d", headers ["anthropic-version"])
    return name


def test_a_pipeline_is_thought_out_by_all_of_them (system, mock, documents):
    idea = "a chess clock for the mock"
    done = system.wait_job (system.run_pipeline (system.project (idea), idea))
    assert done ["status"] == "completed", done ["error"]
    agents = ["research", "wireframe", "code", "qa"]
    assert [(step ["name"], step ["model"]) for step in done ["steps"]] == [(agent, f"model-of-{AGENTS [agent] [2]}") for agent in agents]
    assert [[step ["input_tokens"], step ["output_tokens"]] for step in done ["steps"]] == [list (USAGE [AGENTS [agent] [2]].values ()) for agent in agents]
    assert done ["result"] ["qa_result"] == answer ("qa")
    named = [assert_well_formed (documents, request) for request in list (mock.requests)]
    assert set (named) == set (PATHS)
    assert [name for name in named if name != "embeddings"] == [AGENTS [agent] [2] for agent in agents]


@pytest.mark.parametrize ("word, attempts", [("slow down", 2), ("overloaded", 3), ("cut off", 2)])
@pytest.mark.parametrize ("name", list (CHOICE))
def test_a_passing_fault_does_not_reach_the_job (system, mock, documents, name, word, attempts):
    text, agent = f"{word} of {name}", CHOICE [name]
    done = system.wait_job (ask (system, system.project (text), agent, text))
    assert done ["status"] == "completed", done ["error"]
    assert done ["result"] == answer (agent)
    requests = [request for request in mock.about (text, attempts) if "embed" not in request ["path"]]
    assert [assert_well_formed (documents, request) for request in requests] == [name] * attempts
