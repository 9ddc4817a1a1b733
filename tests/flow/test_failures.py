# SPDX-License-Identifier: MPL-2.0
"""The ways in which model providers fail, one a test: what the caller got, what the providers saw, and that all is well after it.

Each of the three formats is somebody's first choice, with another one to fall back on; the wireframe agent has one model alone."""
import concurrent.futures
import json
import re
import threading
import time

import pytest

from support.provider import FORMATS, Provider, ask, cut, endless, example, failing, filtered, for_ever, late, malformed, reset, silent, stalled, status, too_long
from support.system import System, wait_for

# the first choice, its agent, the schema that this answers to, the fallback
CHOICES = {"openai": ("pedagogy", "pedagogy", "google"), "google": ("qa", "qa", "anthropic"), "anthropic": ("research", "requirements", "openai")}
PRICES = {"openai": (2, 8), "google": (1, 4), "anthropic": (3, 12)}
NEVER = 3600                            # seconds that nobody waits for
LANES = 4                               # of steady traffic
OPEN_S, OUTAGE_S = 1, 6                 # a minute of a circuit and six of an outage, scaled


def start (provider, **settings):
    models = {f"MODELS_{agent.upper ()}": f"{first}/first,{second}/second" for first, (agent, _, second) in CHOICES.items ()}
    prices = ",".join (f"{name}/{model}={PRICES [name] [0]}:{PRICES [name] [1]}" for name in FORMATS for model in ("first", "second"))
    return System (**provider.settings (), **models, MODELS_WIREFRAME = "openai/first", MODEL_PRICES = prices, ROUTER_FIRST_TOKEN_MS = 600,
                   ROUTER_STALL_MS = 600, **settings)


@pytest.fixture (scope = "module")
def provider ():
    with Provider () as running:
        yield running


@pytest.fixture (scope = "module")
def system (provider):
    with start (provider, BREAKER_OPEN_MS = OPEN_S * 1000) as running:
        yield running


@pytest.fixture (scope = "module")
def project (system):
    return system.project ("How providers fail")


@pytest.fixture (params = list (CHOICES))
def first (request):
    return request.param


class Case:
    """A job whose first choice suffers faults; healthy () afterwards."""

    def __init__ (self, system, project, provider, first, text):
        self.system, self.project, self.provider, self.first = system, project, provider, first
        self.agent, self.schema, self.second = CHOICES [first]
        self.text = f"{text} of {first}"

    def suffer (self, *faults):
        self.provider.play (self.text, self.first, *faults)
        self.job = ask (self.system, self.project, self.agent, self.text)
        return self

    def end (self):
        self.done = self.system.wait_job (self.job)
        self.attempts = self.provider.attempts (self.text)
        return self

    def assert_answered_by (self, format_name, model):
        """The result is whole; model, tokens and price are those of the route that answered."""
        assert self.done ["status"] == "completed", self.done ["error"]
        assert self.done ["result"] == example (self.schema)
        step, = self.done ["steps"]
        usage = FORMATS [format_name].usage
        assert step ["model"] == f"{model}-2026-05-05"
        assert (step ["input_tokens"], step ["output_tokens"]) == usage
        assert step ["cost_usd"] == pytest.approx ((usage [0] * PRICES [format_name] [0] + usage [1] * PRICES [format_name] [1]) / 1e6, abs = 2e-6)
        assert {key: self.done ["usage"] [key] for key in ("input_tokens", "output_tokens", "calls")} == {
            "input_tokens": usage [0], "output_tokens": usage [1], "calls": 1}
        self.assert_asked_afresh ()

    def assert_asked_afresh (self):
        """Every attempt is the whole question, and nothing but it: no beginning of an answer is put into the model's mouth."""
        for call in self.attempts:
            assert not re.search (r'"role": "(assistant|model)"', json.dumps (call.body)), call.body
        for name in FORMATS:
            assert len ({json.dumps (call.body, sort_keys = True) for call in self.attempts if call.format_name == name}) <= 1

    def assert_stayed (self, count):
        """The first choice answered, at its count-th attempt; nobody else was asked."""
        self.assert_answered_by (self.first, "first")
        assert [call.format_name for call in self.attempts] == [self.first] * count
        self.healthy ()

    def assert_fell_over (self, count):
        """The fallback answered, after count attempts at the first choice."""
        self.assert_answered_by (self.second, "second")
        assert [call.format_name for call in self.attempts] == [self.first] * count + [self.second]
        self.healthy ()

    def healthy (self):
        """The next call is well, and is again the first choice's."""
        self.provider.play (self.text, self.first)
        text = f"{self.text}, afterwards"
        done = self.system.wait_job (ask (self.system, self.project, self.agent, text))
        assert done ["status"] == "completed" and done ["steps"] [0] ["model"] == "first-2026-05-05"
        assert len (self.provider.attempts (text)) == 1


@pytest.fixture
def case (system, project, provider, first, request):
    return Case (system, project, provider, first, request.node.originalname.removeprefix ("test_").replace ("_", " "))


# ---- one call ----

def test_a_rate_limit_is_waited_out_on_the_same_route (case):
    case.suffer (status (429, pause = 1)).end ().assert_stayed (2)
    assert case.attempts [1].at - case.attempts [0].at >= 1


def test_a_lasting_rate_limit_ends_on_the_next_route (case):
    case.suffer (for_ever (status (429))).end ().assert_fell_over (3)


def test_a_rate_limit_that_nobody_waits_for_ends_on_the_next_route_at_once (case):
    case.suffer (for_ever (status (429, pause = NEVER))).end ().assert_fell_over (1)


def test_a_server_error_is_tried_again (case):
    case.suffer (status (500)).end ().assert_stayed (2)


@pytest.mark.parametrize ("number", [503, 529])
def test_lasting_server_errors_end_on_the_next_route (case, number):
    case.text += f" {number}"
    case.suffer (for_ever (status (number))).end ().assert_fell_over (3)


def test_a_reset_connection_is_tried_again (case):
    case.suffer (reset).end ().assert_stayed (2)


def test_a_silent_route_is_asked_once (case):
    case.suffer (for_ever (silent)).end ().assert_fell_over (1)


def test_signs_of_life_are_no_first_token (case):
    case.suffer (for_ever (late)).end ().assert_fell_over (1)


def shown (system, job, seen):
    """The tokens that a watcher is shown, cut where the stream began anew."""
    parts = [""]
    stream = system.stream (job, "?tokens=1")
    for event in stream:
        if event ["event"] == "token":
            parts += [""] if event ["data"].get ("reset") else []
            parts [-1] += event ["data"] ["text"]
            seen.set ()
    stream.close ()
    return parts


def assert_begun_anew (parts, schema):
    broken, whole = parts
    answer = json.dumps (example (schema), ensure_ascii = False)
    assert broken and answer.startswith (broken) and len (broken) < len (answer)
    assert whole == answer


@pytest.mark.parametrize ("fault", [cut, stalled, failing])
def test_a_broken_stream_begins_anew_on_the_next_route (case, fault):
    case.text += f" {fault.__name__}"
    seen = threading.Event ()
    parts = shown (case.system, case.suffer (for_ever (fault (seen))).job, seen)
    case.end ().assert_fell_over (1)
    assert_begun_anew (parts, case.schema)


@pytest.mark.parametrize ("fault", [cut, stalled, failing])
def test_a_broken_stream_of_the_only_route_begins_anew_there (system, project, provider, fault):
    text, seen = f"the only route was {fault.__name__}", threading.Event ()
    provider.play (text, "openai", fault (seen))
    job = ask (system, project, "wireframe", text)
    parts = shown (system, job, seen)
    assert system.wait_job (job) ["status"] == "completed"
    assert_begun_anew (parts, "wireframe")
    assert len (provider.attempts (text)) == 2


def test_one_malformed_chunk_is_skipped (case):
    case.suffer (malformed).end ().assert_stayed (1)


def test_a_finish_reason_is_an_end (case):
    case.suffer (endless).end ().assert_stayed (1)


def test_a_context_that_is_too_long_goes_to_a_route_that_fits (case):
    case.suffer (for_ever (too_long)).end ().assert_fell_over (1)


def test_a_content_filter_is_final_and_says_why (case):
    case.suffer (for_ever (filtered)).end ()
    assert case.done ["status"] == "failed" and case.done ["error_code"] == "MODEL_REFUSED"
    assert case.done ["error"].startswith ("The model refused to answer: ") and FORMATS [case.first].refusal in case.done ["error"]
    assert [call.format_name for call in case.attempts] == [case.first]
    assert case.done ["steps"] [0] ["model"] == "first-2026-05-05"
    assert case.done ["usage"] ["output_tokens"] == FORMATS [case.first].usage [1]
    case.assert_asked_afresh ()
    case.healthy ()


# ---- many calls ----

def circuits (system):
    said = system.codeforge ("breaker", "--json")
    assert said.returncode == 0, said.stderr
    return {row ["provider"]: row for row in json.loads (said.stdout) ["circuits"]}


def health (system, name):
    return system.request ("GET", "/health").json ["dependencies"] ["providers"] [name]


class Traffic:
    """Jobs of the qa agent, one after the other on each lane, until it is stopped: (begun, ended, job), in any order."""

    def __init__ (self, system, project):
        self.system, self.project, self.stopped, self.done = system, project, threading.Event (), []
        self.pool = concurrent.futures.ThreadPoolExecutor (LANES)
        self.lanes = [self.pool.submit (self.drive, lane) for lane in range (LANES)]

    def drive (self, lane):
        number = 0
        while not self.stopped.is_set ():
            begun, number = time.monotonic (), number + 1
            job = self.system.wait_job (ask (self.system, self.project, "qa", f"traffic {lane}.{number}"))
            self.done.append ((begun, time.monotonic (), job))

    def stop (self):
        self.stopped.set ()
        for lane in self.lanes:
            lane.result ()
        return self.done

    def models (self, begin, end):
        """Who answered the jobs that began and ended between the two."""
        return {step ["model"] for begun, ended, job in self.done if begin <= begun and ended <= end for step in job ["steps"]}


def test_an_outage_is_stood_in_for_and_hardly_probed (system, project, provider):
    traffic = Traffic (system, project)
    wait_for (lambda: len (traffic.done) >= 8, "traffic")
    before = circuits (system) ["google"]
    went_down = time.monotonic ()
    provider.down.add ("google")
    wait_for (lambda: health (system, "google") == "open", "the circuit to open")
    opened = time.monotonic ()
    seen = len (provider.attempts (format_name = "google"))
    wait_for (lambda: time.monotonic () - went_down > OUTAGE_S, "the outage to last")
    after, probed = circuits (system) ["google"], len (provider.attempts (format_name = "google")) - seen
    came_up = time.monotonic ()
    provider.down.clear ()
    wait_for (lambda: health (system, "google") == "closed", "the circuit to close", (came_up - went_down) / 2)
    closed = time.monotonic ()
    wait_for (lambda: traffic.models (closed, time.monotonic ()), "traffic after the outage")
    end = time.monotonic ()
    jobs = [job for _, _, job in traffic.stop ()]

    assert [job ["error"] for job in jobs if job ["status"] != "completed"] == []
    assert traffic.models (0, went_down) == {"first-2026-05-05"}
    assert traffic.models (opened, came_up) == {"second-2026-05-05"}
    assert traffic.models (closed, end) == {"first-2026-05-05"}
    most = 2 * ((came_up - went_down) / OPEN_S + 1)             # two probes each time that it was half open
    probes = after ["probes"] - before ["probes"]
    assert 1 <= probes <= most and 1 <= after ["opened"] - before ["opened"] <= most
    assert probed <= probes + LANES, "but for what was under way, a provider that is known to be down is asked by probes alone"


# ---- what is known of a provider ----

@pytest.fixture (scope = "module")
def patient (provider):
    """A system that leaves a sick provider alone for longer than its tests take."""
    with start (provider) as running:
        yield running


def test_circuits_outlive_whoever_dies_until_somebody_closes_them (patient, provider):
    system, project = patient, patient.project ("Circuits that stay open")

    def run (text):
        done = system.wait_job (ask (system, project, "qa", text))
        return done, [call.format_name for call in provider.attempts (text)]

    provider.down |= {"google", "anthropic"}
    for number in range (2):
        done, attempts = run (f"all are down {number}")
        assert done ["status"] == "failed" and done ["error_code"] == "PROVIDER_DOWN"
    known = circuits (system)
    assert {name: row ["state"] for name, row in known.items ()} == {"google": "open", "anthropic": "open"}
    done, attempts = run ("nobody is asked")
    assert done ["status"] == "failed" and done ["error_code"] == "PROVIDER_DOWN" and done ["error"] == "No model provider is available."
    assert attempts == [], "it fails at once, not when somebody has not answered"
    assert [health (system, name) for name in ("openai", "google", "anthropic")] == ["closed", "open", "open"]
    assert system.request ("GET", "/health").json ["status"] == "degraded"

    provider.down.clear ()
    for victim in ("breaker", "router", "broker"):
        system.wait_restarted (victim, system.kill (victim))
        assert {name: (row ["state"], row ["since_wall_us"]) for name, row in circuits (system).items ()} \
            == {name: (row ["state"], row ["since_wall_us"]) for name, row in known.items ()}
        wait_for (lambda: health (system, "google") == "open", "health to know it again")
        done, attempts = run (f"after the death of {victim}")
        assert done ["error_code"] == "PROVIDER_DOWN" and attempts == []

    assert re.search (r"^google +open +5 ", system.codeforge ("breaker").stdout, re.M)
    assert system.codeforge ("breaker", "reset", "google").stdout == "google is called again\n"
    done, attempts = run ("google is called again")
    assert done ["status"] == "completed" and attempts == ["google"]
    assert circuits (system) ["google"] ["state"] == "closed" and circuits (system) ["anthropic"] ["state"] == "open"
    unknown = system.codeforge ("breaker", "reset", "nobody")
    assert unknown.returncode == 1 and "no provider of that name has been called yet" in unknown.stderr
