# SPDX-License-Identifier: MPL-2.0
"""kill -9 of any process while a job runs: the job ends completed, and no finished model call is made again.

Finished calls are counted at the provider, by a hash of what was asked.
"""
import concurrent.futures
import contextlib
import os
import signal

import pytest

from support.system import wait_for

IDEA = "a survivor of {} [[sim latency=1200]]"


def open_call (system, agent, text):
    return lambda: any (call ["outcome"] == "open" and call ["agent"] == agent for call in system.calls (text))


@contextlib.contextmanager
def locked_jobs (system):
    """Nothing is committed to the table of jobs meanwhile; yields what ends that early."""
    lock = "begin; lock table public.agent_jobs in share mode; select pg_sleep (60)"
    holder = "select pid from pg_stat_activity where query like '%' || 'pg_sleep (60)%' and wait_event = 'PgSleep'"
    with concurrent.futures.ThreadPoolExecutor (1) as pool:
        locked = pool.submit (system.psql, "-c", lock)
        wait_for (lambda: system.sql (holder), "the table to be locked")
        yield lambda: system.sql (f"select pg_cancel_backend (({holder}))")
        assert "canceling statement" in str (locked.exception ())


def has_blocked (system):
    return system.sql ("select count (*) from pg_stat_activity where wait_event_type = 'Lock' and query like '%agent_jobs%'") == "1"


@pytest.fixture (scope = "module")
def watched (system):
    return system


@pytest.mark.parametrize ("victim, stage, schema", [
    ("research", "research", "requirements"), ("wireframe", "wireframe", "wireframe"), ("code", "code", "code"), ("qa", "qa", "qa"),
    ("pipeline", "code", "code"), ("router", "wireframe", "wireframe"), ("breaker", "wireframe", "wireframe"),
    ("memory", "wireframe", "wireframe"), ("store", "code", "code"), ("jobs", "wireframe", "wireframe"),
    ("broker", "code", "code"), ("edge", "wireframe", "wireframe"), ("postgres", "wireframe", "wireframe"),
])
def test_the_job_completes_whatever_dies (watched, victim, stage, schema):
    system = watched
    text = f"a survivor of {victim}"
    job = system.run_pipeline (system.project (text), IDEA.format (victim))
    wait_for (open_call (system, schema, text), f"a call of {stage} to be open")
    pid = system.kill (victim)
    done = system.wait_job (job)
    assert done ["status"] == "completed", done ["error"]
    assert [step ["name"] for step in done ["steps"]] == ["research", "wireframe", "code", "qa"]
    system.assert_no_call_repeated (text)
    finished = [call for call in system.calls (text) if call ["outcome"] == "finished" and call ["agent"] != "embedding"]
    assert len (finished) == 4, "one finished call a step"
    system.wait_restarted (victim, pid)


@pytest.mark.parametrize ("victim", ["jobs", "broker", "qa"])
def test_a_request_that_waits_gets_its_job_whatever_dies (system, victim):
    text = f"a waiting request and {victim}"
    body = {"project_id": system.project (text), "agent_type": "qa", "input_context": {"code": f"# {text} [[sim latency=1200]]"}}
    with concurrent.futures.ThreadPoolExecutor (1) as pool:
        waiting = pool.submit (system.request, "POST", "/v1/run-agent", body, headers = {"Prefer": "wait=60"}, patience = 60)
        wait_for (open_call (system, "qa", text), "the review to be open")
        pid = system.kill (victim)
        answer = waiting.result ()
    assert answer.status == 200 and answer.json ["status"] == "completed", answer.body
    assert answer.json == system.job (answer.json ["job_id"])
    system.wait_restarted (victim, pid)


def test_an_agents_own_job_goes_on_with_the_next_attempt (system):
    text = "an own job"
    job = system.run_agent (system.project (text), "qa", {"code": f"# {text} [[sim latency=1500]]"})
    wait_for (open_call (system, "qa", text), "the review to be open")
    pid = system.kill ("qa")
    done = system.wait_job (job)
    assert done ["status"] == "completed" and done ["attempt"] == 2
    system.assert_no_call_repeated (text)
    system.wait_restarted ("qa", pid)


def test_a_job_that_kills_its_process_three_times_fails (fresh):
    system = fresh ()
    text = "a poison pill"
    job = system.run_agent (system.project (text), "qa", {"code": f"# {text} [[sim latency=30000]]"})
    for death in range (3):
        wait_for (open_call (system, "qa", text), "the review to be open")
        pid = system.kill ("qa")
        system.wait_restarted ("qa", pid)
        wait_for (lambda: not open_call (system, "qa", text) () or system.job (job) ["attempt"] > death + 1
                  or system.job (job) ["status"] == "failed", "the death to be noticed")
    done = system.wait_job (job)
    assert done ["status"] == "failed" and "died three times" in done ["error"]


def test_who_only_stood_by_when_processes_died_is_not_blamed (fresh):
    """Four jobs share a process, and one of them is why it dies: it alone fails, whoever died with it is done."""
    system = fresh ()
    project = system.project ("bystanders")
    texts = ["a poison pill"] + [f"a bystander {number}" for number in range (3)]
    jobs = [system.run_agent (project, "qa", {"code": f"# {text} [[sim latency=1500]]"}) for text in texts]

    def ended ():
        return system.job (jobs [0]) ["status"] in ("completed", "failed")
    wait_for (lambda: all (open_call (system, "qa", text) () for text in texts), "all to be at work")
    while not ended ():
        pid = system.kill ("qa")
        system.wait_restarted ("qa", pid)
        wait_for (lambda: ended () or open_call (system, "qa", texts [0]) (), "the pill to be at work")
    done = [system.wait_job (job) for job in jobs]
    assert [job ["status"] for job in done] == ["failed"] + ["completed"] * 3, [job ["error"] for job in done]


def test_a_watcher_misses_nothing_when_edge_and_broker_die (system):
    text = "a watched survivor"
    job = system.run_pipeline (system.project (text), f"{text} [[sim latency=1000]]")
    wait_for (open_call (system, "wireframe", text), "wireframe to be at work")
    seen = []
    killed = False
    while not seen or seen [-1] ["event"] not in ("complete", "error"):
        headers = {"Last-Event-ID": seen [-1] ["id"]} if seen else {"Last-Event-ID": "0"}
        try:
            stream = system.stream (job, headers = headers)
            for event in stream:
                seen.append (event)
                if not killed and event ["data"].get ("stage") == "code":
                    killed = True
                    for name in ("broker.1", "edge.1", "edge.2"):
                        system.kill (name)
        except OSError:
            pass
    assert killed and seen [-1] ["event"] == "complete"
    numbers = [int (event ["id"]) for event in seen]
    assert numbers == list (range (1, numbers [-1] + 1)), "every event once, in order"


def test_everything_dies_at_once (fresh):
    """The supervisor is killed: its children end with it; on the next start the job goes on."""
    system = fresh ()
    text = "a phoenix"
    job = system.run_pipeline (system.project (text), f"{text} [[sim latency=1500]]")
    wait_for (open_call (system, "code", text), "code to be at work")
    before = {call ["key"] for call in system.calls (text) if call ["outcome"] == "finished"}
    pids = [row ["pid"] for row in system.status ()]
    system.process.kill ()
    system.process.wait ()

    def all_gone ():
        for pid in pids:
            try:
                os.kill (pid, 0)
                with open (f"/proc/{pid}/stat") as stat:
                    if stat.read ().rsplit (")", 1) [1].split () [0] != "Z":
                        return False
            except (ProcessLookupError, FileNotFoundError):
                pass
        return True
    wait_for (all_gone, "every child to be gone")
    system.start ()
    done = system.wait_job (job)
    assert done ["status"] == "completed"
    after = {call ["key"] for call in system.calls (text) if call ["outcome"] == "finished"}
    assert not before & after, "a finished model call was made again"
    assert done ["attempt"] == 2


def test_a_job_that_is_committed_after_its_ledger_died_is_worked_on (fresh):
    """PostgreSQL goes on with what `jobs` had sent before it was killed: the next instance has read the open jobs by then. Nobody asks for
    this one: its client and the edges have gone, too."""
    system = fresh ()
    project = system.project ("committed late")
    body = {"project_id": project, "agent_type": "qa", "input_context": {"code": "# committed late"}}
    with locked_jobs (system) as unlock:
        client = system.connection ()
        client.request ("POST", "/v1/run-agent", system.encode (body, None), system.headers ("", body, {}))
        wait_for (lambda: has_blocked (system), "the acceptance to wait for the lock")
        for name in ("edge.1", "edge.2"):       # who would ask again
            system.kill (name)
        pid = system.kill ("jobs")
        system.wait_restarted ("jobs", pid)
        unlock ()
    client.close ()
    status = "select status from public.agent_jobs"
    assert wait_for (lambda: system.sql (status), "the acceptance to be committed") in ("queued", "running")
    wait_for (lambda: system.sql (status) == "completed", "the job to end")


@pytest.mark.parametrize ("what", ["cancel", "respond"])
def test_what_a_user_did_counts_once_though_its_answer_was_lost (fresh, what):
    """PostgreSQL commits it for `jobs`, which is dead by then: the edge asks again, and hears what became of it."""
    system = fresh ()
    project = system.project ("said once")
    if what == "cancel":
        job = system.run_agent (project, "qa", {"code": "# said once [[sim latency=60000]]"})
        wait_for (open_call (system, "qa", "said once"), "the review to be open")
        path, body, status = f"/v1/jobs/{job}/cancel", None, 200
    else:
        job = system.run_agent (project, "research", {"user_idea": "an app that is said once"})
        system.wait_job (job, "waiting_for_input")
        path, body, status = f"/v1/agents/jobs/{job}/respond", {"answers": [{"question": "Once?", "answer": "Once."}]}, 202
    with locked_jobs (system) as unlock, concurrent.futures.ThreadPoolExecutor (1) as pool:
        asked = pool.submit (system.request, "POST", path, body)
        wait_for (lambda: has_blocked (system), "the change to wait for the lock")
        pid = system.kill ("jobs")
        unlock ()
        answer = asked.result ()
    assert answer.status == status and answer.json ["job_id"] == job, answer.body
    system.wait_restarted ("jobs", pid)
    done = system.wait_job (job, "cancelled", "completed", "failed")
    assert done ["status"] == {"cancel": "cancelled", "respond": "completed"} [what]
    if what == "respond":
        assert system.sql (f"select jsonb_array_length (input_context -> 'answers') from public.agent_jobs where id = '{job}'") == "1"
    again = system.request ("POST", path, body)
    assert again.status == 400, "another request is another request"


def test_a_stopped_process_is_found_deaf_and_replaced (fresh):
    system = fresh ()
    text = "a sleeper"
    job = system.run_agent (system.project (text), "qa", {"code": f"# {text} [[sim latency=1500]]"})
    wait_for (open_call (system, "qa", text), "the review to be open")
    pid = system.kill ("qa", signal.SIGSTOP)
    done = system.wait_job (job)
    assert done ["status"] == "completed" and done ["attempt"] == 2
    system.wait_restarted ("qa", pid)
