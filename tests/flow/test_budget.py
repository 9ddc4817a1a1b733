# SPDX-License-Identifier: MPL-2.0
"""Budgets hold, whatever happens at once and whatever dies: no call is made that they do not cover, and none is forgotten.

The model of these jobs is the simulator at list prices: a review of one line costs about half a cent, and may cost some ten
(8,000 tokens of output at $10 a million, and each byte of its prompt a token)."""
import uuid

import pytest

from support.system import System, wait_for

REFUSED = "BUDGET_EXCEEDED: The budget of "


def review (system, project, text, user = ""):
    """A job of one model call."""
    return system.run_agent (project, "qa", {"code": f"const name = '{text}'"}, user = user)


def counted (system, user):
    """What the ledger says that a user's jobs count, in dollars."""
    return float (system.sql (f"select coalesce (sum (cost_usd + lost_usd), 0) from public.agent_jobs where user_id = '{user}'"))


def reviews (system, text = ""):
    return [call for call in system.calls (text) if call ["agent"] == "qa"]


def assert_refused (job, limit, of):
    assert job ["status"] == "failed"
    assert job ["error"].startswith (f"{REFUSED}{limit} for one {of} does not cover the next model call: "), job ["error"]
    assert job ["error_code"] == "BUDGET_EXCEEDED"


def test_fifty_jobs_at_once_stay_within_a_days_budget (fresh):
    system = fresh (MAX_USER_COST_USD_PER_DAY = "0.50", SIMULATOR_LATENCY_MS = 2000)
    project, other = system.project ("at once"), str (uuid.uuid4 ())
    theirs = review (system, system.project ("another's", user = other), "another's", user = other)
    jobs = [review (system, project, f"at once {number}") for number in range (50)]
    ended = [system.wait_job (job) for job in jobs]
    completed = [job for job in ended if job ["status"] == "completed"]
    for job in ended:
        if job not in completed:
            assert_refused (job, "$0.50", "day")
            assert job ["usage"] ["calls"] == 0 and [step ["status"] for step in job ["steps"]] == ["failed"]
    assert 1 <= len (completed) < 50
    assert len (reviews (system, "at once")) == len (completed), "what was refused was not asked of the provider"
    assert system.wait_job (theirs, user = other) ["status"] == "completed"
    spent = counted (system, system.user)
    assert spent <= 0.50
    assert spent == pytest.approx (sum (job ["usage"] ["cost_usd"] for job in ended), abs = 1e-9)
    assert system.request ("GET", "/v1/usage").json ["total"] ["cost_usd"] == pytest.approx (spent, abs = 1e-9)
    assert system.sql ("select count (*) from public.agent_jobs where holds is not null") == "0"
    assert system.wait_job (review (system, project, "what was reserved is free again")) ["status"] == "completed"


def test_a_used_up_day_is_told_and_the_next_one_is_new (fresh):
    system = fresh (MAX_USER_COST_USD_PER_DAY = "0.12")
    project = system.project ("day by day")

    def spend ():
        ended = [system.wait_job (review (system, project, f"one of {number}")) for number in range (4)]
        return next ((job for job in ended if job ["status"] == "failed"), None)

    refused = wait_for (spend, "the budget to be used up")
    assert_refused (refused, "$0.12", "day")
    assert counted (system, system.user) <= 0.12
    student = system.project ("a student's", mode = "student")
    answer = system.request ("POST", "/v1/student/ask", {"project_id": student, "question": "What is a loop?"})
    if answer.status == 200:            # a mentor's answer may cost less than a review: there was just enough left for some
        wait_for (lambda: system.request ("POST", "/v1/student/ask", {"question": "And why?"}).status == 500, "nothing to be left")
        answer = system.request ("POST", "/v1/student/ask", {"question": "What is a loop?"})
    assert answer.status == 500 and answer.json ["error"] == "AGENT_EXECUTION_ERROR"
    assert answer.json ["message"].startswith (f"{REFUSED}$0.12 for one day") and answer.json ["details"] == {"agent": "pedagogy"}
    system.sql ("update public.agent_jobs set created_at = created_at - interval '1 day'")      # a day goes by, and a restart
    system.wait_restarted ("jobs", system.kill ("jobs"))
    assert system.wait_job (review (system, project, "a new day")) ["status"] == "completed"


def test_a_job_pays_for_all_of_its_pipeline (fresh):
    system = fresh (MAX_JOB_COST_USD = "0.15")
    project = system.project ("midway")
    job = system.wait_job (system.run_pipeline (project, "a chess clock that is too dear"))
    assert_refused (job, "$0.15", "job")
    finished = [step for step in job ["steps"] if step ["status"] == "completed"]
    assert [step ["name"] for step in finished] [:2] == ["research", "wireframe"] and len (finished) < 4
    journal = system.sql (f"select string_agg (name || ':' || status, ' ' order by seq) from codeforge.job_steps where job_id = '{job ['job_id']}'"
                          " and status = 'completed'")
    assert journal == " ".join (f"{step ['name']}:completed" for step in finished)
    assert job ["usage"] ["cost_usd"] == pytest.approx (sum (step ["cost_usd"] for step in finished), abs = 1e-9)
    assert job ["usage"] ["cost_usd"] <= 0.15 and job ["usage"] ["calls"] == len (finished)
    assert REFUSED in system.codeforge ("job", job ["job_id"], "--user", system.user).stdout
    cheap = system.wait_job (review (system, project, "another job has a budget of its own"))
    assert cheap ["status"] == "completed"


def test_a_cancelled_call_gives_back_what_it_did_not_use (fresh):
    system = fresh (MAX_USER_COST_USD_PER_DAY = "0.12")
    project = system.project ("given back")
    job = system.run_agent (project, "qa", {"code": "const name = 'slow' [[sim latency=60000]]"})
    wait_for (lambda: reviews (system, "slow"), "the call")
    assert_refused (system.wait_job (review (system, project, "meanwhile")), "$0.12", "day")
    assert system.request ("POST", f"/v1/jobs/{job}/cancel").status == 200
    wait_for (lambda: 0 < counted (system, system.user) < 0.01, "the reservation to shrink to what the call may have cost")
    assert system.job (job) ["usage"] ["cost_usd"] == 0 and 0 < system.job (job) ["usage"] ["lost_cost_usd"] < 0.01
    assert system.wait_job (review (system, project, "afterwards")) ["status"] == "completed"


def test_no_death_makes_a_budget_leak (fresh):
    """Twelve calls die with the router and count with all that they may have cost; `jobs` dies over the next twelve."""
    system = fresh (MAX_USER_COST_USD_PER_DAY = "3.00", SIMULATOR_LATENCY_MS = 2500)
    project = system.project ("deaths")
    first = [review (system, project, f"deaths {number}") for number in range (12)]
    wait_for (lambda: len (reviews (system)) == 12, "calls to be under way")
    system.kill ("router")
    wait_for (lambda: len (reviews (system)) == 24, "the calls to be made again")
    system.wait_restarted ("jobs", system.kill ("jobs"))
    more = [review (system, project, f"more {number}") for number in range (20)]
    completed = [system.wait_job (job) for job in first]
    assert {job ["status"] for job in completed} == {"completed"}, "what they need is within the budget"
    for job in (system.wait_job (job) for job in more):
        if job ["status"] == "completed":
            completed.append (job)
        else:
            assert_refused (job, "$3.00", "day")
    assert 12 < len (completed) < 32
    assert all (job ["usage"] ["calls"] == 1 for job in completed)
    assert len (reviews (system)) == 12 + len (completed)
    prices = [job ["usage"] ["cost_usd"] for job in completed]
    assert sum (prices) + 12 * max (prices) <= counted (system, system.user) <= 3.00, "every call that was made is counted"
    assert system.sql ("select count (*) from public.agent_jobs where holds is not null") == "0"


def test_a_model_without_a_price_is_named (fresh):
    system = fresh (MAX_JOB_COST_USD = "1", MODELS_QA = "openai/gpt-unknown")
    job = system.wait_job (review (system, system.project ("unpriced"), "unpriced"))
    assert job ["status"] == "failed" and "gpt-unknown has no price in MODEL_PRICES, which MAX_JOB_COST_USD asks for" in job ["error"]
    assert reviews (system) == []


def test_an_amount_that_is_none_is_named ():
    system = System (MAX_JOB_COST_USD = "cheap", MAX_USER_COST_USD_PER_DAY = "-1")
    shown = system.codeforge ("config")
    assert shown.returncode == 78
    for name in ("MAX_JOB_COST_USD", "MAX_USER_COST_USD_PER_DAY"):
        assert f"{name}=" in shown.stderr and "must be US dollars" in shown.stderr
