# SPDX-License-Identifier: MPL-2.0
"""Who may ask, how often, and how often it counts: rate limits, key sets, idempotency keys."""
import concurrent.futures
import http.server
import json
import pathlib
import subprocess
import threading
import time
import uuid

import pytest

from support.system import SECRET, b64, make_token, wait_for

NOBODY = "00000000-0000-4000-8000-000000000000"


def each (count, function):
    """Results of count calls at once."""
    with concurrent.futures.ThreadPoolExecutor (max_workers = min (count, 50)) as pool:
        return list (pool.map (lambda _: function (), range (count)))


def bearer (token):
    return {"Authorization": f"Bearer {token}"}


# rate limit

@pytest.fixture (scope = "module")
def limited ():
    from support.system import System
    with System (RATE_LIMIT_PER_MINUTE = 20, TRUSTED_PROXIES = "127.0.0.1, 10.0.0.0/8, fd00::/8", EDGE_INSTANCES = 3) as running:
        yield running


def ask (system, token = None, forwarded = None, path = "/v1/projects/"):
    headers = {**(bearer (token) if token else {}), **({"X-Forwarded-For": forwarded} if forwarded else {})}
    return system.request ("GET", path, user = None, headers = headers)


def count_until_refused (system, **arguments):
    """Answers that were not 429 of 60 at once; with a bucket of 20, 20 and what came back meanwhile."""
    start = time.monotonic ()
    answers = each (60, lambda: ask (system, **arguments))
    passed = [answer for answer in answers if answer.status != 429]
    assert 20 <= len (passed) <= 20 + int ((time.monotonic () - start) / 3) + 1, len (passed)
    return passed, [answer for answer in answers if answer.status == 429]


def test_one_count_for_all_edges (limited):
    token = make_token (str (uuid.uuid4 ()))
    passed, refused = count_until_refused (limited, token = token)
    assert {answer.status for answer in passed} == {200}
    assert {answer.headers ["RateLimit-Limit"] for answer in passed + refused} == {"20"}
    remaining = {int (answer.headers ["RateLimit-Remaining"]) for answer in passed}
    assert remaining <= set (range (20)) and len (remaining) >= 15      # one is seen twice where a token has come back meanwhile
    for answer in refused:
        body = answer.json
        assert body ["error"] == "RATE_LIMIT_EXCEEDED" and body ["details"] == {"retry_after": int (answer.headers ["Retry-After"])}
        assert 1 <= body ["details"] ["retry_after"] <= 3
        assert answer.headers ["RateLimit-Remaining"] == "0" and 57 <= int (answer.headers ["RateLimit-Reset"]) <= 60
        assert answer.headers ["X-Request-ID"] == body ["request_id"]


def test_a_killed_edge_forgets_nothing (limited):
    token = make_token (str (uuid.uuid4 ()))
    count_until_refused (limited, token = token)
    for name in ("edge.1", "edge.2", "edge.3"):
        pid = limited.kill (name)
        limited.wait_restarted (name, pid)
    assert ask (limited, token).status == 429


def test_a_forged_token_selects_nobodys_bucket (limited):
    user = str (uuid.uuid4 ())
    forged = make_token (user, secret = "not-the-secret-0123456789abcdef012345")
    passed, refused = count_until_refused (limited, token = forged, forwarded = "203.0.113.1")
    assert {answer.status for answer in passed} == {401}
    assert ask (limited, make_token (user), "203.0.113.1").headers ["RateLimit-Remaining"] == "19"
    assert ask (limited, forged, "203.0.113.1").status == 429
    # the limit comes before CSRF and authentication, after the route
    post = lambda path: limited.request ("POST", path, {}, user = None, headers = {"X-Forwarded-For": "203.0.113.1"}).status
    assert (post ("/v1/projects/"), post ("/v1/nowhere")) == (429, 404)


def test_addresses_are_those_behind_trusted_proxies (limited):
    count_until_refused (limited, forwarded = "198.51.100.7")
    assert ask (limited, forwarded = "198.51.100.8").status == 401
    assert ask (limited, forwarded = "1.2.3.4, 198.51.100.7").status == 429
    assert ask (limited, forwarded = "198.51.100.7, 10.1.2.3").status == 429
    assert ask (limited, forwarded = "198.51.100.7, 203.0.113.77").status == 401
    count_until_refused (limited, forwarded = "2001:db8:0:9::1")
    assert ask (limited, forwarded = "2001:db8:0:9:ffff::2").status == 429     # one client has all of a /64
    assert ask (limited, forwarded = "2001:db8:0:a::1").status == 401


def test_nobody_is_believed_without_proxies (fresh):
    system = fresh (RATE_LIMIT_PER_MINUTE = 5)
    statuses = [ask (system, forwarded = f"198.51.100.{number}").status for number in range (8)]
    assert statuses [:5] == [401] * 5 and statuses [-1] == 429


def test_probes_and_documents_are_exempt (limited):
    for path in ("/health", "/health/ready", "/openapi.json", "/docs/"):
        answers = each (60, lambda: ask (limited, forwarded = "198.51.100.99", path = path))
        assert not [answer for answer in answers if answer.status == 429 or "RateLimit-Limit" in answer.headers], path
    assert ask (limited, forwarded = "198.51.100.99").headers ["RateLimit-Remaining"] == "19"


# keys of an identity provider

def run (*arguments, data = None):
    return subprocess.run (arguments, input = data, stdout = subprocess.PIPE, stderr = subprocess.DEVNULL, check = True).stdout


def number (raw, size):
    """A DER integer's value at the start of raw, and what follows it."""
    length = raw [1]
    return raw [2:2 + length].lstrip (b"\0").rjust (size, b"\0"), raw [2 + length:]


class Key:
    def __init__ (self, folder, kid, algorithm, bits = 2048):
        self.kid, self.algorithm, self.path = kid, algorithm, str (pathlib.Path (folder) / f"{kid}.pem")
        if algorithm == "RS256":
            run ("openssl", "genrsa", "-out", self.path, str (bits))
            modulus = bytes.fromhex (run ("openssl", "rsa", "-in", self.path, "-noout", "-modulus").decode ().strip ().split ("=") [1])
            self.jwk = {"kty": "RSA", "n": b64 (modulus), "e": "AQAB"}
        else:
            run ("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.path)
            point = run ("openssl", "ec", "-in", self.path, "-pubout", "-outform", "DER") [-64:]
            self.jwk = {"kty": "EC", "crv": "P-256", "x": b64 (point [:32]), "y": b64 (point [32:])}
        self.jwk |= {"kid": kid, "alg": algorithm, "use": "sig"}

    def token (self, user, **head):
        head = {"alg": self.algorithm, "typ": "JWT", "kid": self.kid, **head}
        claims = {"sub": user, "aud": "authenticated", "role": "authenticated", "exp": int (time.time ()) + 3600}
        signed = b64 (json.dumps (head).encode ()) + "." + b64 (json.dumps (claims).encode ())
        signature = run ("openssl", "dgst", "-sha256", "-sign", self.path, data = signed.encode ())
        if self.algorithm == "ES256":
            first, rest = number (signature [2:], 32)
            signature = first + number (rest, 32) [0]
        return signed + "." + b64 (signature)


class Provider:
    """Serves a key set; down: refuses to answer."""

    def __init__ (self):
        self.keys, self.down, self.fetches, self.slow = [], False, [], 0
        provider = self

        class Handler (http.server.BaseHTTPRequestHandler):
            def do_GET (self):
                provider.fetches.append (self.path)
                time.sleep (provider.slow)
                body = json.dumps ({"keys": [key.jwk for key in provider.keys]}).encode ()
                self.send_response (500 if provider.down else 200)
                self.send_header ("Content-Length", str (len (body)))
                self.end_headers ()
                self.wfile.write (body)

            def log_message (self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer (("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread (target = self.server.serve_forever, daemon = True).start ()

    def stop (self):
        self.server.shutdown ()
        self.server.server_close ()


@pytest.fixture
def provider ():
    running = Provider ()
    yield running
    running.stop ()


def status (system, token):
    return system.request ("GET", "/v1/projects/", user = None, headers = bearer (token)).status


def test_tokens_of_a_key_set_with_rotation_and_outage (fresh, provider, tmp_path):
    user = str (uuid.uuid4 ())
    rsa, ec, later = Key (tmp_path, "rsa-1", "RS256"), Key (tmp_path, "ec-1", "ES256"), Key (tmp_path, "ec-2", "ES256")
    stranger = Key (tmp_path, "rsa-1-stranger", "RS256")
    provider.keys = [rsa, ec]
    system = fresh (SUPABASE_URL = provider.url + "/", SUPABASE_JWT_SECRET = "", EDGE_INSTANCES = 1)
    assert status (system, rsa.token (user)) == 200
    assert status (system, ec.token (user)) == 200
    assert set (provider.fetches) == {"/auth/v1/.well-known/jwks.json"}
    # without a secret nobody signs with one, whatever stands on the disk
    for secret in (SECRET, "", (tmp_path / "rsa-1.pem").read_text (), provider.keys [0].jwk ["n"]):
        assert status (system, make_token (user, secret = secret)) == 401
        assert status (system, make_token (user, secret = secret, header = {"alg": "HS256", "kid": "rsa-1"})) == 401
    assert not (system.home / "var" / "secrets" / "jwt").exists ()
    assert status (system, stranger.token (user, kid = "rsa-1")) == 401
    assert status (system, rsa.token (user, alg = "none")) == 401
    assert status (system, rsa.token (user, kid = "ec-1")) == 401
    # rotation: a new key is known as soon as it may be asked for, the old one is gone then
    provider.keys = [later]
    new = later.token (user)
    wait_for (lambda: status (system, new) == 200, "the new key", 20)
    assert status (system, ec.token (user)) == 401
    fetched = len (provider.fetches)
    assert fetched <= 4                                 # start, rotation, and not one for every unknown token
    # outage: what is known goes on, what is not is refused, and neither waits for long
    provider.down = True
    start = time.monotonic ()
    while time.monotonic () - start < 12:
        assert status (system, new) == 200
        assert status (system, ec.token (user)) == 401
    assert fetched < len (provider.fetches) <= fetched + 2
    # a stream token is not made of a secret that is not there
    project = system.request ("POST", "/v1/projects/", {"title": "Keys"}, user = None, headers = bearer (new)).json ["id"]
    job = system.request ("POST", "/v1/run-agent", {"project_id": project, "agent_type": "qa", "input_context": {"code": "x"}}, user = None,
                          headers = bearer (new)).json ["job_id"]
    url = system.request ("POST", f"/v1/jobs/{job}/stream-token", user = None, headers = bearer (new)).json ["url"]
    assert system.request ("GET", url, user = None).status == 200


def test_an_unknown_key_waits_for_its_set_and_nobody_else (fresh, provider, tmp_path):
    user, other = str (uuid.uuid4 ()), str (uuid.uuid4 ())
    key = Key (tmp_path, "only", "ES256")
    provider.slow = 1.5
    system = fresh (JWKS_URL = provider.url + "/keys", EDGE_INSTANCES = 1)
    wait_for (lambda: provider.fetches, "the first fetch")
    provider.keys = [key]
    tokens = [key.token (user), make_token (other)]
    with concurrent.futures.ThreadPoolExecutor () as pool:
        waiting = pool.submit (status, system, tokens [0])
        start = time.monotonic ()
        assert status (system, tokens [1]) == 200       # HS256, beside the set
        assert time.monotonic () - start < 1
        assert waiting.result () in (200, 401)
    wait_for (lambda: status (system, tokens [0]) == 200, "the key", 20)
    provider.slow = 60
    wait_for (lambda: len (provider.fetches) and status (system, tokens [0]) == 200, "the key")
    start = time.monotonic ()
    unknown = key.token (user, kid = "unknown")
    wait_for (lambda: status (system, unknown) == 401 and len (provider.fetches) >= 3, "another fetch", 20)
    start = time.monotonic ()
    assert status (system, unknown) == 401 and status (system, tokens [0]) == 200
    assert time.monotonic () - start < 5
    provider.slow = 0


# idempotency keys

def post (system, path, body, key, user = ""):
    return system.request ("POST", path, body, user = user, headers = {"Idempotency-Key": key})


def creations (system, project):
    key = lambda: str (uuid.uuid4 ())
    return [
        ("/v1/projects/", {"title": "Once"}, key (), 201, "id"),
        ("/v1/run-agent", {"project_id": project, "agent_type": "qa", "input_context": {"code": "x"}}, key (), 202, "job_id"),
        ("/v1/agents/run-agent", {"project_id": project, "agent_type": "research", "input_context": {"user_idea": "x"}}, key (), 202, "job_id"),
        ("/v1/run-pipeline", {"project_id": project, "input_context": {"user_idea": "a list"}}, key (), 202, "job_id"),
        (f"/v1/projects/{project}/files", {"path": "src/a.js", "content": "1"}, key (), 201, "version"),
    ]


def test_exactly_one_creation (system):
    project = system.project ("once")
    for path, body, key, wanted, name in creations (system, project):
        answers = each (50, lambda: post (system, path, body, key))
        assert {answer.status for answer in answers} == {wanted}, (path, [answer.body for answer in answers if answer.status != wanted] [:1])
        assert len ({answer.body for answer in answers}) == 1
        assert len ({answer.headers.get ("Location") for answer in answers}) == 1
        first = [answer for answer in answers if "Idempotent-Replayed" not in answer.headers]
        assert len (first) == 1, path
        assert {answer.headers.get ("Idempotent-Replayed") for answer in answers} == {None, "true"}
        assert first [0].json [name]
    jobs = system.request ("GET", f"/v1/jobs/{project}/list").json
    assert jobs ["total"] == 3
    titles = [item ["title"] for item in system.request ("GET", "/v1/projects/?page_size=50").json ["items"]]
    assert titles.count ("Once") == 1
    assert system.request ("GET", f"/v1/projects/{project}/files/src/a.js").json ["version"] == 1


def test_a_key_is_of_one_user_and_one_request (system):
    project, key = system.project ("reused"), "key with spaces & ~ signs"
    body = {"project_id": project, "agent_type": "qa", "input_context": {"code": "x"}}
    first = post (system, "/v1/run-agent", body, key)
    assert first.status == 202
    for path, other in (("/v1/run-agent", {**body, "agent_type": "research"}), ("/v1/projects/", {"title": "Other"})):
        answer = post (system, path, other, key)
        assert (answer.status, answer.json ["error"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert post (system, "/v1/run-agent", body, key).json == first.json
    stranger = str (uuid.uuid4 ())
    answer = post (system, "/v1/projects/", {"title": "Other"}, key, user = stranger)
    assert answer.status == 201 and "Idempotent-Replayed" not in answer.headers


def test_malformed_keys_are_refused (system):
    for key in ("", "x" * 256, "t\tab", "caf\u00e9"):
        answer = post (system, "/v1/projects/", {"title": "Never"}, key)
        assert answer.status == 400 and answer.json ["details"] ["field"] == "Idempotency-Key", key
    assert post (system, "/v1/projects/", {"title": "Long key"}, "x" * 255).status == 201


def test_refusals_are_not_kept (system):
    key = str (uuid.uuid4 ())
    body = {"project_id": NOBODY, "agent_type": "qa", "input_context": {"code": "x"}}
    for _ in range (3):
        answer = post (system, "/v1/run-agent", body, key)
        assert answer.status == 404 and "Idempotent-Replayed" not in answer.headers
    assert post (system, "/v1/projects/", {"title": ""}, key).status == 422
    assert post (system, "/v1/projects/", {"title": "Free again"}, key).status == 201


def test_answers_survive_restarts (fresh):
    system = fresh ()
    project = system.project ("survives")
    asked = creations (system, project)
    answers = [post (system, path, body, key) for path, body, key, _, _ in asked]
    for name in ("edge.1", "edge.2", "store", "jobs"):
        pid = system.kill (name)
        system.wait_restarted (name, pid)
    for (path, body, key, wanted, _), first in zip (asked, answers):
        again = wait_for (lambda: (answer := post (system, path, body, key)).status != 503 and answer, "the store")
        assert (again.status, again.body, again.headers.get ("Location")) == (wanted, first.body, first.headers.get ("Location"))
        assert again.headers ["Idempotent-Replayed"] == "true"


def test_exactly_one_creation_while_processes_are_killed (fresh):
    system = fresh ()
    key, results = str (uuid.uuid4 ()), []

    def insist ():
        end = time.monotonic () + 40
        while time.monotonic () < end:
            try:
                answer = post (system, "/v1/projects/", {"title": "Insisted"}, key)
            except OSError:
                continue
            if answer.status == 201:
                return answer.body
            assert answer.status in (409, 503), answer.body
        return None
    with concurrent.futures.ThreadPoolExecutor (max_workers = 20) as pool:
        asked = [pool.submit (insist) for _ in range (20)]
        for name in ("store", "edge.1"):
            system.wait_restarted (name, system.kill (name))
        results = {one.result () for one in asked}
    assert len (results) == 1 and None not in results
    titles = [item ["title"] for item in system.request ("GET", "/v1/projects/").json ["items"]]
    assert titles.count ("Insisted") == 1
