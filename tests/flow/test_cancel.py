# SPDX-License-Identifier: MPL-2.0
"""Cancelling works at every stage and reaches the provider's socket."""
import pytest

from support.system import wait_for

STAGES = ("research", "wireframe", "code", "qa")


@pytest.mark.parametrize ("stage", STAGES)
def test_cancel_at_each_stage_of_the_pipeline (system, stage):
    idea = f"a cancelled {stage} planner"
    system.simulator ("POST", "/_sim/settings", {"latency_ms": 60000, "match": {"agent": stage if stage != "research" else "requirements", "contains": ""}})
    try:
        job = system.run_pipeline (system.project (idea), idea)
        wait_for (lambda: system.job (job) ["stage"] == stage
                  and any (call ["outcome"] == "open" for call in system.calls (idea)), f"the call of {stage} to be open")
        answer = system.request ("POST", f"/v1/jobs/{job}/cancel")
        assert answer.status == 200 and answer.json ["job_id"] == job and answer.json ["status"] == "cancelled"
        wait_for (lambda: any (call ["outcome"] == "client_closed" for call in system.calls (idea)), "the provider's socket to be closed")
        assert not any (call ["outcome"] == "open" for call in system.calls (idea))
        assert system.job (job) ["status"] == "cancelled"
        again = system.request ("POST", f"/v1/jobs/{job}/cancel")
        assert again.status == 400 and again.json ["error"] == "VALIDATION_ERROR"
    finally:
        system.simulator ("POST", "/_sim/reset")


def test_cancelling_what_is_not_there (system):
    answer = system.request ("POST", "/v1/jobs/7d0c1b52-53ce-4b35-8f2f-d8e2bb1f5d7e/cancel")
    assert answer.status == 404 and answer.json ["error"] == "RESOURCE_NOT_FOUND"
    assert system.request ("POST", "/v1/jobs/nonsense/cancel").status == 400
