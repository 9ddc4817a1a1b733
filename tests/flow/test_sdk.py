# SPDX-License-Identifier: MPL-2.0
"""The provider simulator satisfies the providers' own SDKs: whole answers, streams, schemas, embeddings, errors.

Needs Node >= 20; npm installs what tests/support/sdk/package-lock.json pins into the build folder."""
import json
import math
import os
import re
import subprocess

import pytest

from support.node import Program
from support.system import BIN

PROVIDERS = ["openai", "anthropic", "google"]


@pytest.fixture (scope = "module")
def program ():
    return Program ("sdk", "sdk.mjs", needs = "openai, @anthropic-ai/sdk, @google/genai")


@pytest.fixture (scope = "module")
def simulator (tmp_path_factory):
    reader, writer = os.pipe ()
    home = tmp_path_factory.mktemp ("simulator")
    environment = {"PATH": os.environ ["PATH"], "CODEFORGE_HOME": str (home), "CF_READY_FD": str (writer),
                   **{name: os.environ [name] for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS") if name in os.environ}}
    process = subprocess.Popen ([BIN / "codeforge-simulator"], pass_fds = [writer], env = environment, cwd = home)
    os.close (writer)
    with os.fdopen (reader) as ready:
        port = re.fullmatch (r"port=(\d+)\n", ready.readline ()).group (1)
    yield port
    process.terminate ()
    assert process.wait (30) == 0


@pytest.fixture
def ask (program, simulator):
    def run (provider, scenario, fault = ""):
        return program.run (provider, scenario, simulator, *([fault] if fault else []), timeout = 120)
    return run


def value (answer):
    assert "value" in answer, answer
    return answer ["value"]


MODELS = {"openai": "gpt-4o", "anthropic": "claude-3-5-sonnet", "google": "gemini-1.5-pro"}
ENDS = {"openai": "stop", "anthropic": "end_turn", "google": "STOP"}
LENGTHS = {"openai": "length", "anthropic": "max_tokens", "google": "MAX_TOKENS"}


@pytest.mark.parametrize ("provider", PROVIDERS)
def test_whole_answers_and_streams_say_the_same (ask, provider):
    whole, stream = value (ask (provider, "whole")), value (ask (provider, "stream"))
    assert "žluťoučký kůň 🐎" in whole ["text"] and "simulator" in whole ["text"]
    assert stream ["chunks"] > 5
    for key in ("text", "finish", "model", "input", "output"):
        assert stream [key] == whole [key], key
    assert whole ["model"] == MODELS [provider] and whole ["finish"] == ENDS [provider]
    assert whole ["input"] > 0 and whole ["output"] > 0


@pytest.mark.parametrize ("provider", PROVIDERS)
def test_answers_follow_a_schema (ask, provider):
    document = json.loads (value (ask (provider, "structured")) ["text"])
    assert document ["app_name"] and document ["elevator_pitch"]


@pytest.mark.parametrize ("provider, status, name", [
    *(("openai", status, name) for status, name in (
        (400, "BadRequestError"), (401, "AuthenticationError"), (403, "PermissionDeniedError"), (404, "NotFoundError"), (429, "RateLimitError"),
        (500, "InternalServerError"), (503, "InternalServerError"))),
    *(("anthropic", status, name) for status, name in (
        (400, "BadRequestError"), (401, "AuthenticationError"), (403, "PermissionDeniedError"), (404, "NotFoundError"), (429, "RateLimitError"),
        (500, "InternalServerError"), (529, "OverloadedError"))),
    *(("google", status, "ApiError") for status in (400, 401, 403, 404, 429, 500, 503)),
])
def test_errors_are_known_for_what_they_are (ask, provider, status, name):
    answer = ask (provider, "whole", f"status{status}")
    assert (answer ["error"], answer ["status"]) == (name, status), answer
    if provider == "anthropic":
        assert answer ["request"].startswith ("req_")


@pytest.mark.parametrize ("provider, fault, word", [
    ("openai", "quota", "quota"), ("openai", "context_length", "context length"),
    ("anthropic", "quota", "enforced_spend_limit_reached"), ("anthropic", "context_length", "prompt is too long"),
    ("google", "quota", "PerDay"), ("google", "context_length", "token count"),
])
def test_errors_say_why_in_the_providers_words (ask, provider, fault, word):
    answer = ask (provider, "whole", fault)
    assert answer ["status"] == (400 if fault == "context_length" else 429) and word in answer ["message"], answer


@pytest.mark.parametrize ("provider", ["openai", "anthropic"])
def test_a_rate_limit_is_waited_out (ask, provider):
    assert value (ask (provider, "retry")) ["finish"] == ENDS [provider]


@pytest.mark.parametrize ("provider", PROVIDERS)
@pytest.mark.parametrize ("scenario", ["whole", "stream"])
def test_an_answer_cut_off_at_the_limit_says_so (ask, provider, scenario):
    assert value (ask (provider, scenario, "length")) ["finish"] == LENGTHS [provider]


@pytest.mark.parametrize ("provider", PROVIDERS)
def test_an_error_within_a_stream_is_one (ask, provider):
    assert ask (provider, "stream", "error_in_stream").get ("error")


@pytest.mark.parametrize ("provider", ["openai", "anthropic"])
def test_a_stream_that_breaks_is_an_error (ask, provider):
    assert ask (provider, "stream", "cut").get ("error")


def test_refusals_are_answers_of_their_own (ask):
    assert "can't help" in value (ask ("openai", "whole", "refusal")) ["refusal"]
    assert value (ask ("anthropic", "whole", "refusal")) ["finish"] == "refusal"
    assert value (ask ("anthropic", "stream", "content_filter")) ["finish"] == "refusal"
    assert value (ask ("google", "whole", "refusal")) ["blocked"] == "SAFETY"
    assert value (ask ("google", "stream", "content_filter")) ["finish"] == "SAFETY"


def test_the_new_version_takes_no_temperature (ask):
    refused = ask ("anthropic", "sampling")
    assert refused ["status"] == 400 and "temperature" in refused ["message"]
    assert value (ask ("anthropic", "oldVersion")) ["finish"] == "end_turn"


def cosine (one, other):
    return sum (a * b for a, b in zip (one, other)) / math.hypot (*one) / math.hypot (*other)


def test_similar_texts_have_similar_embeddings (ask):
    openai, google = value (ask ("openai", "embed")), value (ask ("google", "embed"))
    for rows in (openai ["packed"], openai ["plain"], google ["plain"]):
        assert [len (row) for row in rows] == [1536] * 3
        assert cosine (rows [0], rows [1]) > cosine (rows [0], rows [2]) + 0.2
    assert cosine (openai ["packed"] [0], openai ["plain"] [0]) > 0.999


@pytest.mark.parametrize ("provider", PROVIDERS)
def test_models_are_listed (ask, provider):
    assert any (MODELS [provider] in name for name in value (ask (provider, "models")))
