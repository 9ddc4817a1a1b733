# SPDX-License-Identifier: MPL-2.0
"""Watching a job: pushed, ordered, resumable, and for nobody else's eyes."""
import pytest

from support.system import make_token


def follow (stream):
    events = list (stream)
    stream.close ()
    return events


def test_a_pipeline_is_seen_from_beginning_to_end (system):
    job = system.run_pipeline (system.project ("watched"), "a watched pot timer")
    stream = system.stream (job, "?tokens=1")
    assert stream.status == 200 and stream.headers ["Content-Type"].startswith ("text/event-stream")
    assert stream.headers ["Cache-Control"] == "no-cache" and stream.headers ["X-Accel-Buffering"] == "no"
    events = follow (stream)
    assert events [0] ["event"] in ("progress", "complete")
    assert events [-1] ["event"] == "complete"
    assert events [-1] ["data"] ["result"] ["qa_result"] ["passed"] is True
    durable = [event for event in events if event ["event"] != "token"]
    numbers = [int (event ["id"]) for event in durable]
    assert numbers == sorted (set (numbers)), "ids rise and none comes twice"
    assert all (event ["id"] is None for event in events if event ["event"] == "token")
    assert all ({"job_id", "status", "progress"} <= set (event ["data"]) for event in events)
    progress = [event ["data"] ["progress"] for event in durable]
    assert progress == sorted (progress)


def test_tokens_come_only_to_who_asks (system):
    idea = "a slow tea timer [[sim latency=1500]]"
    project = system.project ("tokens")
    job = system.run_agent (project, "research", {"user_idea": idea, "skip_clarification": True})
    with_tokens = system.stream (job, "?tokens=1")
    tokens = [event for event in follow (with_tokens) if event ["event"] == "token"]
    assert len (tokens) > 3
    text = "".join (event ["data"] ["text"] for event in tokens)
    assert '"app_name"' in text or text.rstrip ().endswith ("}")
    job = system.run_agent (project, "research", {"user_idea": idea, "skip_clarification": True})
    assert not any (event ["event"] == "token" for event in follow (system.stream (job)))


def test_resuming_misses_nothing (system):
    idea = "a resumed diary [[sim latency=700]]"
    job = system.run_pipeline (system.project ("resumed"), idea)
    first = system.stream (job)
    seen = []
    for event in first:
        seen.append (event)
        if len (seen) == 3:
            break
    first.close ()
    rest = follow (system.stream (job, headers = {"Last-Event-ID": seen [-1] ["id"]}))
    numbers = [int (event ["id"]) for event in rest]
    assert numbers == list (range (int (seen [-1] ["id"]) + 1, numbers [-1] + 1)), "every event after the last one seen, once"
    assert rest [-1] ["event"] == "complete"


def test_an_ended_job_gives_its_last_event_and_ends (system):
    job = system.run_agent (system.project ("ended"), "qa", {"code": "x = 1"})
    done = system.wait_job (job)
    events = follow (system.stream (job))
    assert [event ["event"] for event in events] == ["complete"]
    assert events [0] ["data"] ["result"] == done ["result"]
    replay = follow (system.stream (job, "?last_event_id=0"))
    assert replay [-1] ["event"] == "complete" and replay [-1] ["data"] ["result"] == done ["result"]
    assert len (replay) > 2


def test_failed_and_cancelled_end_the_stream (system):
    project = system.project ("ends badly")
    job = system.run_agent (project, "qa", {"code": "x = 1 [[sim fault=status401 count=99]]"})
    assert follow (system.stream (job)) [-1] ["event"] == "error"
    job = system.run_agent (project, "qa", {"code": "x = 2 [[sim latency=60000]]"})
    stream = system.stream (job)
    events = iter (stream)
    next (events)
    system.request ("POST", f"/v1/jobs/{job}/cancel")
    assert list (events) [-1] ["event"] == "cancelled"


def test_waiting_is_told_and_the_stream_stays_open (system):
    job = system.run_agent (system.project ("asks"), "research", {"user_idea": "an app for runners"})
    stream = system.stream (job)
    events = []
    for event in stream:
        events.append (event ["event"])
        if event ["event"] == "waiting":
            assert event ["data"] ["result"] ["questions"]
            answers = [{"question": "What matters most?", "answer": "Speed."}]
            assert system.request ("POST", "/v1/clarify", {"job_id": job, "answers": answers}).status == 202
    assert events [-1] == "complete"


def test_a_stream_token_opens_one_stream_and_nothing_else (system):
    project = system.project ("token")
    job = system.run_agent (project, "qa", {"code": "x = 3"})
    other = system.run_agent (project, "qa", {"code": "x = 4"})
    made = system.request ("POST", f"/v1/jobs/{job}/stream-token")
    assert made.status in (200, 201)
    token = made.json ["token"]
    assert made.json ["url"].startswith (f"/v1/jobs/{job}/stream") and made.json ["expires_in"] > 0
    opened = system.stream (job, f"?token={token}", user = None)
    assert opened.status == 200
    assert follow (opened) [-1] ["event"] == "complete"
    assert system.stream (other, f"?token={token}", user = None).status == 401
    assert system.request ("GET", f"/v1/jobs/{job}", user = None, headers = {"Authorization": f"Bearer {token}"}).status == 401
    assert system.stream (job, "?token=" + make_token (system.user), user = None).status == 401


@pytest.mark.parametrize ("user, status", [(None, 401), ("0d2a9c63-98d5-43a5-a2d4-1f0b3a2c9f11", 404)])
def test_strangers_see_nothing (system, user, status):
    job = system.run_agent (system.project ("mine"), "qa", {"code": "x = 5"})
    assert system.stream (job, user = user).status == status
