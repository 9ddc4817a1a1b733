# SPDX-License-Identifier: MPL-2.0
"""The simulator's wire formats of Anthropic and Gemini, byte by byte, without anybody's SDK."""
import http.client
import json
import math
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path (__file__).resolve ().parents [2]
BIN = pathlib.Path (os.environ.get ("CF_BIN", ROOT / "build" / "bin"))
VERSION = {"anthropic-version": "2023-06-01", "x-api-key": "sk-ant"}
MODEL = "/v1beta/models/gemini-1.5-pro"
WORDS = "Tell me of a note app, žluťoučký kůň 🐎."


class Simulator:
    def __init__ (self, home):
        reader, writer = os.pipe ()
        environment = {"PATH": os.environ ["PATH"], "CODEFORGE_HOME": str (home), "CF_READY_FD": str (writer)}
        self.process = subprocess.Popen ([BIN / "codeforge-simulator"], pass_fds = [writer], env = environment, cwd = home)
        os.close (writer)
        with os.fdopen (reader) as ready:
            self.port = int (re.fullmatch (r"port=(\d+)\n", ready.readline ()).group (1))

    def request (self, path, body, headers = {}, method = "POST"):
        connection = http.client.HTTPConnection ("127.0.0.1", self.port, timeout = 30)
        try:
            connection.request (method, path, json.dumps (body) if body is not None else None, {"content-type": "application/json", **headers})
            answer = connection.getresponse ()
            return answer.status, answer.headers, answer.read ().decode ()
        except http.client.IncompleteRead as cut:
            return 0, {}, cut.partial.decode ()
        finally:
            connection.close ()


@pytest.fixture (scope = "module")
def simulator (tmp_path_factory):
    running = Simulator (tmp_path_factory.mktemp ("simulator"))
    yield running
    running.process.terminate ()
    assert running.process.wait (30) == 0


def claude (**more):
    return {"model": "claude-3-5-sonnet", "max_tokens": 5000, "system": "Be brief.", "messages": [{"role": "user", "content": WORDS}], **more}


def gemini (**more):
    return {"systemInstruction": {"parts": [{"text": "Be brief."}]}, "contents": [{"role": "user", "parts": [{"text": WORDS}]}], **more}


def events (body):
    """(event, data) of each event; data that is no JSON as it stands."""
    found = []
    for block in re.split (r"\r?\n\r?\n", body):
        lines = dict (line.split (": ", 1) for line in block.splitlines () if ": " in line)
        if "data" in lines:
            try:
                found.append ((lines.get ("event"), json.loads (lines ["data"])))
            except ValueError:
                found.append ((lines.get ("event"), lines ["data"]))
    return found


def test_a_message_and_its_stream_are_the_same (simulator):
    status, headers, body = simulator.request ("/v1/messages", claude (), VERSION)
    whole = json.loads (body)
    assert status == 200 and headers ["request-id"]
    assert (whole ["type"], whole ["role"], whole ["stop_reason"]) == ("message", "assistant", "end_turn")
    status, headers, body = simulator.request ("/v1/messages", claude (stream = True), VERSION)
    stream = events (body)
    assert headers ["content-type"].startswith ("text/event-stream")
    assert all (name == data ["type"] for name, data in stream)
    names = [name for name, _ in stream]
    assert names [:3] == ["message_start", "content_block_start", "ping"] and names [-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert "".join (data ["delta"] ["text"] for name, data in stream if name == "content_block_delta") == whole ["content"] [0] ["text"]
    assert stream [-2] [1] ["usage"] == whole ["usage"] and whole ["usage"] ["output_tokens"] > 0


def test_a_response_and_its_stream_are_the_same (simulator):
    status, _, body = simulator.request (f"{MODEL}:generateContent", gemini ())
    whole = json.loads (body)
    assert status == 200 and whole ["candidates"] [0] ["finishReason"] == "STOP" and whole ["modelVersion"] == "gemini-1.5-pro"
    _, _, body = simulator.request (f"{MODEL}:streamGenerateContent?alt=sse", gemini ())
    assert "\r\n\r\n" in body and "[DONE]" not in body
    stream = [data for _, data in events (body)]
    assert "".join (data ["candidates"] [0] ["content"] ["parts"] [0] ["text"] for data in stream) == whole ["candidates"] [0] ["content"] ["parts"] [0] ["text"]
    assert ["finishReason" in data ["candidates"] [0] for data in stream] == [False] * (len (stream) - 1) + [True]
    assert stream [-1] ["usageMetadata"] == whole ["usageMetadata"]


def test_equal_bodies_mean_different_things_in_different_places (simulator):
    other = simulator.request ("/v1beta/models/gemini-other:generateContent", gemini ()) [2]
    assert json.loads (other) ["modelVersion"] == "gemini-other"
    assert json.loads (simulator.request (f"{MODEL}:generateContent", gemini ()) [2]) ["modelVersion"] == "gemini-1.5-pro"
    assert simulator.request ("/v1/messages", claude (temperature = 0.5), VERSION) [0] == 200
    refused = simulator.request ("/v1/messages", claude (temperature = 0.5), {**VERSION, "anthropic-version": "2026-10-21"})
    assert refused [0] == 400 and json.loads (refused [2]) ["error"] ["type"] == "invalid_request_error"


SCHEMA = json.loads ((ROOT / "proto" / "schema" / "requirements.json").read_text ())


def test_a_schema_is_known_by_its_title (simulator):
    schema = {**SCHEMA, "title": "requirements"}
    words = '<data name="user_idea">a chess clock</data>'
    _, _, body = simulator.request ("/v1/messages", claude (messages = [{"role": "user", "content": [{"type": "text", "text": words}]}],
                                    output_config = {"format": {"type": "json_schema", "schema": schema}}), VERSION)
    one = json.loads (json.loads (body) ["content"] [0] ["text"])
    _, _, body = simulator.request (f"{MODEL}:generateContent", gemini (contents = [{"parts": [{"text": words}]}],
                                    generationConfig = {"responseMimeType": "application/json", "responseJsonSchema": schema}))
    other = json.loads (json.loads (body) ["candidates"] [0] ["content"] ["parts"] [0] ["text"])
    assert one == other and "chess" in one ["app_name"].lower ()


@pytest.mark.parametrize ("fault, kind", [
    ("status401", "authentication_error"), ("status402", "billing_error"), ("status403", "permission_error"), ("status404", "not_found_error"),
    ("status413", "request_too_large"), ("status429", "rate_limit_error"), ("status500", "api_error"), ("status504", "timeout_error"), ("status529", "overloaded_error"),
])
def test_anthropics_errors (simulator, fault, kind):
    status, headers, body = simulator.request ("/v1/messages", claude (), {**VERSION, "x-sim-fault": fault, "x-sim-retry-ms": "1500"})
    error = json.loads (body)
    assert status == int (fault [6:]) and error ["type"] == "error" and error ["error"] ["type"] == kind and "request_id" in error
    assert headers ["retry-after"] == ("2" if status in (429, 503) else None)


@pytest.mark.parametrize ("fault, name", [
    ("status400", "INVALID_ARGUMENT"), ("status401", "UNAUTHENTICATED"), ("status403", "PERMISSION_DENIED"), ("status404", "NOT_FOUND"),
    ("status429", "RESOURCE_EXHAUSTED"), ("quota", "RESOURCE_EXHAUSTED"), ("status500", "INTERNAL"), ("status503", "UNAVAILABLE"), ("status504", "DEADLINE_EXCEEDED"),
])
def test_googles_errors (simulator, fault, name):
    status, headers, body = simulator.request (f"{MODEL}:generateContent", gemini (), {"x-sim-fault": fault, "x-sim-retry-ms": "1500"})
    error = json.loads (body) ["error"]
    assert error ["code"] == status and error ["status"] == name and headers ["retry-after"] is None
    if status == 429:
        quota, retry = error ["details"]
        assert ("PerDay" in quota ["violations"] [0] ["quotaId"]) == (fault == "quota")
        assert retry ["retryDelay"] == "1.500s"


def test_faults_within_streams (simulator):
    def both (fault):
        yield events (simulator.request ("/v1/messages", claude (stream = True), {**VERSION, "x-sim-fault": fault}) [2])
        yield events (simulator.request (f"{MODEL}:streamGenerateContent?alt=sse", gemini (), {"x-sim-fault": fault}) [2])
    anthropic, google = both ("error_in_stream")
    assert anthropic [-1] [0] == "error" and anthropic [-1] [1] ["error"] ["type"] == "overloaded_error"
    assert google [-1] [1] ["error"] ["status"] == "UNAVAILABLE"
    for stream in both ("badchunk"):
        assert len ([data for _, data in stream if isinstance (data, str)]) == 1
    anthropic, google = both ("nodone")
    assert anthropic [-1] [0] == "message_delta" and google [-1] [1] ["candidates"] [0] ["finishReason"] == "STOP"
    anthropic, google = both ("length")
    assert anthropic [-2] [1] ["delta"] ["stop_reason"] == "max_tokens" and google [-1] [1] ["candidates"] [0] ["finishReason"] == "MAX_TOKENS"
    anthropic, google = both ("refusal")
    assert anthropic [-2] [1] ["delta"] ["stop_reason"] == "refusal" and google [-1] [1] ["promptFeedback"] ["blockReason"] == "SAFETY"
    anthropic, google = both ("content_filter")
    assert anthropic [-2] [1] ["delta"] ["stop_reason"] == "refusal" and google [-1] [1] ["candidates"] [0] ["finishReason"] == "SAFETY"
    anthropic, google = both ("cut")
    assert anthropic [-1] [0] == "content_block_delta" and "finishReason" not in google [-1] [1] ["candidates"] [0]


def test_an_answer_is_as_long_as_it_may_be (simulator):
    for limit in (1, 7, 40):
        told = [json.loads (simulator.request (*request) [2]) for request in (
            ("/v1/messages", claude (max_tokens = limit), VERSION), (MODEL + ":generateContent", gemini (generationConfig = {"maxOutputTokens": limit})),
            ("/v1/chat/completions", {"model": "gpt-4o", "max_completion_tokens": limit, "messages": [{"role": "user", "content": WORDS}]}))]
        claude_said, gemini_said, openai_said = told
        assert claude_said ["usage"] ["output_tokens"] == gemini_said ["usageMetadata"] ["candidatesTokenCount"] == \
            openai_said ["usage"] ["completion_tokens"] == limit
        said = openai_said ["choices"] [0] ["message"] ["content"]
        assert claude_said ["content"] [0] ["text"] == gemini_said ["candidates"] [0] ["content"] ["parts"] [0] ["text"] == said
        assert (claude_said ["stop_reason"], gemini_said ["candidates"] [0] ["finishReason"], openai_said ["choices"] [0] ["finish_reason"]) == \
            ("max_tokens", "MAX_TOKENS", "length"), limit


def test_embeddings_of_gemini (simulator):
    status, _, body = simulator.request ("/v1beta/models/gemini-embedding-001:embedContent", {"content": {"parts": [{"text": "a note app"}]}})
    values = json.loads (body) ["embedding"] ["values"]
    assert status == 200 and len (values) == 3072 and math.hypot (*values) == pytest.approx (1, abs = 1e-4)
    asked = [{"model": "models/gemini-embedding-001", "content": {"parts": [{"text": text}]}, "outputDimensionality": 64} for text in ("one", "two")]
    _, _, body = simulator.request ("/v1beta/models/gemini-embedding-001:batchEmbedContents", {"requests": asked})
    rows = [row ["values"] for row in json.loads (body) ["embeddings"]]
    assert [len (row) for row in rows] == [64, 64] and rows [0] != rows [1]
    for bad in ({"requests": []}, {"requests": [{"content": {}}]}, {"requests": [{**asked [0], "outputDimensionality": 4000}]}, [], {}):
        assert simulator.request ("/v1beta/models/gemini-embedding-001:batchEmbedContents", bad) [0] == 400


@pytest.mark.parametrize ("path, body, headers, status, said", [
    ("/v1/messages", claude (), {}, 400, "anthropic-version"),
    ("/v1/messages", {"model": "c", "messages": [{"role": "user", "content": "x"}]}, VERSION, 400, "max_tokens: Field required"),
    ("/v1/messages", {"model": "c", "max_tokens": 1}, VERSION, 400, "messages: Field required"),
    ("/v1/messages", {"model": "c", "max_tokens": 1, "messages": "x"}, VERSION, 400, "messages"),
    ("/v1/messages", [], VERSION, 400, "JSON"),
    ("/v1/messages/batches", {}, VERSION, 404, "Invalid URL"),
    (f"{MODEL}:streamGenerateContent", gemini (), {}, 400, "alt=sse"),
    (f"{MODEL}:countTokens", gemini (), {}, 404, "method"),
    (MODEL, gemini (), {}, 404, "method"),
    ("/v1beta/models/:generateContent", gemini (), {}, 404, "method"),
    ("/v1beta/models/" + "x" * 200 + ":generateContent", gemini (), {}, 404, "method"),
    (f"{MODEL}:generateContent", {}, {}, 400, "contents"),
    (f"{MODEL}:generateContent", {"contents": 7}, {}, 400, "contents"),
    (f"{MODEL}:generateContent", [], {}, 400, "JSON"),
])
def test_requests_that_make_no_sense_are_refused (simulator, path, body, headers, status, said):
    answer = simulator.request (path, body, headers)
    assert answer [0] == status and said in json.loads (answer [2]) ["error"] ["message"], answer [2]


def test_rules_hit_one_format (simulator):
    simulator.request ("/_sim/settings", {"fault": "status503", "match": {"format": "anthropic"}})
    assert simulator.request ("/v1/messages", claude (), VERSION) [0] == 503
    assert simulator.request (f"{MODEL}:generateContent", gemini ()) [0] == 200
    assert simulator.request ("/v1/chat/completions", {"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}]}) [0] == 200
    simulator.request ("/_sim/settings", {"fault": None})
    assert simulator.request ("/v1/messages", claude (), VERSION) [0] == 200
