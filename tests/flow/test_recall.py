# SPDX-License-Identifier: MPL-2.0
"""The patterns in a prompt are the nearest there are, compared with all of them by arithmetic of the test's own."""
import json
import math
import os
import random
import re
import subprocess

import pytest

from support.provider import Provider
from support.system import System, wait_for

DIMENSIONS, CLUSTERS, MEMBERS, IDEAS = 1536, 30, 10, 8
TYPES = ("builder", "review")           # in turn


def unit (vector):
    length = math.sqrt (sum (x * x for x in vector))
    return [x / length for x in vector]


class World:
    """Vectors in clusters: those of the patterns, and those of the ideas that are asked about."""

    def __init__ (self):
        self.random = random.Random (1)
        self.centres = [unit (self.noise ()) for _ in range (CLUSTERS)]
        self.patterns = [self.draw (at % CLUSTERS) for at in range (CLUSTERS * MEMBERS)]
        self.ideas = {f"idea number {at}": self.draw (at) for at in range (IDEAS)}

    def noise (self):
        return [self.random.gauss (0, 1) for _ in range (DIMENSIONS)]

    def draw (self, cluster):
        return unit ([x + 0.5 * y / math.sqrt (DIMENSIONS) for x, y in zip (self.centres [cluster], self.noise ())])

    def embed (self, text):
        return self.ideas.get (text [0] if isinstance (text, list) else text, self.centres [0])

    def nearest (self, idea):
        wanted = self.ideas [idea]
        scored = [(sum (x * y for x, y in zip (wanted, pattern)), f"pattern {at}") for at, pattern in enumerate (self.patterns)]
        return sorted (scored, reverse = True) [:3]


@pytest.fixture (scope = "module")
def world ():
    return World ()


@pytest.fixture (scope = "module")
def provider (world):
    with Provider (world.embed) as running:
        yield running


@pytest.fixture (scope = "module")
def system (world, provider):
    with System (**provider.settings (), MODELS_RESEARCH = "openai/gpt-4o") as running:
        rows = "\n".join (f"{TYPES [at % 2]}\tpattern {at}\t{json.dumps (vector)}" for at, vector in enumerate (world.patterns))
        running.psql ("-c", "copy public.pattern_embeddings (pattern_type, content, embedding) from stdin", stdin = rows + "\n")
        yield running


def patterns_in (call):
    found = re.search (r'<data name="patterns">\s*(.*?)\s*</data>', call.body ["messages"] [-1] ["content"], re.S)
    return json.loads (found [1]) if found else None


def test_the_three_nearest_stand_in_the_prompt (world, provider, system):
    jobs = [system.run_agent (system.project (idea), "research", {"user_idea": idea, "skip_clarification": True}) for idea in world.ideas]
    for job in jobs:
        done = system.wait_job (job)
        assert done ["status"] == "completed", done ["error"]
    for idea in world.ideas:
        [call] = provider.attempts (idea)
        found = patterns_in (call)
        assert [pattern ["content"] for pattern in found] == [name for _, name in world.nearest (idea)], idea
        assert [pattern ["similarity"] for pattern in found] == pytest.approx ([score for score, _ in world.nearest (idea)], abs = 2e-4)


def test_the_web_apps_call_works_and_shows_users_nothing (world, system):
    """The function's parameters by their names and as text, as PostgREST passes them; patterns belong to no user."""
    wanted = json.dumps (world.ideas ["idea number 1"])
    ask = (f"select count (*) from public.match_patterns (query_embedding => '{wanted}', match_count => 2, filter_type => 'review');\n")
    assert system.psql ("-f", "-", stdin = ask).split () == ["2"]
    assert system.psql ("-f", "-", stdin = "begin; set local role authenticated;\n" + ask).split () == ["0"]


def test_two_who_keep_the_same_at_once_keep_it_once (world, system):
    """Whoever is second waits until the first one's transaction has ended, and then sees what is there."""
    vector = json.dumps (unit (world.noise ()))
    keep = f"select codeforge.keep_pattern (gen_random_uuid (), 'twin', 'said twice', '{{}}', '{vector}', 0.98, null);\n"
    environment = {"PATH": os.environ ["PATH"], "PGHOST": system.settings ["CODEFORGE_HOME"] + "/run/pg", "PGUSER": "codeforge", "PGDATABASE": "codeforge"}
    command = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
    with subprocess.Popen (command, env = environment, stdin = subprocess.PIPE, stdout = subprocess.PIPE, text = True) as first, \
         subprocess.Popen (command, env = environment, stdin = subprocess.PIPE, stdout = subprocess.PIPE, text = True) as second:
        first.stdin.write ("begin;\n" + keep + "\\echo kept\n")
        first.stdin.flush ()
        assert "kept" in (first.stdout.readline () + first.stdout.readline ())
        second.stdin.write (keep)
        second.stdin.close ()
        wait_for (lambda: system.sql ("select count (*) from pg_locks where locktype = 'advisory' and not granted") == "1", "the second to wait")
        first.stdin.write ("commit;\n")
        first.stdin.close ()
        assert (first.wait (), second.wait ()) == (0, 0)
    assert system.sql ("select count (*) from public.pattern_embeddings where pattern_type = 'twin'") == "1"
