# SPDX-License-Identifier: MPL-2.0
"""Streams as a browser's EventSource takes them: with a token in the URL, coming back by itself, until it is told to stay away.

Needs Node >= 20; npm installs what tests/support/eventsource/package-lock.json pins into the build folder."""
import json

import pytest

from support.node import Program

ENDS = ("complete", "error", "cancelled")


@pytest.fixture (scope = "module")
def program ():
    return Program ("eventsource", "watch.mjs", needs = "eventsource")


class Watcher:
    """An EventSource on a job's stream; iterating gives what it sees, until it is closed for good."""

    def __init__ (self, program, system, job, query = "", url = None):
        if not url:
            granted = system.request ("POST", f"/v1/jobs/{job}/stream-token")
            assert granted.status == 200, granted.body
            url = granted.json ["url"] + query
        self.process = program.start (f"http://127.0.0.1:{system.port}{url}")
        self.seen = []

    def __iter__ (self):
        for line in self.process.stdout:
            self.seen.append (json.loads (line))
            yield self.seen [-1]

    def __enter__ (self):
        return self

    def __exit__ (self, *_):
        self.process.stdin.close ()
        assert self.process.wait (60) == 0
        self.process.stdout.close ()

    def ids (self):
        return [int (event ["id"]) for event in self.seen if event.get ("id")]

    def count (self, what):
        return sum (event ["what"] == what for event in self.seen)


def test_a_job_is_watched_to_its_end_and_the_connection_closed_for_good (program, system):
    job = system.run_pipeline (system.project ("watched by a browser"), "a watched kettle timer")
    with Watcher (program, system, job, "&tokens=1") as watcher:
        list (watcher)
    ids = watcher.ids ()
    assert ids == list (range (ids [0], ids [0] + len (ids))), "every event from the first one seen, once"
    ends = [event for event in watcher.seen if event ["what"] in ENDS]
    assert [event ["what"] for event in ends] == ["complete"] and ends [0] ["data"] ["result"] ["qa_result"] ["passed"] is True
    assert ends [0] ["data"] ["result"] == system.job (job) ["result"]
    # the stream's end is a reason to come back, and 204 the reason not to
    assert [event ["what"] for event in watcher.seen [-2:]] == ["reconnecting", "closed"] and watcher.seen [-1] ["status"] == 204
    assert watcher.count ("open") == 1


def test_an_edge_that_is_killed_costs_a_reconnection_and_no_event (program, fresh):
    system = fresh ()
    job = system.run_pipeline (system.project ("killed"), "a diary of interruptions [[sim latency=2500]]")
    killed = False
    with Watcher (program, system, job) as watcher:
        for event in watcher:
            if event ["what"] == "step" and not killed:
                killed = True
                for name in ("edge.1", "edge.2"):       # whichever it is that serves the stream
                    system.kill (name)
    ids = watcher.ids ()
    assert ids == list (range (ids [0], ids [0] + len (ids))), "nothing missed, nothing twice"
    assert watcher.count ("complete") == 1
    assert watcher.count ("reconnecting") >= 2 and watcher.count ("open") >= 2
    assert watcher.seen [-1] == {"what": "closed", "status": 204}


@pytest.mark.parametrize ("input_context, end", [({"code": "x = 1"}, "complete"), ({"code": "x = 1 [[sim fault=status401 count=99]]"}, "error"), (None, "cancelled")])
def test_an_ended_job_gives_its_last_event_and_no_more (program, system, input_context, end):
    project = system.project ("over")
    job = system.run_agent (project, "qa", input_context or {"code": "x = 1 [[sim latency=60000]]"})
    if end == "cancelled":
        assert system.request ("POST", f"/v1/jobs/{job}/cancel").status == 200
    system.wait_job (job)
    with Watcher (program, system, job) as watcher:
        list (watcher)
    assert [event ["what"] for event in watcher.seen] == ["open", end, "reconnecting", "closed"]
    assert watcher.seen [-1] ["status"] == 204


def test_a_wrong_token_is_not_tried_again (program, system):
    job = system.run_agent (system.project ("not yours"), "qa", {"code": "x = 1"})
    with Watcher (program, system, job, url = f"/v1/jobs/{job}/stream?token=nonsense") as watcher:
        assert list (watcher) == [{"what": "closed", "status": 401}]


def test_only_a_client_that_comes_back_with_the_end_is_sent_away (system):
    job = system.run_agent (system.project ("last one"), "qa", {"code": "x = 1"})
    system.wait_job (job)
    last = list (system.stream (job)) [-1] ["id"]
    answer = system.request ("GET", f"/v1/jobs/{job}/stream", headers = {"Last-Event-ID": last})
    assert answer.status == 204 and answer.body == b"" and answer.headers ["X-Request-ID"]
    before, after = ({"Last-Event-ID": str (int (last) + step)} for step in (-1, 1))
    for query, headers in (("", before), ("", after), (f"?last_event_id={last}", None), ("", {"Last-Event-ID": "x"})):
        assert [event ["id"] for event in system.stream (job, query, headers = headers)] [-1:] == [last], (query, headers)
