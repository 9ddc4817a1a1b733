# SPDX-License-Identifier: MPL-2.0
"""Answers that are cut off at the token limit: asked for again, shorter; an application file by file; and what dies meanwhile."""
import os
import signal

import pytest

from support.system import wait_for

CUT_OFF = "The model's answer was cut off at its token limit."
GOOGLE_LIMIT = "google/gemini-1.5-pro=8192"


def run (system, agent, context, project = None):
    return system.wait_job (system.run_agent (project or system.project ("too long"), agent, context))


def names (job):
    return [step ["name"] for step in job ["steps"]]


def files_of (system, project):
    return {file ["path"]: file ["content"] for file in system.request ("GET", f"/v1/projects/{project}/files?include=content").json ["files"]}


def answered (job):
    code = job ["result"].get ("generated_code", job ["result"])
    return {file ["file_path"]: file ["content"] for file in code ["files"]}


def split_names (job, run = "code"):
    return [f"{run}.plan", *(f"{run}.file.{path}" for path in answered (job))]


# shorter

@pytest.mark.parametrize ("agent, context", [
    ("qa", {"code": "x = 1", "user_idea": "cut off {}"}), ("pedagogy", {"question": "Why is it cut off {}?"}),
    ("pedagogy", {"decision_context": "Keep it short or make it long {}"}),
    ("research", {"user_idea": "a list cut off {}", "skip_clarification": True})])
def test_a_shorter_answer_is_asked_for (system, agent, context):
    context = {key: value.replace ("{}", "[[sim fault=length count=2]]") if isinstance (value, str) else value for key, value in context.items ()}
    done = run (system, agent, context)
    assert done ["status"] == "completed", done ["error"]
    base = names (done) [0]
    assert names (done) == [base, f"{base}.shorter1", f"{base}.shorter2"]
    assert all (step ["status"] == "completed" and step ["output_tokens"] for step in done ["steps"]), "each was paid for"
    assert done ["usage"] ["calls"] == 3


def test_always_cut_off_is_a_failure_after_three_calls (system):
    done = run (system, "qa", {"code": "x = 1", "user_idea": "for ever too long [[sim fault=length count=99]]"})
    assert done ["status"] == "failed" and done ["result"] is None
    assert done ["error"] == CUT_OFF and done ["error_code"] == "MODEL_CUT_OFF"
    assert names (done) == ["qa", "qa.shorter1", "qa.shorter2"] and len (system.calls ("for ever too long")) == 3


def test_questions_that_are_too_long_are_not_asked (system):
    done = run (system, "research", {"user_idea": "an endless quiz [[sim fault=length agent=questions count=99]]"})
    assert done ["status"] == "completed", done ["error"]
    assert names (done) == ["research.questions", "research.questions.shorter1", "research.questions.shorter2", "research"]


def test_shorter_and_repaired_are_bounded_together (system):
    directives = "[[sim fault=length count=1]] [[sim fault=invalid_schema count=1]] [[sim fault=length count=1]] [[sim fault=invalid_json count=1]]"
    done = run (system, "qa", {"code": "x = 1", "user_idea": f"everything goes wrong {directives}"})
    assert done ["status"] == "completed", done ["error"]
    assert names (done) == ["qa", "qa.shorter1", "qa.repair1", "qa.shorter2", "qa.repair2"], "the fifth is the last that there can be"


def test_a_rewritten_selection_may_be_too_long_as_well (system):
    done = run (system, "code", {"selected_code": "let a = 1;  \n", "instruction": "tidy [[sim fault=length count=1]]", "file_path": "src/a.js",
                                 "full_file_content": "let a = 1;  \n"})
    assert done ["status"] == "completed", done ["error"]
    assert names (done) == ["code.refactor", "code.refactor.shorter1"]


# file by file

def test_an_application_that_is_too_long_is_written_file_by_file (system):
    """In a pipeline, and as good as in one piece; those who watch are told."""
    whole = system.wait_job (system.run_pipeline (system.project ("in one piece"), "a tea tasting diary"))
    project = system.project ("in pieces")
    job = system.run_pipeline (project, "a tea tasting diary [[sim fault=length agent=code]]")
    events = list (system.stream (job, "?tokens=1"))
    done = system.wait_job (job)
    assert done ["status"] == "completed", done ["error"]
    assert done ["result"] ["qa_result"] ["passed"] is True and done ["result"] ["iterations"] == 1
    assert answered (done) == answered (whole) == files_of (system, project)
    assert names (done) [:3] == ["research", "wireframe", "code"] and names (done) [-1] == "qa"
    assert sorted (names (done) [3:-1]) == sorted (split_names (done))
    told = [event ["data"].get ("message") for event in events if event ["event"] == "progress"]
    count = len (answered (done))
    assert "The answer was too long; planning it file by file" in told
    assert [note for note in told if note and "writing" in note] [-1] == f"The answer was too long; writing file by file ({count} of {count})"
    shown = {}
    for token in (event ["data"] for event in events if event ["event"] == "token"):
        shown [token ["stage"]] = ("" if token.get ("reset") else shown.get (token ["stage"], "")) + token ["text"]
    assert set (shown) <= {"research", "wireframe", "code", "code plan", "qa"} | {f"code {path}" for path in answered (done)}
    assert not shown.get ("code"), "what was cut off is taken back"
    system.assert_no_call_repeated ("tea tasting diary")


def test_a_model_with_a_small_limit_is_enough (fresh):
    """Not a fault: the simulator is held to what the model could give."""
    system = fresh (MODEL_MAX_TOKENS = GOOGLE_LIMIT)
    project = system.project ("limited")
    done = system.wait_job (system.run_pipeline (project, "a knitting pattern collection [[sim qa_fail=1]]"))
    assert done ["status"] == "completed", done ["error"]
    assert done ["result"] ["iterations"] == 2 and answered (done) == files_of (system, project)
    steps = {step ["name"]: step for step in done ["steps"]}
    assert steps ["code"] ["output_tokens"] == 8192, "cut off there, and paid for"
    assert "code.2" not in steps and "code.2.plan" in steps, "the second run does not try again what was too long in the first"
    assert set (split_names (done)) | set (split_names (done, "code.2")) <= set (steps)
    assert max (step ["output_tokens"] for name, step in steps.items () if ".file." in name) < 8192


def test_a_job_of_code_alone_goes_file_by_file_too (system):
    project = system.project ("a seed exchange")
    for agent, context in (("research", {"user_idea": "a seed exchange [[sim fault=length agent=code]]", "skip_clarification": True}), ("wireframe", None)):
        assert run (system, agent, context, project) ["status"] == "completed"
    job = system.run_agent (project, "code", None)
    progress = [event ["data"] ["progress"] for event in system.stream (job)]
    done = system.wait_job (job)
    assert done ["status"] == "completed", done ["error"]
    assert progress == sorted (progress) and {20, 25, 30, 90, 100} <= set (progress)
    assert answered (done) == files_of (system, project) and names (done) [0] == "code"
    assert sorted (names (done) [1:]) == sorted (split_names (done))


def test_a_file_that_is_cut_off_is_asked_for_shorter_once (system):
    idea = "a bird log [[sim fault=length agent=code]] [[sim fault=length agent=code-file count={}]]"
    done = system.wait_job (system.run_pipeline (system.project ("birds"), idea.format (1)))
    assert done ["status"] == "completed", done ["error"]
    assert sum (name.endswith (".shorter1") for name in names (done)) == 1
    done = system.wait_job (system.run_pipeline (system.project ("more birds"), idea.format (99)))
    assert done ["status"] == "failed" and done ["error"] == CUT_OFF
    assert not any (name.endswith (".shorter2") for name in names (done))
    assert len (names (done)) <= 4 + 2 * 4, "those that were asked at once, twice each, and no more"


def test_a_plan_that_is_too_long_is_a_failure (system):
    done = system.wait_job (system.run_pipeline (system.project ("no plan"), "a moth log [[sim fault=length agent=code]] [[sim fault=length agent=code-plan count=9]]"))
    assert done ["status"] == "failed" and done ["error"] == CUT_OFF
    assert names (done) [2:] == ["code", "code.plan", "code.plan.shorter1", "code.plan.shorter2"]


def finished (system, idea, agent):
    return sum (call ["agent"] == agent and call ["outcome"] == "finished" for call in system.calls (idea))


@pytest.mark.parametrize ("victim, kind", [("code", "builder"), ("code", "code"), ("pipeline", "builder"), ("router", "builder")])
def test_what_dies_in_the_middle_does_not_begin_again (system, victim, kind):
    idea = f"a lighthouse log for {victim} in {kind}"
    project = system.project (victim)
    context = {"user_idea": f"{idea} [[sim fault=length agent=code]] [[sim latency=800 agent=code-file]]", "skip_clarification": True}
    if kind == "code":
        assert [run (system, agent, context, project) ["status"] for agent in ("research", "wireframe")] == ["completed", "completed"]
        job = system.run_agent (project, "code", context)
    else:
        job = system.run_pipeline (project, context ["user_idea"])
    pid = system.pid (victim)

    def journaled ():
        return sum (".file." in step ["name"] and step ["status"] == "completed" for step in system.job (job) ["steps"])
    wait_for (lambda: 4 <= journaled () == finished (system, idea, "code-file"), "some files to be written and kept")
    os.kill (pid, signal.SIGKILL)
    assert journaled () < 8, "it was not too late"
    done = system.wait_job (job)
    assert done ["status"] == "completed", done ["error"]
    assert answered (done) == files_of (system, project)
    assert names (done).count ("code.plan") == 1
    system.assert_no_call_repeated (idea)
    assert sum (call ["agent"] == "code" for call in system.calls (idea)) == 1, "what was cut off was paid for, too"
    assert finished (system, idea, "code-plan") == 1 and finished (system, idea, "code-file") == len (answered (done))


def test_cancelling_ends_every_call (system):
    idea = "a cancelled cloud atlas"
    job = system.run_pipeline (system.project ("clouds"), f"{idea} [[sim fault=length agent=code]] [[sim latency=60000 agent=code-file]]")
    wait_for (lambda: sum (call ["outcome"] == "open" for call in system.calls (idea)) == 4, "four files to be begun")
    assert system.request ("POST", f"/v1/jobs/{job}/cancel").status == 200
    wait_for (lambda: all (call ["outcome"] != "open" for call in system.calls (idea)), "the provider's connections to be closed")
    assert system.job (job) ["status"] == "cancelled"
