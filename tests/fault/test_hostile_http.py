# SPDX-License-Identifier: MPL-2.0
"""What no client of good will sends: broken framing, slow bytes, huge heads, odd bytes, mutated bodies. Each is refused or cut off,
within bounds of time and memory, and the next request is served."""
import concurrent.futures
import contextlib
import json
import os
import pathlib
import random
import re
import socket
import ssl
import time

import pytest

from support import certificate
from support.system import System, make_token, wait_for

PATIENCE = 20
GET = b"GET /health HTTP/1.1\r\nHost: a\r\n"
NEXT = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
SLOW_BOUND = 10                         # seconds for a request to arrive, and one or two for looking


class Raw:
    def __init__ (self, system):
        self.socket = system.socket (PATIENCE)

    def __enter__ (self):
        return self

    def __exit__ (self, *_):
        self.socket.close ()

    def send (self, data):
        try:
            self.socket.sendall (data)
        except OSError:
            pass                        # it has been closed on us: what was answered can still be read

    def read (self, end = None):
        """Everything until the server closes, or until the end stands there."""
        got = b""
        try:
            while end is None or end not in got:
                more = self.socket.recv (65536)
                if not more:
                    break
                got += more
        except (ConnectionError, ssl.SSLError):
            pass
        return got


    def read_answer (self):
        """One answer, whose length it says."""
        got = b""
        while (end := got.find (b"\r\n\r\n")) < 0 or len (got) < end + 4 + int (re.search (rb"(?i)\r\ncontent-length: (\d+)", got) [1]):
            got += self.socket.recv (65536) or pytest.fail (f"cut off after {got}")
        return got


def statuses (answer):
    return [int (found) for found in re.findall (rb"HTTP/1\.[01] (\d{3}) ", answer)]


def exchange (system, data, end = None):
    with Raw (system) as raw:
        raw.send (data)
        return in_shape (raw.read (end))


def in_shape (answers):
    """Refusals are the API's own, whoever refused: with an id, a body of the one shape and the headers that all answers have."""
    for at in (found.start () for found in re.finditer (rb"HTTP/1\.[01] 4\d\d ", answers)):
        head, _, rest = answers [at:].partition (b"\r\n\r\n")
        headers = dict (line.lower ().split (b": ", 1) for line in head.split (b"\r\n") [1:])
        body = json.loads (rest [:int (headers [b"content-length"])])
        assert set (body) == {"error", "message", "details", "request_id"} and body ["request_id"].lower ().encode () == headers [b"x-request-id"], answers [at:at + 500]
        assert headers [b"content-type"] == b"application/json" and headers [b"cache-control"] == b"no-store" and headers [b"x-content-type-options"] == b"nosniff"
        assert {b"traceparent", b"date", b"referrer-policy"} <= set (headers)
    return answers


def serves (system):
    assert system.request ("GET", "/health/ready", user = None).status == 200


@pytest.fixture (scope = "module")
def secure (tmp_path_factory):
    with System (**certificate.make (tmp_path_factory.mktemp ("tls"))) as running:
        yield running


@pytest.fixture (params = ["http", "https"])
def either (request):
    """A running system; once without TLS, once with it, since h2o reads both with the same parser but not from the same place."""
    one = request.getfixturevalue ("system" if request.param == "http" else "secure")
    with living (one):
        yield one


@pytest.fixture
def edges (system):
    with living (system):
        yield


@contextlib.contextmanager
def living (system):
    """The edges live through the test, and do not grow by more than a little."""
    before = {row ["name"]: row ["pid"] for row in system.status () if row ["service"] == "edge"}
    memory = {pid: resident (pid) for pid in before.values ()}
    yield
    serves (system)
    assert {row ["name"]: row ["pid"] for row in system.status () if row ["service"] == "edge"} == before, "an edge has died"
    if not is_sanitized ():             # which keeps what was freed for a while
        for pid, bytes_before in memory.items ():
            assert resident (pid) - bytes_before < 64 << 20


def resident (pid):
    return int (pathlib.Path (f"/proc/{pid}/statm").read_text ().split () [1]) * os.sysconf ("SC_PAGE_SIZE")


def is_sanitized ():
    from support.system import BIN
    return b"__asan_init" in (BIN / "codeforge-edge").read_bytes ()


# two readings of one message

FRAMINGS = {
    "different Content-Lengths": b"Content-Length: 5\r\nContent-Length: 6\r\n",
    "the same Content-Length twice": b"Content-Length: 5\r\nContent-Length: 5\r\n",
    "a list of Content-Lengths": b"Content-Length: 5, 5\r\n",
    "Content-Length and chunked": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    "chunked and Content-Length": b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    "a negative Content-Length": b"Content-Length: -5\r\n",
    "a signed Content-Length": b"Content-Length: +5\r\n",
    "a hexadecimal Content-Length": b"Content-Length: 0x5\r\n",
    "an empty Content-Length": b"Content-Length:\r\n",
    "a huge Content-Length": b"Content-Length: 99999999999999999999999999\r\n",
    "a Content-Length that wraps": b"Content-Length: 18446744073709551621\r\n",
    "two digits apart": b"Content-Length: 5 5\r\n",
    "another Transfer-Encoding": b"Transfer-Encoding: gzip\r\n",
    "chunked but last": b"Transfer-Encoding: chunked, identity\r\n",
    "chunked twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    "an obscured chunked": b"Transfer-Encoding: xchunked\r\n",
    "a tab before chunked": b"Transfer-Encoding:\tchunked\r\nContent-Length: 5\r\n",
    "a space before the colon": b"Content-Length : 5\r\n",
    "a space before the other colon": b"Transfer-Encoding : chunked\r\n",
    "a folded header": b"X: a\r\n Content-Length: 5\r\n",
    "a folded Transfer-Encoding": b"Transfer-Encoding:\r\n chunked\r\n",
    "a vertical tab": b"Transfer-Encoding: \x0bchunked\r\nContent-Length: 5\r\n",
    "two hosts": b"Host: b\r\n",
    "a nameless header": b": x\r\n",
    "a header without a colon": b"Content-Length 5\r\n",
}


@pytest.mark.parametrize ("name", FRAMINGS)
def test_doubtful_framing_ends_the_connection (either, name):
    answer = exchange (either, b"POST /v1/projects/ HTTP/1.1\r\nHost: a\r\n" + FRAMINGS [name] + b"\r\n0\r\n\r\n" + NEXT)
    assert statuses (answer) in ([400], [413], []), answer [:300]
    assert b"smuggled" not in answer


@pytest.mark.parametrize ("chunks", [
    b"5\r\nhello\r\n0\r\n\r\n",
    b"5\r\nhello0\r\n\r\n", b"5\r\nhelloXX0\r\n\r\n", b"zz\r\nhello\r\n0\r\n\r\n", b"-5\r\nhello\r\n0\r\n\r\n", b"5 \r\nhello\r\n0\r\n\r\n",
    b"0x5\r\nhello\r\n0\r\n\r\n", b"ffffffffffffffff1\r\nhello\r\n0\r\n\r\n", b"\r\nhello\r\n0\r\n\r\n",
    b"5\nhello\n0\n\n", b"5;" + b"x" * 100000 + b"\r\nhello\r\n0\r\n\r\n", b"0\r\nX: " + b"y" * 100000 + b"\r\n\r\n",
])
def test_bad_chunks_end_the_connection (either, chunks):
    """A request that follows is not read into them, and is not lost in a good one."""
    answer = exchange (either, b"POST /v1/projects/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks
                       + b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    found = statuses (answer)
    assert len (found) <= 2 and set (found) <= {200, 400, 403, 413, 431}, answer [:300]
    assert found [:1] != [200] and found.count (200) <= 1


def test_one_body_of_a_thousand_chunks_is_one_body (either):
    body = json.dumps ({"title": "Chunk by chunk"}).encode ()
    token = make_token (either.user).encode ()
    with Raw (either) as raw:
        raw.send (b"POST /v1/projects/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
                  b"Authorization: Bearer " + token + b"\r\n\r\n")
        for byte in body:
            raw.send (b"1\r\n" + bytes ([byte]) + b"\r\n")
        raw.send (b"0\r\n\r\n")
        assert statuses (raw.read ()) == [201]


def test_endless_chunks_are_cut_off (either):
    with Raw (either) as raw:
        raw.send (b"POST /v1/projects/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        piece = b"10000\r\n" + b" " * 65536 + b"\r\n"
        for _ in range (200):
            raw.send (piece)
        answer = raw.read ()
    assert statuses (answer) in ([413], [403], []), answer [:200]


# request lines and versions

@pytest.mark.parametrize ("line, wanted", [
    (b"GET /health HTTP/1.1", {200}), (b"GET http://a/health HTTP/1.1", {200}), (b"GET http://a HTTP/1.1", {404, 400}),
    (b"GET https://elsewhere.example/health HTTP/1.1", {200, 400, 404}), (b"GET //health HTTP/1.1", {404}), (b"GET /health/../v1 HTTP/1.1", {404}),
    (b"GET /%68ealth HTTP/1.1", {200, 404}), (b"GET * HTTP/1.1", {404, 400}), (b"OPTIONS * HTTP/1.1", {404, 400, 204}), (b"CONNECT a:80 HTTP/1.1", {404, 400, 405}),
    (b"TRACE /health HTTP/1.1", {405}), (b"get /health HTTP/1.1", {405, 400}), (b"GET health HTTP/1.1", {404, 400}), (b"GET /health?" + b"x" * 20000 + b" HTTP/1.1", {200}),
    (b"GET /health\x00 HTTP/1.1", {400, 404}), (b"GET /health HTTP/1.2", {200, 400, 505}), (b"GET /health HTTP/9.9", {400, 505}), (b"GET  /health HTTP/1.1", {400, 404}),
    (b"GET /health", {400}), (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", {400}), (b"PRI * HTTP/2.0\r\n\r\nSM", {400, 404, 505}), (b"", {400}),
    (b"GET /v1/projects/%00 HTTP/1.1", {401}), (b"GET /\xff\xfe HTTP/1.1", {404, 400}),
])
def test_request_lines (either, line, wanted):
    answer = exchange (either, line + b"\r\nHost: a\r\nConnection: close\r\n\r\n", end = None)
    found = statuses (answer)
    assert (not found or found [0] in wanted) and len (found) <= 1 and all (status < 500 or status == 505 for status in found), answer [:300]


BROKEN = {
    "a TLS handshake": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/0.9": b"GET /health\r\n\r\n",
    "a space before the colon": b"GET /health HTTP/1.1\r\nHost : a\r\n\r\n", "a control": b"GET /health HTTP/1.1\r\nX: \x01\r\n\r\n", "zeros": b"\0" * 100,
}


@pytest.mark.parametrize ("name", BROKEN)
def test_what_is_no_request_is_refused_like_one (either, name):
    """Also where it comes in pieces, and after good requests on the same connection."""
    broken = BROKEN [name]
    assert statuses (exchange (either, broken)) == [400]
    with Raw (either) as raw:
        for _ in range (3):
            raw.send (GET + b"\r\n")
            raw.read_answer ()
        for at in range (0, len (broken), 7):
            raw.send (broken [at:at + 7])
        answer = in_shape (raw.read ())
    assert statuses (answer) == [400] and json.loads (answer.partition (b"\r\n\r\n") [2]) ["details"] == {"reason": "not a request of HTTP/1"}
    # in one piece with a good one: that one is answered, and is the last
    assert statuses (exchange (either, GET + b"\r\n" + broken)) == [200]
    assert statuses (exchange (either, b"PUT /health HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" + broken)) == [405]


def test_http_1_0_is_answered_and_closed (either):
    answer = exchange (either, b"GET /health HTTP/1.0\r\n\r\n")
    assert statuses (answer) == [200] and b"chunked" not in answer.lower ()
    answer = exchange (either, b"GET /health HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + NEXT)
    assert statuses (answer) == [400]


def test_pipelined_requests_are_answered_in_order (either):
    count = 200
    answer = exchange (either, b"".join (b"GET /nowhere HTTP/1.1\r\nHost: a\r\nX-Request-ID: n%d\r\n%s\r\n"
                                         % (number, b"Connection: close\r\n" if number == count - 1 else b"") for number in range (count)))
    assert statuses (answer) == [404] * count
    assert [int (found) for found in re.findall (rb"(?i)\r\nx-request-id: n(\d+)\r\n", answer)] == list (range (count))


def test_a_refused_body_does_not_become_a_request (either):
    """The body of a request that is refused by its head is a body still."""
    body = NEXT
    for path, status in ((b"/v1/nowhere", 404), (b"/health", 405), (b"/v1/projects/", 403)):
        answer = exchange (either, b"POST " + path + b" HTTP/1.1\r\nHost: a\r\nContent-Length: " + str (len (body)).encode () + b"\r\n\r\n" + body
                           + b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert statuses (answer) == [status, 200], answer [:300]


# heads

@pytest.mark.parametrize ("head", [
    b"X: " + b"y" * 40000 + b"\r\n", b"X" * 40000 + b": y\r\n", b"".join (b"X-%d: y\r\n" % number for number in range (5000)), b"Cookie: " + b"a=b; " * 20000 + b"\r\n",
    b"X: " + b"y" * 5000000 + b"\r\n",
])
def test_huge_heads_are_refused (either, head):
    answer = exchange (either, GET + b"Connection: close\r\n" + head + b"\r\n")
    assert statuses (answer) in ([431], [400], []), answer [:200]


@pytest.mark.parametrize ("header", [b"X: a\x00b", b"X: a\x01b", b"X\x00: a", b"X: a\rb", b"X: \x7f", b"X(): a", b"X: caf\xe9", b"\x80: a", b"X-Request-ID: a\xffb",
                                     b"traceparent: 00-" + b"z" * 51, b"Origin: \xff\xfe", b"Last-Event-ID: \xff", b"Cookie: csrf_token=\xff\xfe",
                                     b"Authorization: Bearer \xff\xfe", b"Authorization: Bearer " + b"a." * 9000, b"X-Forwarded-For: " + b"," * 9000])
def test_odd_bytes_in_headers (system, edges, header):
    for path in (b"/health", b"/v1/projects/"):
        answer = exchange (system, b"GET " + path + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + header + b"\r\n\r\n")
        assert statuses (answer) in ([200], [400], [401], []), answer [:300]
        assert not re.search (rb"[\x00\x01\x7f-\xff]", answer.split (b"\r\n\r\n") [0])       # none of it comes back in a head


# slow clients: 10 s for a request to arrive, however many there are

def closed_after (system, first, drip, interval = 0.5):
    """Seconds until the server closes on a client that goes on dripping."""
    start = time.monotonic ()
    with Raw (system) as raw:
        raw.send (first)
        raw.socket.settimeout (interval)
        while time.monotonic () - start < 3 * SLOW_BOUND:
            try:
                if not raw.socket.recv (65536):
                    return time.monotonic () - start
            except TimeoutError:
                try:
                    raw.socket.sendall (drip)
                except OSError:
                    return time.monotonic () - start
            except OSError:
                return time.monotonic () - start
    return None


def test_slow_clients_are_cut_off (either):
    slow = {
        "head": (GET, b"X: y\r\n"), "first line": (b"GET /hea", b"l"), "one byte": (b"G", b""),
        "body": (b"POST /v1/projects/ HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n", b" "),
        "chunks": (b"POST /v1/projects/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        "endless chunk": (b"POST /v1/projects/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nhello", b"x"),
        "expecting": (b"POST /v1/projects/ HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n", b""),
        "second head": (GET + b"\r\n" + b"GET /health HT", b""),
    }
    with concurrent.futures.ThreadPoolExecutor (max_workers = 64) as pool:
        asked = {name: pool.submit (closed_after, either, first, drip) for name, (first, drip) in slow.items ()}
        many = [pool.submit (closed_after, either, *slow ["head"]) for _ in range (50)]
        while not all (one.done () for one in asked.values ()):
            start = time.monotonic ()
            serves (either)
            assert time.monotonic () - start < 2        # nobody else waits for them
            time.sleep (0.2)
        for name, one in asked.items ():
            assert one.result () is not None and one.result () < SLOW_BOUND + 3, name
        assert all (one.result () is not None and one.result () < SLOW_BOUND + 4 for one in many)


# paths

@pytest.mark.parametrize ("path", ["src/../../etc/passwd", "src/%2e%2e/%2e%2e/etc/passwd", "src/%2E%2e%2fx", "src/..%2f..%2fx", "src/%252e%252e/x", "src/.%2e/x",
                                   "src/%c0%ae%c0%ae/x", "src/%00", "src/a%00.js", "src//x", "src/./x", "src/%", "src/%2", "src/%zz", "src/..", "%2e%2e/src/x", "/etc/passwd",
                                   "src/\\..\\x", "src/%5c..%5cx", "src/" + "a" * 600, "src/%ff%fe", "src/a b", "src/a%20b", "src/%0d%0aX:%20y"])
def test_traversal_is_refused (system, edges, path):
    project = traversal_project (system)
    token = make_token (system.user).encode ()
    answer = exchange (system, f"GET /v1/projects/{project}/files/".encode () + path.encode () + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer "
                       + token + b"\r\n\r\n")
    assert statuses (answer) in ([400], [404], []) and b"root:" not in answer, answer [:300]


def traversal_project (system, made = {}):
    if system.port not in made:
        made [system.port] = system.project ("traversal")
    return made [system.port]


# bodies

@pytest.mark.parametrize ("body", [
    b"[" * 100000, b"{\"a\":" * 50000, b"[" * 60 + b"]" * 60, b"{\"title\":\"" + b"\xff\xfe" + b"\"}", b"{\"title\":\"a\x00b\"}", b"{\"title\":\"a\\u0000b\"}", b"\xef\xbb\xbf{\"title\":\"bom\"}",
    b"{\"title\":\"\\ud800\"}", b"{\"title\":\"\xed\xa0\x80\"}", b"{\"title\":\"\xc0\xaf\"}", b"{\"title\":\"x\",\"title\":\"y\"}", b"{\"title\":\"abc\"}{}", b"{\"title\":1e99999}", b"{\"title\":-}",
    b"{\"title\":" + b"9" * 100000 + b"}", b"NaN", b"", b"\x00", b"null", b"\"" + b"a" * 1000000 + b"\"", b"{\"" + b"k" * 100000 + b"\":1}", b"{" + b"\"a\":1," * 100000 + b"\"b\":1}",
    b"{\"title\":\"abc\",\"__proto__\":{\"x\":1}}", b"{'title':'abc'}", b"{\"title\":\"abc\",}", b"/**/{\"title\":\"abc\"}",
])
def test_bad_documents_are_client_faults (system, edges, body):
    answer = system.request ("POST", "/v1/projects/", raw = body, headers = {"Content-Type": "application/json"})
    assert answer.status == 422, answer.body [:300]
    assert answer.json ["error"] == "VALIDATION_ERROR" and len (answer.body) < 200000


def mutate (random_, body):
    """A body with one to four things done to its bytes."""
    body = bytearray (body)
    for _ in range (random_.randint (1, 4)):
        at = random_.randrange (len (body) + 1)
        kind = random_.randrange (8)
        if kind == 0 and body:
            body [at % len (body)] ^= 1 << random_.randrange (8)
        elif kind == 1:
            body [at:at] = bytes (random_.randrange (256) for _ in range (random_.randint (1, 8)))
        elif kind == 2:
            del body [at:at + random_.randint (1, 16)]
        elif kind == 3:
            body [at:at] = body [at:at + random_.randint (1, 64)] * random_.randint (1, 20)
        elif kind == 4:
            body [at:at] = random_.choice ([b"null", b"true", b"-1", b"1e308", b"\"\"", b"{}", b"[]", b"\\u0000", b"\\ud83d", b"9" * 40, b"\xf0\x9f\x98\x80"])
        elif kind == 5:
            body = body [:at]
        elif kind == 6:
            body [at:at + 1] = random_.choice ([b"{", b"}", b"[", b"]", b"\"", b":", b",", b"\\", b"\x00", b"\xff"])
        else:
            spots = [found.start () for found in re.finditer (rb'"[^"]*"', bytes (body))]
            if spots:
                spot = random_.choice (spots)
                body [spot:spot] = b"\"extra\":[" + b"1," * random_.randint (0, 50) + b"1],"
    return bytes (body)


def test_two_thousand_mutated_bodies (system, edges):
    random_ = random.Random (20240229)
    project = system.project ("mutated")
    seeds = [
        ("/v1/projects/", {"title": "A title", "description": "words", "mode": "student", "tech_stack": ["c", "sql"]}),
        ("/v1/run-agent", {"project_id": project, "agent_type": "qa", "input_context": {"code": "x = 1", "file_path": "src/a.py"}}),
        ("/v1/run-pipeline", {"project_id": project, "input_context": {"user_idea": "a habit tracker", "target_audience": "people"}}),
        ("/v1/clarify", {"job_id": project, "answers": [{"question": "why?", "answer": "because"}]}),
        (f"/v1/projects/{project}/files", {"path": "src/a.js", "content": "let a = 1", "language": "javascript"}),
        ("/v1/profiles/", {"username": "someone", "skill_level": "beginner"}),
    ]
    work = []
    for _ in range (2000):
        path, body = random_.choice (seeds)
        work.append ((path, mutate (random_, json.dumps (body).encode ())))

    def send (path, body):
        answer = system.request ("POST", path, raw = body, headers = {"Content-Type": "application/json"})
        return answer.status, path, body, answer.body
    with concurrent.futures.ThreadPoolExecutor (max_workers = 8) as pool:
        answers = list (pool.map (lambda one: send (*one), work))
    wrong = [answer for answer in answers if answer [0] >= 500]
    assert not wrong, wrong [:3]
    assert sum (answer [0] == 422 for answer in answers) > 1000
    for status, _, _, body in answers:
        assert status in (200, 201, 202) or set (json.loads (body)) == {"error", "message", "details", "request_id"}


# many at once

def test_a_flood_of_connections_that_say_nothing (system, edges):
    silent = []
    try:
        for _ in range (800):
            silent.append (socket.create_connection (("127.0.0.1", system.port), timeout = PATIENCE))
        serves (system)
    finally:
        for one in silent:
            one.close ()
    wait_for (lambda: system.request ("GET", "/health/ready", user = None).status == 200, "the edge to serve")
