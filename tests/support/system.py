# SPDX-License-Identifier: MPL-2.0
"""system - the whole of CodeForge in a folder of its own, for flow and fault tests.

    with System () as system:
        project = system.project ("a habit tracker")
        job = system.run_pipeline (project, "a habit tracker")
        assert system.wait_job (job) ["status"] == "completed"

Ports are free ones, the state folder is temporary; only processes that were started here are ended.
Waits are for conditions, with a generous end (CF_TEST_PATIENCE seconds, 60).
"""
import base64
import contextlib
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import uuid

ROOT = pathlib.Path (__file__).resolve ().parents [2]
BIN = pathlib.Path (os.environ.get ("CF_BIN", ROOT / "build" / "bin"))
PATIENCE = float (os.environ.get ("CF_TEST_PATIENCE", "60"))
SECRET = "only-for-tests-0123456789abcdef0123456789abcdef"


def wait_for (condition, what, patience = PATIENCE):
    """Result of condition () as soon as it is true."""
    end = time.monotonic () + patience
    while True:
        result = condition ()
        if result:
            return result
        if time.monotonic () > end:
            raise AssertionError (f"waited {patience:.0f} s in vain for {what}")
        time.sleep (0.02)


def free_port ():
    with socket.socket () as probe:
        probe.bind (("127.0.0.1", 0))
        return probe.getsockname () [1]


def b64 (raw):
    return base64.urlsafe_b64encode (raw).rstrip (b"=").decode ()


def make_token (user, secret = SECRET, header = None, **claims):
    """A JWT as Supabase issues it; a claim given as None is left out."""
    body = {"sub": user, "aud": "authenticated", "role": "authenticated", "exp": int (time.time ()) + 3600, **claims}
    body = {key: value for key, value in body.items () if value is not None}
    head = header or {"alg": "HS256", "typ": "JWT"}
    signed = b64 (json.dumps (head).encode ()) + "." + b64 (json.dumps (body).encode ())
    return signed + "." + b64 (hmac.new (secret.encode (), signed.encode (), hashlib.sha256).digest ())


class Answer:
    def __init__ (self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read ()

    @property
    def json (self):
        return json.loads (self.body)


class Stream:
    """A job's event stream, read as it comes: for event in stream: event ["event"], event ["id"], event ["data"]."""

    def __init__ (self, connection, response):
        self.connection, self.response = connection, response
        self.status, self.headers = response.status, response.headers
        self.comments = 0

    def __iter__ (self):
        event = {"event": "message", "id": None, "data": ""}
        while True:
            line = self.response.readline ()
            if not line:
                return
            line = line.decode ().rstrip ("\r\n")
            if not line:
                if event ["data"]:
                    event ["data"] = json.loads (event ["data"])
                    yield event
                event = {"event": "message", "id": None, "data": ""}
            elif line.startswith (":"):
                self.comments += 1
            else:
                field, _, value = line.partition (":")
                value = value.removeprefix (" ")
                if field == "data":
                    event ["data"] += value
                elif field in ("event", "id"):
                    event [field] = value

    def close (self):
        with contextlib.suppress (OSError):
            self.connection.sock and self.connection.sock.shutdown (socket.SHUT_RDWR)
        self.connection.close ()


class System:
    def __init__ (self, **settings):
        self.home = pathlib.Path (tempfile.mkdtemp (prefix = "cf-"))
        self.home.chmod (0o711)
        self.port, self.simulator_port = free_port (), free_port ()
        self.user = str (uuid.uuid4 ())
        self.settings = {
            "ENVIRONMENT": "test", "PORT": str (self.port), "SIMULATOR_PORT": str (self.simulator_port),
            "CODEFORGE_HOME": str (self.home / "var"), "SUPABASE_JWT_SECRET": SECRET, "ROUTER_BACKOFF_MS": "50",
            "RATE_LIMIT_PER_MINUTE": "1000000",
            **{name: str (value) for name, value in settings.items ()},
        }
        self.process = None

    # life

    def environment (self):
        kept = ("PATH", "HOME", "LANG", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")
        return {**{name: os.environ [name] for name in kept if name in os.environ}, **self.settings}

    def start (self):
        self.log = open (self.home / "up.log", "ab")
        self.process = subprocess.Popen ([BIN / "codeforge", "up"], env = self.environment (), cwd = self.home,
                                         stdin = subprocess.DEVNULL, stdout = self.log, stderr = self.log)
        try:
            wait_for (self.is_ready, "the system to be ready")
        except AssertionError as error:
            self.stop ()
            raise AssertionError (f"{error}\n{self.output () [-4000:]}") from None
        return self

    def is_ready (self):
        if self.process.poll () is not None:
            raise AssertionError (f"codeforge up ended with {self.process.returncode}:\n{self.output () [-4000:]}")
        try:
            return self.request ("GET", "/health/ready", user = None).status == 200
        except OSError:
            return False

    def output (self):
        return (self.home / "up.log").read_text (errors = "replace")

    def stop (self):
        """Ends it as an operator would; returns the exit code."""
        if self.process and self.process.poll () is None:
            self.process.send_signal (signal.SIGTERM)
            try:
                self.process.wait (PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill ()
                self.process.wait ()
        return self.process.returncode if self.process else None

    def __enter__ (self):
        return self.start ()

    def __exit__ (self, *error):
        code = self.stop ()
        sanitizer = [line for line in self.output ().splitlines () if "Sanitizer" in line or "runtime error" in line]
        keep = os.environ.get ("CF_TEST_KEEP")
        if not keep:
            shutil.rmtree (self.home, ignore_errors = True)
        if error [0] is None:
            assert not sanitizer, "\n".join (sanitizer [:20])
            assert code == 0, f"codeforge up ended with {code}"

    def codeforge (self, *arguments, **options):
        """Runs a command of the tool; its completed process."""
        return subprocess.run ([BIN / "codeforge", *arguments], env = self.environment (), cwd = self.home, text = True,
                               capture_output = True, timeout = PATIENCE * 3, **options)

    def status (self):
        return json.loads (self.codeforge ("status", "--json").stdout) ["processes"]

    def pid (self, name):
        """Process id of a process ("jobs.1"; a service's first is meant by its bare name)."""
        wanted = name if "." in name else name + ".1"
        return next (row ["pid"] for row in self.status () if row ["name"] in (wanted, name))

    def kill (self, name, sig = signal.SIGKILL):
        pid = self.pid (name)
        os.kill (pid, sig)
        return pid

    def wait_restarted (self, name, old_pid):
        def restarted ():
            wanted = name if "." in name else name + ".1"
            return any (row ["name"] in (wanted, name) and row ["pid"] not in (0, old_pid) and row ["state"] == "ready" for row in self.status ())
        wait_for (restarted, f"{name} to be restarted")

    # the API

    def tls (self):
        """A context that believes in the system's own certificate, whatever names are in it; None where it speaks plain HTTP."""
        if "TLS_CERT" not in self.settings:
            return None
        context = ssl.create_default_context (cafile = self.settings ["TLS_CERT"])
        context.check_hostname = False
        return context

    def connection (self, patience = PATIENCE):
        if tls := self.tls ():
            return http.client.HTTPSConnection ("127.0.0.1", self.port, timeout = patience, context = tls)
        return http.client.HTTPConnection ("127.0.0.1", self.port, timeout = patience)

    def socket (self, patience = PATIENCE):
        """A connection for bytes of the test's own, after the handshake where there is one."""
        plain = socket.create_connection (("127.0.0.1", self.port), timeout = patience)
        return self.tls ().wrap_socket (plain, server_hostname = "127.0.0.1") if self.tls () else plain

    def request (self, method, path, body = None, user = "", headers = None, raw = None, patience = PATIENCE):
        """user: "" the default one, None nobody, else a uuid or a whole token."""
        connection = self.connection (patience)
        try:
            connection.request (method, path, body = self.encode (body, raw), headers = self.headers (user, body, headers))
            return Answer (connection.getresponse ())
        finally:
            connection.close ()

    def encode (self, body, raw):
        return raw if raw is not None else None if body is None else json.dumps (body).encode ()

    def headers (self, user, body, headers):
        made = {}
        if user is not None:
            user = user or self.user
            made ["Authorization"] = "Bearer " + (user if "." in user else make_token (user))
        if body is not None:
            made ["Content-Type"] = "application/json"
        return {**made, **(headers or {})}

    def stream (self, job, query = "", user = "", headers = None):
        connection = self.connection ()
        connection.request ("GET", f"/v1/jobs/{job}/stream{query}", headers = self.headers (user, None, headers))
        return Stream (connection, connection.getresponse ())

    def project (self, title = "A test project", user = "", **fields):
        answer = self.request ("POST", "/v1/projects/", {"title": title, **fields}, user = user)
        assert answer.status == 201, answer.body
        return answer.json ["id"]

    def run_agent (self, project, agent_type, input_context = None, user = ""):
        answer = self.request ("POST", "/v1/run-agent", {"project_id": project, "agent_type": agent_type, "input_context": input_context}, user = user)
        assert answer.status == 202, answer.body
        return answer.json ["job_id"]

    def run_pipeline (self, project, idea, user = ""):
        answer = self.request ("POST", "/v1/run-pipeline", {"project_id": project, "input_context": {"user_idea": idea}}, user = user)
        assert answer.status == 202, answer.body
        return answer.json ["job_id"]

    def job (self, job, user = ""):
        answer = self.request ("GET", f"/v1/jobs/{job}", user = user)
        assert answer.status == 200, answer.body
        return answer.json

    def wait_job (self, job, *statuses, patience = PATIENCE, user = ""):
        """The job, once it has one of statuses (or has ended)."""
        wanted = statuses or ("completed", "failed", "cancelled")

        def reached ():
            try:
                answer = self.request ("GET", f"/v1/jobs/{job}", user = user)
            except OSError:             # the edge was killed under the request: ask another
                return None
            return answer.json if answer.status == 200 and answer.json ["status"] in wanted else None
        return wait_for (reached, f"job {job} to be {' or '.join (wanted)}", patience)

    # its private database

    def psql (self, *arguments, user = "codeforge", stdin = None):
        """Output of psql; its login needs no password, the socket's folder keeps others out."""
        environment = {"PATH": os.environ ["PATH"], "PGHOST": self.settings ["CODEFORGE_HOME"] + "/run/pg", "PGUSER": user,
                       "PGDATABASE": "codeforge", "PGOPTIONS": "-c search_path=public,tap -c client_min_messages=warning"}
        run = subprocess.run (["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *arguments], env = environment, text = True,
                              input = stdin, capture_output = True, timeout = PATIENCE * 2)
        assert run.returncode == 0, run.stderr + run.stdout [-2000:]
        return run.stdout

    def sql (self, statement):
        """What a statement gives, as text."""
        return self.psql ("-c", statement).strip ()

    # the provider simulator

    def simulator (self, method, path, body = None):
        connection = http.client.HTTPConnection ("127.0.0.1", self.simulator_port, timeout = PATIENCE)
        try:
            connection.request (method, path, body = self.encode (body, None), headers = {"Content-Type": "application/json"})
            return Answer (connection.getresponse ())
        finally:
            connection.close ()

    def calls (self, contains = ""):
        """Journal of the provider: every model call it saw whose text has contains."""
        return self.simulator ("GET", "/_sim/calls" + ("?contains=" + contains.replace (" ", "%20") if contains else "")).json ["calls"]

    def assert_no_call_repeated (self, contains = ""):
        finished = [call ["key"] for call in self.calls (contains) if call ["outcome"] == "finished"]
        assert len (finished) == len (set (finished)), "a finished model call was made again"
