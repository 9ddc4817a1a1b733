# SPDX-License-Identifier: MPL-2.0
"""An Idempotency-Key whose edge is killed, stopped or left: it is free again within seconds, and what was begun is found, not begun again."""
import concurrent.futures
import os
import signal
import uuid

import pytest

from support.system import wait_for


def ask (system, project, question, key):
    """The answer to a question of a student, None where the connection broke."""
    try:
        return system.request ("POST", "/v1/student/ask", {"project_id": project, "question": question}, headers = {"Idempotency-Key": key})
    except OSError:
        return None


def insist (system, project, question, key):
    """Asks until there is an answer that is one."""
    return wait_for (lambda: (answer := ask (system, project, question, key)) and answer.status not in (409, 503) and answer, "an answer")


def outcomes (system, contains):
    return [call ["outcome"] for call in system.calls (contains)]


def edges (system):
    return {row ["name"]: row ["pid"] for row in system.status () if row ["service"] == "edge"}


def only_job (system, project):
    listed = system.request ("GET", f"/v1/jobs/{project}/list").json
    assert listed ["total"] == 1, listed
    return listed ["items"] [0]


def claims (system):
    return int (system.sql ("select count (*) from codeforge.idempotency_keys where status is null"))


@pytest.mark.parametrize ("how, latency_ms", [(signal.SIGKILL, 3000), (signal.SIGTERM, 7000)])
def test_an_edge_that_ends_frees_the_key_and_its_work_is_found (fresh, how, latency_ms):
    system = fresh ()
    project, key = system.project ("interrupted", mode = "student"), str (uuid.uuid4 ())
    question = f"interrupted question [[sim latency={latency_ms}]]"
    with concurrent.futures.ThreadPoolExecutor (1) as pool:
        first = pool.submit (ask, system, project, question, key)
        wait_for (lambda: outcomes (system, "interrupted question") == ["open"], "the model call to be open")
        pids = edges (system)
        for pid in pids.values ():
            os.kill (pid, how)
        cut = first.result ()
    # 503 where the edge had time to say so; the job is not cancelled with it, as it would be without a key
    assert cut is None or (how == signal.SIGTERM and cut.status == 503), cut.body
    answer = insist (system, project, question, key)
    assert answer.status == 200 and "Idempotent-Replayed" not in answer.headers
    again = ask (system, project, question, key)
    assert again.body == answer.body and again.headers ["Idempotent-Replayed"] == "true"
    job = only_job (system, project)
    assert job ["status"] == "completed" and job ["result"] == answer.json
    assert len (system.calls ("interrupted question")) == 1, "the model was asked once"
    assert not set (pids.values ()) & set (edges (system).values ())


def test_an_edge_that_is_killed_while_it_creates_creates_once (fresh):
    system = fresh ()
    project, key = system.project ("created once"), str (uuid.uuid4 ())

    def create ():
        try:
            return system.request ("POST", "/v1/run-agent", {"project_id": project, "agent_type": "qa", "input_context": {"code": "x = 1"}},
                                   headers = {"Idempotency-Key": key})
        except OSError:
            return None
    jobs = system.kill ("jobs", signal.SIGSTOP)
    with concurrent.futures.ThreadPoolExecutor (1) as pool:
        first = pool.submit (create)
        wait_for (lambda: claims (system) == 1, "the key to be claimed")
        for pid in edges (system).values ():
            os.kill (pid, signal.SIGKILL)
        assert first.result () is None
    os.kill (jobs, signal.SIGCONT)
    answer = wait_for (lambda: (answer := create ()) and answer.status not in (409, 503) and answer, "the job to be accepted")
    assert answer.status == 202
    assert create ().json == answer.json
    system.wait_job (answer.json ["job_id"])
    assert only_job (system, project) ["job_id"] == answer.json ["job_id"]


def test_a_client_that_leaves_finds_the_answer_when_it_comes_back (fresh):
    system = fresh ()
    project, key = system.project ("left", mode = "student"), str (uuid.uuid4 ())
    question = "left question [[sim latency=4000]]"
    with pytest.raises (OSError):
        system.request ("POST", "/v1/student/ask", {"project_id": project, "question": question}, headers = {"Idempotency-Key": key}, patience = 0.5)
    # whoever works on it says so every other second, or the key would soon be another's
    system.sql ("update codeforge.idempotency_keys set claimed_at = now () - interval '7 seconds'")
    wait_for (lambda: system.sql ("select claimed_at > now () - interval '5 seconds' from codeforge.idempotency_keys") == "t", "the claim to be renewed")
    assert claims (system) == 1
    answer = insist (system, project, question, key)
    assert answer.status == 200 and answer.headers ["Idempotent-Replayed"] == "true"
    assert only_job (system, project) ["status"] == "completed" and len (system.calls ("left question")) == 1
