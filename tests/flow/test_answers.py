# SPDX-License-Identifier: MPL-2.0
"""What agents make of answers that are no result, and of inputs that are not there."""
import shutil

import pytest

from support.system import BIN

REFUSAL = "The model refused to answer: I'm sorry, but I can't help with that."


def run (system, agent, context, project = None):
    return system.wait_job (system.run_agent (project or system.project ("answers"), agent, context))


def names (job):
    return [step ["name"] for step in job ["steps"]]


# what is null is not there

def test_null_means_that_the_project_is_asked (system):
    project = system.project ("a packing list")
    asked = run (system, "research", {"user_idea": "a packing list", "answers": None, "skip_clarification": True}, project)
    assert asked ["status"] == "completed", asked ["error"]
    for agent, context in (("wireframe", {"requirements": None}), ("code", {"architecture": None, "requirements": None, "qa_issues": None}),
                           ("qa", {"files": None, "code": None, "requirements": None})):
        done = run (system, agent, context, project)
        assert done ["status"] == "completed", (agent, done ["error"])
    assert done ["result"] ["passed"], "it reviewed the files of the project against its requirements"


def test_no_answers_are_no_reason_not_to_ask (system):
    done = system.wait_job (system.run_agent (system.project ("unclear"), "research", {"user_idea": "a list", "answers": None}), "waiting_for_input")
    assert done ["status"] == "waiting_for_input"


def test_half_of_the_documents_may_come_with_the_job (system):
    project = system.project ("a wish list")
    assert run (system, "research", {"user_idea": "a wish list for birthdays", "skip_clarification": True}, project) ["status"] == "completed"
    done = run (system, "code", {"architecture": {"site_map": [{"path": "/", "description": "All wishes"}]}}, project)
    assert done ["status"] == "completed", done ["error"]
    assert "Wish List" in str (done ["result"]), "the requirements are the project's"


# refused

@pytest.mark.parametrize ("agent, context", [
    ("research", {"user_idea": "a refused idea [[sim fault=refusal count=9]]", "skip_clarification": True}),
    ("qa", {"code": "refused [[sim fault=refusal count=9]]"}), ("pedagogy", {"question": "Refused? [[sim fault=refusal count=9]]"})])
def test_a_refusal_ends_the_job_and_says_why (system, agent, context):
    done = run (system, agent, context)
    assert done ["status"] == "failed" and done ["error"] == REFUSAL and done ["error_code"] == "MODEL_REFUSED"
    assert len (done ["steps"]) == 1, "and nobody is asked again"
    assert REFUSAL in system.codeforge ("logs", agent).stdout


def test_a_refusal_ends_a_pipeline_likewise (system):
    done = system.wait_job (system.run_pipeline (system.project ("refused"), "a refused pipeline [[sim fault=refusal agent=wireframe count=9]]"))
    assert done ["status"] == "failed" and done ["error"] == REFUSAL
    assert [step ["name"] for step in done ["steps"]] == ["research", "wireframe"]


def test_a_filtered_answer_says_so (system):
    done = run (system, "qa", {"code": "filtered [[sim fault=content_filter count=9]]"})
    assert done ["status"] == "failed" and done ["error"] == "The model refused to answer: The provider's content filter stopped the answer."


# words around it, and what is no document

@pytest.mark.parametrize ("agent, context", [
    ("research", {"user_idea": "a chatty idea [[sim fault=fenced count=9]]", "skip_clarification": True}),
    ("qa", {"code": "chatty [[sim fault=fenced count=9]]"}), ("pedagogy", {"question": "Chatty? [[sim fault=fenced count=9]]"})])
def test_words_around_a_document_are_dropped (system, agent, context):
    done = run (system, agent, context)
    assert done ["status"] == "completed", done ["error"]
    assert names (done) == [agent], "it was good at once"


@pytest.mark.parametrize ("fault", ["invalid_json", "invalid_schema"])
def test_what_is_no_document_is_asked_for_again_twice (system, fault):
    for count, mended in ((2, True), (3, False)):
        done = run (system, "qa", {"code": "x = 1", "user_idea": f"never mind {fault} [[sim fault={fault} count={count}]]"})
        assert names (done) == ["qa", "qa.repair1", "qa.repair2"]
        assert done ["status"] == ("completed" if mended else "failed"), done ["error"]
        assert mended or (done ["error"] == "The model's answer did not satisfy its schema." and done ["error_code"] == "MODEL_INVALID")


# prompts

def test_a_prompt_is_worked_on_while_everything_runs (fresh, tmp_path):
    share = tmp_path / "share"
    shutil.copytree (BIN.parent / "share", share)
    tmp_path.chmod (0o755)
    prompt = share / "prompts" / "qa.md"
    good = prompt.read_text ()
    system = fresh (CODEFORGE_SHARE = share)

    def key ():
        """What the model was sent, as a number."""
        before = len (system.calls ("worked on"))
        done = run (system, "qa", {"code": "x = 1", "user_idea": "worked on"})
        assert done ["status"] == "completed", done ["error"]
        calls = system.calls ("worked on") [before:]
        assert len (calls) == 1
        return calls [0] ["key"]

    def said ():
        return system.codeforge ("logs", "qa").stdout.count ("qa.md cannot be used")
    first = key ()
    assert key () == first
    prompt.write_text (good + "\nBe brief.\n")
    second = key ()
    assert second != first
    for broken in ("", "Review {{everything}}."):
        prompt.write_text (broken)
        before = said ()
        assert key () == key () == second, "the last good one"
        assert said () == before + 1, "once"
    prompt.unlink ()
    assert key () == second
    prompt.write_text (good)
    assert key () == first
    (share / "prompts" / "wireframe.md").write_text (" ")
    done = system.wait_job (system.run_pipeline (system.project ("never had a good one"), "a list"))
    assert done ["status"] == "failed" and done ["error_code"] == "INTERNAL"
    assert "wireframe.md cannot be used: it is empty" in system.codeforge ("logs", "wireframe").stdout
