# SPDX-License-Identifier: MPL-2.0
"""supervisor - starting, watching, restarting and stopping, with the real processes; and the commands that ask it."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

from support.system import BIN, PATIENCE, SECRET, System, free_port, wait_for


@pytest.fixture
def idle ():
    """A home and a port where nothing runs yet; whatever the test started is stopped in the end."""
    made = System ()
    yield made
    made.codeforge ("down")
    os.environ.get ("CF_TEST_KEEP") or shutil.rmtree (made.home, ignore_errors = True)


def is_ready (system):
    """Whether the API takes jobs; the edges learn a moment after their start that the others are there."""
    return system.request ("GET", "/health/ready", user = None).status == 200


def alive (pid):
    """Whether the process still runs; a zombie does not."""
    try:
        return pathlib.Path (f"/proc/{pid}/stat").read_text ().rpartition (")") [2].split () [0] not in "ZX"
    except OSError:
        return False


def row (system, name):
    return next (process for process in system.status () if process ["name"] == name)


def health (system):
    return json.loads (system.codeforge ("status", "--json").stdout) ["status"]


# ---- starting

def test_detached_start_returns_when_everything_is_ready (idle):
    up = idle.codeforge ("up", "--detach")
    assert up.returncode == 0, up.stderr
    assert f"http://127.0.0.1:{idle.port}" in up.stdout and "simulated" in up.stdout
    wait_for (lambda: is_ready (idle), "the API to take jobs", 5)
    pids = [process ["pid"] for process in idle.status ()]
    assert all (process ["state"] == "ready" for process in idle.status ())
    told = re.search (r"stop +(.+ down)$", up.stdout, re.M) [1]
    down = subprocess.run (told, shell = True, env = idle.environment (), cwd = idle.home, capture_output = True, text = True)
    assert down.returncode == 0, down.stderr
    assert not any (alive (pid) for pid in pids)
    assert idle.codeforge ("status").returncode == 1
    assert idle.codeforge ("down").returncode == 0


def test_wrong_settings_are_all_named_and_nothing_is_started (idle):
    idle.settings.update (PORT = "none", LOG_LEVEL = "loud", EDGE_INSTANCES = "0", SUPABASE_JWT_SECRET = "short")
    up = idle.codeforge ("up")
    assert up.returncode == 78
    for name in ("PORT", "LOG_LEVEL", "EDGE_INSTANCES", "SUPABASE_JWT_SECRET"):
        assert name in up.stderr
    assert "short" not in up.stderr
    assert not (idle.home / "var").exists ()


def test_production_refuses_to_start_without_its_secrets (idle):
    idle.settings.update (ENVIRONMENT = "production")
    del idle.settings ["SUPABASE_JWT_SECRET"]
    up = idle.codeforge ("up")
    assert up.returncode == 78
    assert "DATABASE_URL" in up.stderr and "SUPABASE_JWT_SECRET" in up.stderr


def test_a_taken_port_is_named_before_anything_is_started (idle):
    with socket.socket () as taken:
        taken.bind (("127.0.0.1", idle.port))
        taken.listen ()
        up = idle.codeforge ("up", "--detach")
    assert up.returncode == 69
    assert str (idle.port) in up.stderr and "PORT=" in up.stderr
    assert not (idle.home / "var" / "postgres").exists ()


def test_a_database_that_cannot_be_reached_ends_the_start (idle):
    idle.settings ["DATABASE_URL"] = f"postgresql://somebody:hidden-password@127.0.0.1:{free_port ()}/nothing"
    up = idle.codeforge ("up")
    assert up.returncode == 69
    assert "DATABASE_URL" in up.stderr and "hidden-password" not in up.stderr + up.stdout


def test_a_home_that_cannot_be_used_is_named (idle):
    idle.settings ["CODEFORGE_HOME"] = str (idle.home / ("long-" * 12) / ("path-" * 8))
    assert idle.codeforge ("up").returncode == 78
    (idle.home / "file").touch ()
    idle.settings ["CODEFORGE_HOME"] = str (idle.home / "file")
    up = idle.codeforge ("up")
    assert up.returncode in (73, 77) and str (idle.home / "file") in up.stderr


def test_usage_errors_exit_64 (idle):
    for words in ([], ["frobnicate"], ["up", "--sideways"], ["token", "--ttl", "soon"], ["run"], ["job", "not-a-uuid"]):
        assert idle.codeforge (*words).returncode == 64, words
    assert idle.codeforge ("help").returncode == 0
    assert re.match (r"codeforge \d+\.\d+\.\d+\n", idle.codeforge ("--version").stdout)


# ---- while it runs

def test_a_second_start_in_the_same_home_is_refused (system):
    second = system.codeforge ("up", "--detach")
    assert second.returncode == 69
    assert f"already running in {system.home}/var (pid {system.process.pid})" in second.stderr


def test_a_killed_process_comes_back_and_the_others_stay (system):
    before = {process ["name"]: process ["pid"] for process in system.status ()}
    system.kill ("qa")
    system.wait_restarted ("qa", before ["qa.1"])
    after = {process ["name"]: process ["pid"] for process in system.status ()}
    assert after.pop ("qa.1") != before.pop ("qa.1")
    assert after == before
    assert row (system, "qa.1") ["restarts"] >= 1
    wait_for (lambda: health (system) == "healthy", "the system to be healthy")


def test_the_simulator_comes_back_where_it_was (system):
    old = system.kill ("simulator")
    system.wait_restarted ("simulator", old)
    assert system.wait_job (system.run_pipeline (system.project (), "after the simulator")) ["status"] == "completed"


def test_broker_and_database_come_back (system):
    for name in ("broker", "postgres"):
        old = system.kill (name)
        system.wait_restarted (name, old)
    wait_for (lambda: is_ready (system), "the API to take jobs")
    assert system.wait_job (system.run_pipeline (system.project (), "after the storm")) ["status"] == "completed"


def test_one_that_keeps_dying_fails_alone_until_it_is_restarted (system):
    def killed_again ():
        process = row (system, "wireframe.1")
        if process ["pid"]:
            with contextlib.suppress (ProcessLookupError):
                os.kill (process ["pid"], signal.SIGKILL)
        return process ["state"] == "failed"
    wait_for (killed_again, "wireframe to be given up")
    assert health (system) == "degraded"
    assert system.codeforge ("doctor").returncode == 1
    assert system.request ("GET", "/health", user = None).json ["dependencies"] ["agents"] ["research"] == "ok"
    assert system.codeforge ("restart", "wireframe").returncode == 0
    wait_for (lambda: health (system) == "healthy", "the system to be healthy")
    assert system.codeforge ("restart", "nobody").returncode == 1


def test_one_that_is_alive_but_deaf_is_replaced (system):
    old = system.kill ("code", signal.SIGSTOP)
    system.wait_restarted ("code", old)
    assert "deaf" in row (system, "code.1") ["fault"]


def test_secrets_stand_in_no_environment_and_no_command_line (system):
    for process in system.status ():
        if process ["pid"]:
            for name in ("environ", "cmdline"):
                text = pathlib.Path (f"/proc/{process ['pid']}/{name}").read_bytes ()
                assert SECRET.encode () not in text and b"postgresql://" not in text, process ["name"]


def test_children_have_only_the_settings_of_their_row (system):
    for process in system.status ():
        if process ["service"] not in ("postgres", "edge"):
            maps = pathlib.Path (f"/proc/{process ['pid']}/fd")
            assert not any ("settings" in os.readlink (fd) for fd in maps.iterdir ()), process ["name"]


def test_log_lines_are_json_and_shown_to_people (system):
    lines = (system.home / "var" / "log" / "codeforge.log").read_text ().splitlines ()
    for line in lines:
        assert {"time", "level", "process", "text"} <= json.loads (line).keys (), line
    assert "SECRET" not in "".join (lines) and SECRET not in "".join (lines)
    shown = system.codeforge ("logs", "-n", "5", "supervisor").stdout
    assert "supervisor" in shown and "{" not in shown
    follow = subprocess.Popen ([BIN / "codeforge", "logs", "-f", "-n", "1", "edge"], env = system.environment (), cwd = system.home,
                               text = True, stdout = subprocess.PIPE)
    try:
        follow.stdout.readline ()
        system.request ("GET", "/v1/projects/")
        assert "/v1/projects/" in follow.stdout.readline ()
    finally:
        follow.terminate ()
        follow.wait ()


def test_tokens_are_accepted_and_bounded (system):
    token = system.codeforge ("token").stdout.strip ()
    assert system.request ("GET", "/v1/projects/", user = token).status == 200
    assert system.codeforge ("token").stdout.split (".") [0] == token.split (".") [0]
    other = system.codeforge ("token", "--role", "anon").stdout.strip ()
    assert system.request ("GET", "/v1/projects/", user = other).status == 403


def test_doctor_and_config_find_nothing_wrong (system):
    wait_for (lambda: system.codeforge ("doctor").returncode == 0, "the doctor to be content")
    shown = system.codeforge ("config").stdout
    assert "SUPABASE_JWT_SECRET=(set)" in shown and SECRET not in shown


# ---- from an idea to a folder

def test_run_writes_the_application (system):
    run = system.codeforge ("run", "A recipe book for Übermut & friends", "--out", str (system.home / "out"))
    assert run.returncode == 0, run.stderr
    folder = system.home / "out" / "a-recipe-book-for-ubermut-friends"
    assert str (folder) in run.stdout and (folder / "index.html").is_file ()
    for stage in ("research", "wireframe", "code", "qa", "passed"):
        assert stage in run.stdout
    job = re.search (r"codeforge job (\S+)", run.stdout) [1]
    shown = system.codeforge ("job", job)
    assert shown.returncode == 0 and "completed" in shown.stdout and "wireframe" in shown.stdout
    assert system.codeforge ("cancel", job).returncode == 1


def test_run_starts_the_system_and_ctrl_c_cancels_the_job (idle):
    idle.settings ["SIMULATOR_LATENCY_MS"] = "60000"
    run = subprocess.Popen ([BIN / "codeforge", "run", "something slow"], env = idle.environment (), cwd = idle.home, text = True,
                            stdout = subprocess.PIPE, stderr = subprocess.STDOUT)
    for line in run.stdout:
        if "Writing the requirements" in line:
            break
    run.send_signal (signal.SIGINT)
    rest = run.communicate (timeout = PATIENCE) [0]
    assert run.returncode == 130
    job = re.search (r"cancelled job (\S+)", rest) [1]
    assert "cancelled" in idle.codeforge ("job", job).stdout
    late = idle.codeforge ("run", "too slow for us", "--timeout", "1")
    assert late.returncode == 1 and "not done in time" in late.stdout


# ---- the end

def test_children_never_outlive_a_killed_supervisor ():
    system = System ().start ()
    try:
        project = system.project ("a survivor")
        pids = [process ["pid"] for process in system.status ()]
        system.process.kill ()
        system.process.wait ()
        wait_for (lambda: not any (alive (pid) for pid in pids), "the children to be gone", 10)
        system.start ()
        assert system.request ("GET", f"/v1/projects/{project}").status == 200
    finally:
        system.__exit__ (None, None, None)


def test_ctrl_c_stops_everything_and_a_second_one_at_once ():
    system = System ().start ()
    try:
        pids = [process ["pid"] for process in system.status ()]
        system.kill ("jobs", signal.SIGSTOP)
        began = time.monotonic ()
        system.process.send_signal (signal.SIGINT)
        wait_for (lambda: "stopping" in system.output (), "the stop to begin")
        system.process.send_signal (signal.SIGINT)
        assert system.process.wait (PATIENCE) == 0
        assert time.monotonic () - began < 8
        assert not any (alive (pid) for pid in pids)
    finally:
        system.__exit__ (None, None, None)
