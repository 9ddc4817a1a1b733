# SPDX-License-Identifier: MPL-2.0
"""The agents of people who learn: questions answered with questions, decisions, road maps; and a part of a file rewritten."""
import json
import re

import pytest

REQUIREMENTS = {
    "app_name": "Plant Pal", "elevator_pitch": "Plant Pal says which house plant wants water today.",
    "target_audience": [{"role": "Owner", "goal": "Keep plants alive", "pain_point": "Forgets them"}],
    "core_features": [{"name": "Plant list", "description": "Add and remove plants.", "priority": "must-have"},
                      {"name": "Due today", "description": "Shows what is due.", "priority": "must-have"}],
    "recommended_stack": ["JavaScript"],
}
SOURCE = "'use strict';\nvar total = 0;   \nfor (var i = 0; i < prices.length; i++)\n  total += prices[i];\nshow(total);\n"
SELECTED = "var total = 0;   \nfor (var i = 0; i < prices.length; i++)\n  total += prices[i];\n"


def run (system, agent, context, project = None):
    return system.wait_job (system.run_agent (project or system.project ("learning", mode = "student"), agent, context))


def strings (value):
    if isinstance (value, str):
        yield value
    elif isinstance (value, (list, dict)):
        for item in value.values () if isinstance (value, dict) else value:
            yield from strings (item)


# pedagogy

@pytest.mark.parametrize ("question", [
    "Why does my loop stop too early?", "What is a promise?", "When is the state of a component shown?", "How do I sort a list?",
    "What does 'undefined is not a function' mean?", "What does return do?", "How do I center a box with CSS?", "Where do I begin?",
    "Why does SELECT name FROM plants fail?"])
def test_a_question_is_answered_with_questions (system, question):
    done = run (system, "pedagogy", {"question": question, "code": "const a = 1;\nconsole.log(a);"})
    assert done ["status"] == "completed", done ["error"]
    result = done ["result"]
    assert set (result) == {"encouragement", "steps", "key_concept", "further_exploration"}
    assert [step ["step_number"] for step in result ["steps"]] == list (range (1, len (result ["steps"]) + 1))
    assert all (set (step) == {"step_number", "question", "hint", "concept"} and "?" in step ["question"] for step in result ["steps"])
    assert not any (re.search (r"```|;$|[{}]", text) for text in strings (result))
    assert [step ["name"] for step in done ["steps"]] == ["pedagogy"], "it was good at once"


def test_an_answer_with_code_is_refused_and_mended (system):
    done = run (system, "pedagogy", {"question": "How do I count the items? [[sim pedagogy_code=1]]"})
    assert done ["status"] == "completed", done ["error"]
    assert [step ["name"] for step in done ["steps"]] == ["pedagogy", "pedagogy.repair1"]
    assert all (step ["status"] == "completed" for step in done ["steps"])
    assert not any ("```" in text for text in strings (done ["result"]))
    assert len (system.calls ("count the items")) == 2


def test_a_mentor_who_insists_on_code_is_not_heard (system):
    done = run (system, "pedagogy", {"question": "Just write my loop! [[sim pedagogy_code=9]]"})
    assert done ["status"] == "failed" and done ["result"] is None
    assert done ["error"] == "The model's answer did not satisfy its schema."
    assert len (done ["steps"]) == 3 and len (system.calls ("Just write my loop")) == 3


def test_a_message_is_a_question_too_and_none_is_none (system):
    assert run (system, "pedagogy", {"user_message": "Where do I begin with CSS?"}) ["status"] == "completed"
    for context in ({}, None, {"question": ""}, {"question": 5, "code": "x"}):
        done = run (system, "pedagogy", context)
        assert done ["status"] == "failed" and done ["error"] == "There is no question.", done


# a decision

def test_a_decision_is_laid_out_but_not_made (system):
    done = run (system, "pedagogy", {"decision_context": "Where do the plants live: keep them in the browser or on a small server?", "module_index": 2})
    assert done ["status"] == "completed", done ["error"]
    result = done ["result"]
    assert {"context", "options"} <= set (result) <= {"context", "options", "recommendation"}
    assert 2 <= len (result ["options"]) <= 5
    assert {"keep them in the browser", "on a small server"} <= {option ["title"] for option in result ["options"]}
    assert len ({option ["id"] for option in result ["options"]}) == len (result ["options"])
    for option in result ["options"]:
        assert set (option) == {"id", "title", "pros", "cons", "difficulty", "educational_value"}
        assert option ["difficulty"] in ("beginner", "intermediate", "advanced")
    assert [step ["name"] for step in done ["steps"]] == ["pedagogy.choice"]


# road maps

def test_a_road_map_needs_requirements (system):
    project = system.project ("nothing yet", mode = "student")
    for context in ({"skill_level": "beginner"}, {"skill_level": "beginner", "requirements": None}):
        refused = system.request ("POST", "/v1/run-agent", {"project_id": project, "agent_type": "roadmap", "input_context": context})
        assert refused.status == 400 and refused.json ["details"] ["field"] == "input_context.requirements", refused.body


def check_roadmap (result):
    assert set (result) == {"modules", "total_estimated_hours", "prerequisites", "learning_objectives"}
    for module in result ["modules"]:
        assert set (module) == {"title", "description", "concepts", "exercises", "estimated_hours"}
    assert sum (module ["estimated_hours"] for module in result ["modules"]) == pytest.approx (result ["total_estimated_hours"])


def test_requirements_become_a_road_map (system):
    hours = {}
    for level in ("beginner", "advanced"):
        done = run (system, "roadmap", {"requirements": REQUIREMENTS, "skill_level": level, "focus_areas": ["testing"]})
        assert done ["status"] == "completed", done ["error"]
        check_roadmap (done ["result"])
        titles = [module ["title"] for module in done ["result"] ["modules"]]
        assert {"Plant list", "Due today"} < set (titles) and any ("testing" in title for title in titles)
        hours [level] = done ["result"] ["total_estimated_hours"]
    assert hours ["beginner"] > hours ["advanced"]


def test_the_requirements_of_the_project_do (system):
    project = system.project ("a reading list", mode = "student")
    assert run (system, "research", {"user_idea": "a reading list", "skip_clarification": True}, project) ["status"] == "completed"
    done = run (system, "roadmap", {"skill_level": "intermediate"}, project)
    assert done ["status"] == "completed", done ["error"]
    assert "Reading List" in json.dumps (done ["result"])
    shown = system.request ("GET", f"/v1/projects/{project}").json
    assert shown ["status"] == "in-progress", "a road map is not progress of the project"


# refactoring

def refactoring (**changes):
    context = {"selected_code": SELECTED, "instruction": "use const", "file_path": "src/sum.js", "full_file_content": SOURCE, **changes}
    return {key: value for key, value in context.items () if value is not None}


def test_a_selection_is_rewritten_and_the_rest_stays (system):
    project = system.project ("refactoring")
    done = run (system, "code", refactoring (), project)
    assert done ["status"] == "completed", done ["error"]
    result = done ["result"]
    assert set (result) == {"original_code", "refactored_code", "explanation", "full_file_content"}
    assert result ["original_code"] == SELECTED and result ["refactored_code"] != SELECTED
    assert result ["full_file_content"] == SOURCE.replace (SELECTED, result ["refactored_code"], 1)
    assert [step ["name"] for step in done ["steps"]] == ["code.refactor"]
    assert system.request ("GET", f"/v1/projects/{project}/files").json ["files"] == []
    assert system.request ("GET", f"/v1/projects/{project}").json ["status"] == "planning"


def test_only_the_first_place_is_rewritten (system):
    done = run (system, "code", refactoring (selected_code = "x = 1;", full_file_content = "y;\nx = 1;\nx = 1;\n"))
    changed = done ["result"] ["refactored_code"]
    assert done ["result"] ["full_file_content"] == f"y;\n{changed}\nx = 1;\n"


def test_an_applied_refactoring_changes_the_file_and_nothing_else (system):
    project = system.project ("a habit tracker")
    assert system.wait_job (system.run_pipeline (project, "a habit tracker for my refactoring")) ["status"] == "completed"
    path = f"/v1/projects/{project}/files"
    before = system.request ("GET", f"{path}?include=content").json ["files"]
    file = next (file for file in before if file ["path"] == "src/store.js")
    selected = "".join (file ["content"].splitlines (keepends = True) [2:6])
    done = run (system, "code", refactoring (selected_code = selected, file_path = "src/store.js", full_file_content = file ["content"],
                                             apply = True, language = file ["language"]), project)
    assert done ["status"] == "completed", done ["error"]
    after = {file ["path"]: file for file in system.request ("GET", f"{path}?include=content").json ["files"]}
    changed = after.pop ("src/store.js")
    assert changed ["content"] == done ["result"] ["full_file_content"] != file ["content"]
    assert changed ["version"] == file ["version"] + 1 and changed ["language"] == file ["language"]
    assert list (after.values ()) == [file for file in before if file ["path"] != "src/store.js"]
    assert system.request ("GET", f"/v1/projects/{project}").json ["status"] == "completed"


@pytest.mark.parametrize ("changes, why", [
    ({"selected_code": "let nowhere;"}, "selected_code does not occur in the file"), ({"instruction": None}, "A refactoring needs instruction."),
    ({"full_file_content": None}, "A refactoring needs full_file_content."), ({"file_path": "../x.js"}, "file_path is not a path of the project's."),
    ({"selected_code": 5}, "A refactoring needs selected_code.")])
def test_what_cannot_be_refactored_is_said (system, changes, why):
    done = run (system, "code", refactoring (**changes))
    assert done ["status"] == "failed" and done ["error"] == why and done ["steps"] == []


def test_a_pipeline_is_never_a_refactoring (system):
    answer = system.request ("POST", "/v1/run-pipeline", {"project_id": system.project ("a list"), "input_context": {
        "user_idea": "a list of songs", "selected_code": "x", "instruction": "y"}})
    done = system.wait_job (answer.json ["job_id"])
    assert done ["status"] == "completed" and done ["result"] ["generated_code"] ["files"]


def test_code_alone_still_needs_an_architecture (system):
    refused = system.request ("POST", "/v1/run-agent", {"project_id": system.project ("bare"), "agent_type": "code", "input_context": {"selected_code": None}})
    assert refused.status == 400 and refused.json ["details"] ["field"] == "input_context.architecture"
