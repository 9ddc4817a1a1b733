# SPDX-License-Identifier: MPL-2.0
"""What agents make of answers that are no result, and of inputs that are not there."""
import pytest

REFUSAL = "The model refused to answer: I'm sorry, but I can't help with that."


def run (system, agent, context, project = None):
    return system.wait_job (system.run_agent (project or system.project ("answers"), agent, context))


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
