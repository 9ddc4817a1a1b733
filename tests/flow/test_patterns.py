# SPDX-License-Identifier: MPL-2.0
"""What turned out well is remembered and recalled, by nearness; and nothing waits long for it: memory slow, failing or stopped."""
import os
import signal

import pytest

from support.system import wait_for


def kept (system):
    return int (system.sql ("select count (*) from public.pattern_embeddings"))


def research (system, idea):
    return system.wait_job (system.run_agent (system.project (idea), "research", {"user_idea": idea, "skip_clarification": True}))


def sent (system, idea, agent):
    """What the model was sent for an idea, as numbers, call by call."""
    return [call ["key"] for call in system.calls (idea) if call ["agent"] == agent]


def test_a_review_that_passes_is_remembered_once (system):
    before = kept (system)
    done = system.wait_job (system.run_pipeline (system.project ("herbs"), "a herb garden planner with reminders"))
    assert done ["status"] == "completed" and done ["result"] ["qa_result"] ["passed"]
    assert kept (system) == before + 1
    text, kind, score = system.sql ("select content || '|' || pattern_type || '|' || (metadata ->> 'score') from public.pattern_embeddings"
                                    f" where id = '{done ['job_id']}'").split ("|")
    assert text == done ["result"] ["requirements_spec"] ["elevator_pitch"] and kind == "builder"
    assert float (score) == done ["result"] ["qa_result"] ["score"]
    failing = system.wait_job (system.run_pipeline (system.project ("weeds"), "a weed garden planner [[sim qa_fail=99]]"), patience = 120)
    assert failing ["status"] == "completed" and not failing ["result"] ["qa_result"] ["passed"]
    assert kept (system) == before + 1, "what did not pass is no pattern"


def test_research_and_code_read_what_is_near (system):
    idea = "a planner for a herb garden on a balcony"
    project = system.project ("balcony")

    def both ():
        for agent, context in (("research", {"user_idea": idea, "skip_clarification": True}), ("wireframe", None), ("code", {"user_message": idea})):
            done = system.wait_job (system.run_agent (project, agent, context))
            assert done ["status"] == "completed", done ["error"]
            if agent != "wireframe":
                yield done ["steps"] [0] ["input_tokens"]
    system.sql ("delete from public.pattern_embeddings")
    bare = list (both ())
    for other in ("a herb garden planner", "a vegetable garden planner", "a rose garden planner", "a rock garden planner"):
        assert system.wait_job (system.run_pipeline (system.project (other), other)) ["status"] == "completed"
    assert kept (system) == 4
    helped = list (both ())
    assert helped [0] > bare [0] and helped [1] > bare [1], "three patterns stand in their prompts"
    assert len (set (sent (system, idea, "requirements"))) == 2


def test_the_same_idea_again_is_the_same_pattern (system):
    idea = "a log of the birds at one window"
    assert system.wait_job (system.run_pipeline (system.project ("birds"), idea)) ["result"] ["qa_result"] ["passed"]
    before = kept (system)
    assert system.wait_job (system.run_pipeline (system.project ("birds again"), idea)) ["result"] ["qa_result"] ["passed"]
    assert kept (system) == before


def test_one_text_is_embedded_once (system):
    """Also while its embedding is on its way: all of them wait for the first one's."""
    assert system.wait_job (system.run_pipeline (system.project ("known"), "something that is known")) ["status"] == "completed"
    idea = "a map of all the benches in a park"
    assert system.simulator ("POST", "/_sim/settings", {"latency_ms": 300, "match": {"agent": "embedding"}}).status == 200
    jobs = [system.run_agent (system.project (f"benches {at}"), "research", {"user_idea": idea, "skip_clarification": True}) for at in range (4)]
    assert {system.wait_job (job) ["status"] for job in jobs} == {"completed"}
    system.simulator ("POST", "/_sim/settings", {"fault": None})
    assert research (system, idea) ["status"] == "completed"
    assert len (sent (system, idea, "embedding")) == 1


@pytest.mark.parametrize ("trouble", [{"latency_ms": 60000}, {"fault": "status500"}, {"fault": "reset"}])
def test_a_memory_that_does_not_answer_is_done_without (system, trouble):
    """Slow and failing: embeddings are what it waits for."""
    assert system.wait_job (system.run_pipeline (system.project ("something to recall"), "a herb garden to recall")) ["status"] == "completed"
    idea = "a memory in trouble " + "".join (f"{key} {value}" for key, value in trouble.items ())
    assert system.simulator ("POST", "/_sim/settings", {**trouble, "match": {"agent": "embedding"}}).status == 200
    before = system.codeforge ("logs", "research").stdout.count ("working without patterns")
    done = system.wait_job (system.run_pipeline (system.project ("trouble"), idea))
    system.simulator ("POST", "/_sim/settings", {"fault": None})
    assert done ["status"] == "completed" and done ["result"] ["qa_result"] ["passed"], done ["error"]
    assert system.codeforge ("logs", "research").stdout.count ("working without patterns") == before + 1
    assert all (step ["status"] == "completed" for step in done ["steps"]) and len (done ["steps"]) == 4


def test_a_memory_that_is_stopped_is_done_without (system):
    pid = system.pid ("memory")
    os.kill (pid, signal.SIGSTOP)
    done = system.wait_job (system.run_pipeline (system.project ("stopped"), "a list of things that stand still"))
    assert done ["status"] == "completed" and done ["result"] ["qa_result"] ["passed"], done ["error"]
    system.wait_restarted ("memory", pid)                       # found deaf, as every process that does not turn its loop
    assert system.wait_job (system.run_pipeline (system.project ("moving"), "a list of things that move")) ["status"] == "completed"


def test_a_memory_that_dies_all_the_time_is_done_without (system):
    job = system.run_pipeline (system.project ("dying"), "a list of things that fall [[sim latency=300]]")
    killed = set ()

    def ended ():
        for row in system.status ():
            if row ["service"] == "memory" and row ["pid"] and row ["pid"] not in killed:
                os.kill (row ["pid"], signal.SIGKILL)
                killed.add (row ["pid"])
        return system.job (job) ["status"] in ("completed", "failed")
    wait_for (ended, "the job to end")
    assert killed and system.job (job) ["status"] == "completed"
    assert system.codeforge ("restart", "memory").returncode == 0
    wait_for (lambda: any (row ["service"] == "memory" and row ["state"] == "ready" for row in system.status ()), "memory to be back")
