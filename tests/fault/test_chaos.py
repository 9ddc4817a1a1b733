# SPDX-License-Identifier: MPL-2.0
"""Whatever dies, whenever, several times: sixty jobs are at work while their processes are killed one after the other.

Every process but the provider and the supervisor is killed twice, in an order that a fixed seed gives, so that no job can
lose three processes but by its own bad luck with a restart of the ledger; such a one fails as poisoned, and says so.
"""
import datetime
import os
import random
import signal
import time
import uuid

from support.system import wait_for

SEED = int (os.environ.get ("CF_TEST_SEED", "20260207"))
USERS = 6
PIPELINES, REVIEWS, RESEARCHES = 36, 14, 10
PAUSE_S = 0.7                           # between two deaths
SPARED = ("simulator.1", "supervisor")
ENDS = {"complete": "completed", "error": "failed", "cancelled": "cancelled"}
SCHEMAS = {"requirements": "research", "wireframe": "wireframe", "code": "code", "qa": "qa"}     # of a call -> its step


class Job:
    def __init__ (self, system, number, user, dice):
        self.tag, self.user = f"chaos {number:02}", user
        idea = f"{self.tag} [[sim latency={dice.randrange (1200, 4500)}]]"
        project = system.project (self.tag, user = user)
        if number < PIPELINES:
            self.id = system.run_pipeline (project, idea, user = user)
        elif number < PIPELINES + REVIEWS:
            self.id = system.run_agent (project, "qa", {"code": f"# {idea}"}, user = user)
        else:
            self.id = system.run_agent (project, "research", {"user_idea": idea, "skip_clarification": True}, user = user)


def wall_us ():
    return time.time_ns () // 1000


def strike (system, dice):
    """Kills each process twice, in two shuffled rounds; when routers died, in microseconds of the wall clock."""
    names = sorted (row ["name"] for row in system.status () if row ["name"] not in SPARED)
    assert len (names) > 10
    routers = []
    for name in dice.sample (names, len (names)) + dice.sample (names, len (names)):
        pid = next (row ["pid"] for row in system.status () if row ["name"] == name)
        if pid:                         # else it is just being started again
            os.kill (pid, signal.SIGKILL)
            if name.startswith ("router"):
                routers.append (wall_us ())
        time.sleep (PAUSE_S)
    return routers


def check_history (system, job, done):
    """The whole history, as a client sees it that comes late: contiguous, with one end, which is the job's."""
    events = list (system.stream (job.id, "?last_event_id=0", user = job.user))
    assert [int (event ["id"]) for event in events] == list (range (1, len (events) + 1)), job.tag
    assert [event ["event"] for event in events if event ["event"] in ENDS] == [events [-1] ["event"]], job.tag
    assert ENDS [events [-1] ["event"]] == done ["status"]


def started_us (step):
    return int (datetime.datetime.fromisoformat (step ["started_at"].replace ("Z", "+00:00")).timestamp () * 1e6)


def check_calls (system, job, done, routers):
    """No finished model call was made again, unless its answer was lost with the router before the journal had it: then the router
    died after that call had begun, and before the one that the journal has."""
    finished = {}
    for call in system.calls (job.tag):
        if call ["outcome"] == "finished" and call ["agent"] in SCHEMAS:
            finished.setdefault (call ["agent"], []).append (call)
    for agent, calls in finished.items ():
        steps = [step for step in done ["steps"] if step ["name"] == SCHEMAS [agent] and step ["status"] == "completed"]
        if len (calls) == 1 or not steps:
            assert len (calls) == 1, f"{job.tag}: a finished call of {agent} was made again, and none of them kept"
            continue
        kept = started_us (steps [0])
        assert len ([call for call in calls if call ["started_us"] >= kept]) == 1, f"{job.tag}: a journaled call of {agent} was made again"
        for lost in (call for call in calls if call ["started_us"] < kept):
            assert any (lost ["started_us"] <= died <= kept for died in routers), f"{job.tag}: a finished call of {agent} was made again"


def test_every_job_ends_once_whatever_dies (fresh):
    dice = random.Random (SEED)
    system = fresh ()
    users = [str (uuid.UUID (int = dice.getrandbits (128), version = 4)) for _ in range (USERS)]
    jobs = [Job (system, number, users [number % USERS], dice) for number in range (PIPELINES + REVIEWS + RESEARCHES)]
    routers = strike (system, dice)
    for job in jobs:
        done = wait_for (lambda: system.wait_job (job.id, user = job.user), f"{job.tag} to end")
        if done ["status"] == "failed":
            assert "died three times" in done ["error"], f"{job.tag}: {done ['error']}"
        else:
            assert done ["status"] == "completed"
        check_history (system, job, done)
        check_calls (system, job, done, routers)
    assert all (row ["state"] == "ready" for row in system.status ())
