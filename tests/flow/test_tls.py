# SPDX-License-Identifier: MPL-2.0
"""The HTTP API over TLS: what clients get, which handshakes are taken, and which settings are refused."""
import concurrent.futures
import hashlib
import http.client
import io
import os
import re
import shutil
import socket
import ssl
import time
import zipfile

import pytest

from support import certificate
from support.system import PATIENCE, System, wait_for

SLOW_BOUND = 10                         # seconds for a handshake


@pytest.fixture (scope = "module")
def folder (tmp_path_factory):
    return tmp_path_factory.mktemp ("tls")


@pytest.fixture (scope = "module")
def system (folder):
    with System (**certificate.make (folder)) as running:
        yield running


# ---- what clients get

def test_every_answer_says_to_stay_with_tls (system):
    for method, path, user in (("GET", "/health", None), ("GET", "/nowhere", None), ("GET", "/v1/projects/", ""), ("POST", "/v1/run-agent", None),
                               ("GET", "/docs/", None), ("OPTIONS", "/v1/projects/", None), ("HEAD", "/health", None), ("PUT", "/health", None)):
        assert system.request (method, path, user = user).headers ["Strict-Transport-Security"] == "max-age=31536000", path
    job = system.run_agent (system.project ("over tls"), "qa", {"code": "x"})
    stream = system.stream (job)
    assert stream.headers ["Strict-Transport-Security"] == "max-age=31536000"
    stream.close ()


def test_the_cookie_stays_with_tls (system):
    cookie = system.request ("GET", "/health", user = None).headers ["Set-Cookie"]
    assert cookie.startswith ("csrf_token=") and {"Secure", "SameSite=Strict"} <= set (cookie.split ("; "))


def test_a_job_is_run_and_watched (system):
    job = system.run_pipeline (system.project ("watched over tls"), "a kettle timer behind glass")
    events = list (system.stream (job, "?tokens=1"))
    assert events [-1] ["event"] == "complete" and events [-1] ["data"] ["result"] == system.job (job) ["result"]
    numbers = [int (event ["id"]) for event in events if event ["event"] != "token"]
    assert numbers == list (range (numbers [0], numbers [0] + len (numbers)))


def test_many_requests_on_one_connection_and_large_bodies (system):
    connection = system.connection ()
    project = system.project ("large over tls")
    content = "x" * 99_000 + "ü"
    for number in range (3):
        connection.request ("POST", f"/v1/projects/{project}/files", body = system.encode ({"path": f"src/{number}.txt", "content": content}, None),
                            headers = system.headers ("", {}, None))
        answer = connection.getresponse ()
        assert answer.status == 201 and len (answer.read ()) > 99_000
    connection.close ()
    listed = system.request ("GET", f"/v1/projects/{project}/files?include=content").json ["files"]
    assert [file ["content"] for file in listed] == [content] * 3


def test_a_project_is_taken_away (system, tmp_path):
    project = system.project ("taken away over tls")
    system.sql ("insert into public.project_files (project_id, path, content)"
                f" select '{project}', 'src/' || n, (select string_agg (md5 ((n * 10000 + i)::text), '' order by i) from generate_series (1, 3000) i)"
                " from generate_series (100, 139) n")
    files = {f"src/{n}": "".join (hashlib.md5 (str (n * 10000 + i).encode ()).hexdigest () for i in range (1, 3001)) for n in range (100, 140)}
    with zipfile.ZipFile (io.BytesIO (system.request ("GET", f"/v1/projects/{project}/export/archive").body)) as archive:
        assert {name: archive.read (name).decode () for name in archive.namelist ()} == files
    assert system.codeforge ("export", project, str (tmp_path), "--user", system.user).returncode == 0
    assert {f"src/{path.name}": path.read_text () for path in (tmp_path / "src").iterdir ()} == files


def test_a_client_that_leaves_is_noticed (system):
    project = system.project ("left over tls", mode = "student")
    with pytest.raises (OSError):
        system.request ("POST", "/v1/student/ask", {"project_id": project, "question": "left over tls [[sim latency=60000]]"}, patience = 1)
    wait_for (lambda: [call ["outcome"] for call in system.calls ("left over tls")] == ["client_closed"], "the model call to be cut off")


def test_the_commands_believe_in_the_certificate (folder):
    """Also in one that is not for the address they connect to: it is the one that the settings name."""
    settings = certificate.make (folder, names = "DNS:*.codeforge.test", name = "wild")
    with System (**settings) as system:
        built = system.codeforge ("run", "a note behind glass", "--out", str (system.home / "out"))
        assert built.returncode == 0, built.stderr
        job = system.sql ("select id from public.agent_jobs")
        assert "completed" in system.codeforge ("job", job).stdout
        refused = system.codeforge ("cancel", job)
        assert refused.returncode == 1 and "already ended" in refused.stderr
        checked = system.codeforge ("doctor")
        assert f"https://127.0.0.1:{system.port} is healthy" in checked.stdout and re.search (r"certificate .*good for codeforge\.codeforge\.test", checked.stdout)
        assert checked.returncode == 0, checked.stdout
        # another certificate is not believed: that of the running one counts, not that of our settings
        other = certificate.make (folder, name = "other")
        system.settings.update (other)
        assert "completed" in system.codeforge ("job", job).stdout
        system.settings.update (settings)
        shutil.copy (other ["TLS_CERT"], settings ["TLS_CERT"])
        refused = system.codeforge ("job", job)
        assert refused.returncode != 0 and "certificate" in refused.stderr


def test_a_new_certificate_is_taken_when_the_edges_restart (folder):
    settings, later = certificate.make (folder, name = "first"), certificate.make (folder, name = "later")
    with System (**settings, EDGE_INSTANCES = 1) as system:
        def shown ():
            with socket.create_connection (("127.0.0.1", system.port), timeout = PATIENCE) as plain:
                blind = ssl._create_unverified_context ()
                with blind.wrap_socket (plain) as client:
                    return ssl.DER_cert_to_PEM_cert (client.getpeercert (True))
        before = shown ()
        for name in ("TLS_CERT", "TLS_KEY"):
            shutil.copy (later [name], settings [name])
        assert shown () == before
        pid = system.pid ("edge")
        assert system.codeforge ("restart", "edge").returncode == 0
        system.wait_restarted ("edge", pid)
        assert shown () == open (later ["TLS_CERT"]).read () != before


# ---- handshakes

def shake_hands (system, patience = PATIENCE, **limits):
    """(version, cipher, protocol) of a handshake within limits."""
    context = system.tls ()
    for name, value in limits.items ():
        if callable (getattr (context, name)):
            getattr (context, name) (value)
        else:
            setattr (context, name, value)
    with socket.create_connection (("127.0.0.1", system.port), timeout = patience) as plain:
        with context.wrap_socket (plain, server_hostname = "127.0.0.1") as client:
            client.sendall (b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert client.recv (65536).startswith (b"HTTP/1.1 200 OK\r\n")
            return client.version (), client.cipher () [0], client.selected_alpn_protocol ()


@pytest.mark.filterwarnings ("ignore::DeprecationWarning")
def test_versions_and_ciphers_have_forward_secrecy (system):
    assert shake_hands (system) [0] == "TLSv1.3"
    version, cipher, _ = shake_hands (system, maximum_version = ssl.TLSVersion.TLSv1_2)
    assert version == "TLSv1.2" and re.fullmatch (r"ECDHE-ECDSA-(AES\d+-GCM-SHA\d+|CHACHA20-POLY1305)", cipher)
    weak = [{"set_ciphers": "AES128-SHA:@SECLEVEL=0"}, {"set_ciphers": "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"}, {"set_ciphers": "AES128-GCM-SHA256:@SECLEVEL=0"}]
    for limits in (*({**one, "maximum_version": ssl.TLSVersion.TLSv1_2} for one in weak), {"minimum_version": ssl.TLSVersion.TLSv1, "maximum_version": ssl.TLSVersion.TLSv1_1}):
        with pytest.raises (OSError):   # ssl.SSLError is one
            shake_hands (system, **limits)


def test_http_1_1_is_the_protocol (system):
    assert shake_hands (system, set_alpn_protocols = ["h2", "http/1.1"]) [2] == "http/1.1"
    assert shake_hands (system, set_alpn_protocols = ["http/1.1"]) [2] == "http/1.1"
    with pytest.raises (OSError):
        shake_hands (system, set_alpn_protocols = ["h2"])


def test_a_session_is_resumed (folder):
    with System (**certificate.make (folder, name = "resumed"), EDGE_INSTANCES = 1) as system:
        for limit in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context, session = system.tls (), None
            context.minimum_version = context.maximum_version = limit
            for resumed in (False, True):
                with context.wrap_socket (socket.create_connection (("127.0.0.1", system.port), timeout = PATIENCE), server_hostname = "127.0.0.1", session = session) as client:
                    client.sendall (b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                    assert client.recv (65536).startswith (b"HTTP/1.1 200 OK\r\n")
                    assert client.session_reused == resumed
                    session = client.session


def ends_within (system, data, drip = b"", seconds = PATIENCE):
    """(bytes that came, seconds until the server closed) of a client without TLS."""
    start, got = time.monotonic (), b""
    with socket.create_connection (("127.0.0.1", system.port), timeout = 0.5) as client:
        client.sendall (data)
        while time.monotonic () - start < seconds:
            try:
                more = client.recv (65536)
                if not more:
                    return got, time.monotonic () - start
                got += more
            except TimeoutError:
                try:
                    client.sendall (drip)
                except OSError:
                    return got, time.monotonic () - start
            except OSError:
                return got, time.monotonic () - start
    raise AssertionError (f"still open after {seconds} s")


def client_hello (system):
    """The first bytes of a handshake."""
    incoming, outgoing = ssl.MemoryBIO (), ssl.MemoryBIO ()
    client = system.tls ().wrap_bio (incoming, outgoing, server_hostname = "127.0.0.1")
    with pytest.raises (ssl.SSLWantReadError):
        client.do_handshake ()
    return outgoing.read ()


def test_what_is_no_handshake_is_closed_at_once (system):
    hello = client_hello (system)
    for data in (b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n", b"POST /v1/projects/ HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello", b"\x16\x03\x01\xff\xff" + b"x" * 70000,
                 b"\x00" * 100, b"SSH-2.0-x\r\n", hello [:5] + os.urandom (len (hello) - 5), b"\x15\x03\x01\x00\x02\x02\x28"):
        got, seconds = ends_within (system, data)
        assert b"HTTP" not in got and seconds < SLOW_BOUND / 2, data [:20]
    assert system.request ("GET", "/health", user = None).status == 200


def test_slow_handshakes_are_closed (system):
    hello = client_hello (system)
    slow = [(b"", b""), (hello [:3], b""), (hello [:1], b"x"), (hello [:-1], b""), (hello, b"")]
    with concurrent.futures.ThreadPoolExecutor (64) as pool:
        asked = [pool.submit (ends_within, system, *one, seconds = SLOW_BOUND + 5) for one in slow * 10]
        while not all (one.done () for one in asked):
            assert system.request ("GET", "/health", user = None, patience = 2).status == 200       # nobody else waits for them
            time.sleep (0.2)
        assert all (one.result () [1] < SLOW_BOUND + 3 for one in asked)


# ---- settings

@pytest.fixture
def idle (folder):
    made = System (**certificate.make (folder, name = "idle"))
    yield made
    made.codeforge ("down")
    os.environ.get ("CF_TEST_KEEP") or shutil.rmtree (made.home, ignore_errors = True)


def test_files_that_do_not_fit_are_named_and_nothing_is_started (idle, folder):
    good, other = dict (idle.settings), certificate.make (folder, name = "another")
    for wrong, words in (({"TLS_KEY": ""}, ["TLS_CERT is set, and TLS_KEY is not"]), ({"TLS_CERT": ""}, ["TLS_KEY is set, and TLS_CERT is not"]),
                         ({"TLS_CERT": "/nowhere.crt"}, ["TLS_CERT=/nowhere.crt cannot be read", "No such file"]),
                         ({"TLS_KEY": "/nowhere.key"}, ["TLS_KEY=/nowhere.key cannot be read"]), ({"TLS_KEY": good ["TLS_CERT"]}, ["holds no private key"]),
                         ({"TLS_KEY": other ["TLS_KEY"]}, ["is not the key of the certificate", good ["TLS_CERT"], other ["TLS_KEY"]])):
        idle.settings = {**good, **wrong}
        for command in ("up", "doctor"):
            done = idle.codeforge (command)
            assert done.returncode == (78 if command == "up" else 1), (wrong, done)
            assert all (word in done.stderr + done.stdout for word in words), (wrong, done)
    assert not (idle.home / "var" / "log").exists () or idle.codeforge ("status").returncode == 1


def test_up_says_where_it_is (idle):
    for name in ("TLS_CERT", "TLS_KEY"):                # from where it is called, which is not where the processes live
        idle.settings [name] = os.path.relpath (idle.settings [name], idle.home)
    up = idle.codeforge ("up", "--detach")
    assert up.returncode == 0 and f"https://127.0.0.1:{idle.port}" in up.stdout, up.stderr
    with pytest.raises ((OSError, http.client.HTTPException)):
        connection = http.client.HTTPConnection ("127.0.0.1", idle.port, timeout = PATIENCE)
        connection.request ("GET", "/health")
        connection.getresponse ()
