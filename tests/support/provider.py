# SPDX-License-Identifier: MPL-2.0
"""provider - a model provider that misbehaves as it is told, over real HTTP, in the wire formats of all three.

    with Provider () as provider:
        provider.play ("a chess clock", "openai", status (503), reset)      # the first two attempts of whoever asks about that
        System (OPENAI_BASE_URL = provider.url ("openai"))
        provider.attempts ("a chess clock")                                 # what it saw: format, model, at, body

What nothing is said about is answered well, with the example of the schema that came along, in TOKENS pieces. A fault is a
function of a Call; `for_ever (fault)` is the last one of a script. Everything is kept in memory, for one test file.
"""
import contextlib
import json
import pathlib
import socket
import struct
import threading
import time

SCHEMAS = pathlib.Path (__file__).resolve ().parents [2] / "proto" / "schema"
TOKENS = 60                             # pieces of an answer
CUT_AT = 40                             # of them, that come before a stream breaks


def example (schema):
    """A document that satisfies proto/schema/<schema>.json."""
    return json.loads ((SCHEMAS / f"{schema}.json").read_text ()) ["examples"] [0]


def ask (system, project, agent, text):
    """A job of an agent that makes one model call, about text."""
    context = {"pedagogy": {"question": f"Why {text}?"}, "qa": {"code": f"const name = '{text}'"}, "research": {"user_idea": text, "skip_clarification": True},
               "wireframe": {"requirements": {**example ("requirements"), "app_name": text}}}
    return system.run_agent (project, agent, context [agent])


def data (event, name = None):
    return ((f"event: {name}\n" if name else "") + f"data: {json.dumps (event)}\n\n").encode ()


class OpenAI:
    prefix, usage = "/v1", (1001, 61)
    refusal = "I will not help with that."

    def schema (self, body):
        return body ["response_format"] ["json_schema"] ["name"]

    def model (self, path, body):
        return body ["model"]

    def chunk (self, call, delta, reason = None):
        return data ({"object": "chat.completion.chunk", "model": call.answering, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})

    def opening (self, call):
        return self.chunk (call, {"role": "assistant", "content": ""})

    def ping (self, call):
        return b": still thinking\n\n"

    def token (self, call, text):
        return self.chunk (call, {"content": text})

    def finish (self, call, reason = "stop"):
        return self.chunk (call, {}, reason) + data ({"choices": [], "usage": {"prompt_tokens": self.usage [0], "completion_tokens": self.usage [1]}})

    def fail (self, call):
        return data (self.error (500, "server_error"))

    def end (self, call):
        return b"data: [DONE]\n\n"

    def refuse (self, call):
        return self.chunk (call, {"refusal": self.refusal}) + self.finish (call, "content_filter") + self.end (call)

    def error (self, status, kind):
        code = {"too_long": "context_length_exceeded"}.get (kind, kind)
        return {"error": {"message": "This did not go well.", "type": "error", "param": None, "code": code}}

    def pause (self, seconds):
        return f"retry-after-ms: {round (seconds * 1000)}\r\n", None


class Anthropic:
    prefix, usage = "/v1", (1003, 63)
    refusal = "That is against the rules."

    def schema (self, body):
        return body ["output_config"] ["format"] ["schema"] ["title"]

    def model (self, path, body):
        return body ["model"]

    def event (self, event):
        return data (event, event ["type"])

    def opening (self, call):
        return self.event ({"type": "message_start", "message": {"model": call.answering, "usage": {"input_tokens": self.usage [0], "output_tokens": 1}}}) \
            + self.event ({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})

    def ping (self, call):
        return self.event ({"type": "ping"})

    def token (self, call, text):
        return self.event ({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}})

    def finish (self, call, reason = "end_turn", **more):
        return self.event ({"type": "content_block_stop", "index": 0}) \
            + self.event ({"type": "message_delta", "delta": {"stop_reason": reason, **more}, "usage": {"output_tokens": self.usage [1]}})

    def end (self, call):
        return self.event ({"type": "message_stop"})

    def fail (self, call):
        return self.event (self.error (529, None))

    def refuse (self, call):
        return self.finish (call, "refusal", stop_details = {"explanation": self.refusal}) + self.end (call)

    def error (self, status, kind):
        if kind == "too_long":
            return {"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long: 250000 tokens > 200000 maximum"}}
        kinds = {429: "rate_limit_error", 529: "overloaded_error"}
        return {"type": "error", "error": {"type": kinds.get (status, "api_error"), "message": "This did not go well."}, "request_id": "req_1"}

    def pause (self, seconds):
        return f"retry-after: {seconds}\r\n", None


class Google:
    prefix, usage = "/v1beta", (1002, 62)
    refusal = "SAFETY"

    def schema (self, body):
        return body ["generationConfig"] ["responseJsonSchema"] ["title"]

    def model (self, path, body):
        return path.split ("/models/") [1].split (":") [0]

    def chunk (self, call, text = None, reason = None, usage = None):
        candidate = {"content": {"role": "model", "parts": [{"text": text}]} if text else {}, "index": 0, **({"finishReason": reason} if reason else {})}
        return data ({"candidates": [candidate], "modelVersion": call.answering, **({"usageMetadata": usage} if usage else {})})

    def opening (self, call):
        return data ({"modelVersion": call.answering, "usageMetadata": {"promptTokenCount": self.usage [0]}})

    def ping (self, call):
        return self.opening (call)

    def token (self, call, text):
        return self.chunk (call, text)

    def finish (self, call, reason = "STOP"):
        return self.chunk (call, None, reason, {"promptTokenCount": self.usage [0], "candidatesTokenCount": self.usage [1]})

    def end (self, call):
        return b""                      # there is no marker

    def fail (self, call):
        return data (self.error (503, None) [0])

    def refuse (self, call):
        return self.finish (call, self.refusal)

    def error (self, status, kind):
        if kind == "too_long":
            return [{"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "The input token count (2000000) exceeds the maximum number of tokens allowed"}}]
        kinds = {429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE"}
        return [{"error": {"code": status, "status": kinds.get (status, "UNKNOWN"), "message": "This did not go well."}}]

    def pause (self, seconds):
        return "", {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{seconds}s"}


FORMATS = {"openai": OpenAI (), "google": Google (), "anthropic": Anthropic ()}


class Gone (Exception):
    """The client has left."""


class Call:
    """One attempt, as a fault sees it."""

    def __init__ (self, provider, connection, format_name, path, headers, body):
        self.provider, self.connection, self.format_name = provider, connection, format_name
        self.format = FORMATS [format_name]
        self.at, self.path, self.headers, self.body = time.monotonic (), path, headers, body
        self.model = self.format.model (path, body)
        self.answering = self.model + "-2026-05-05"             # providers answer with dated names

    def send (self, content):
        try:
            self.connection.sendall (content)
        except OSError:
            raise Gone from None

    def head (self, status = 200, headers = "", kind = "text/event-stream"):
        self.send (f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\n{headers}Transfer-Encoding: chunked\r\n\r\n".encode ())

    def chunk (self, content):
        self.send (b"%x\r\n%s\r\n" % (len (content), content) if content else b"")

    def end (self):
        self.send (b"0\r\n\r\n")

    def pieces (self):
        text = json.dumps (example (self.format.schema (self.body)), ensure_ascii = False)
        return [text [at * len (text) // TOKENS: (at + 1) * len (text) // TOKENS] for at in range (TOKENS)]

    def tokens (self, begin = 0, end = TOKENS):
        for piece in self.pieces () [begin:end]:
            self.chunk (self.format.token (self, piece))

    def begin (self, seen):
        self.head ()
        self.chunk (self.format.opening (self))
        self.tokens (0, CUT_AT)
        while not seen.wait (0.05):
            self.chunk (self.format.ping (self))

    def await_departure (self, ping = False):
        """Until the client closes the connection, with a sign of life now and then."""
        self.connection.settimeout (0.05)
        while not self.provider.ended:
            try:
                if not self.connection.recv (4096):
                    break
            except TimeoutError:
                if ping:
                    self.chunk (self.format.ping (self))
            except OSError:
                break
        raise Gone


# ---- what may happen to a call ----

def well (call):
    call.head ()
    call.chunk (call.format.opening (call))
    call.tokens ()
    call.chunk (call.format.finish (call))
    call.chunk (call.format.end (call))
    call.end ()


def status (number, kind = None, pause = 0):
    """An error answer; pause: seconds that it asks to be left alone for, in the words of the format."""
    def fault (call):
        header, detail = call.format.pause (pause) if pause else ("", None)
        error = call.format.error (number, kind)
        if detail:
            error [0] ["error"] ["details"] = [detail]
        call.head (number, header, "application/json")
        call.chunk (json.dumps (error).encode ())
        call.end ()
    return fault


def reset (call):
    """The connection is reset before anything was answered."""
    call.connection.setsockopt (socket.SOL_SOCKET, socket.SO_LINGER, struct.pack ("ii", 1, 0))
    raise Gone


def silent (call):
    """Nothing at all comes."""
    call.await_departure ()


def late (call):
    """Signs of life, but no token."""
    call.head ()
    call.chunk (call.format.opening (call))
    call.await_departure (ping = True)


def cut (seen):
    """The connection is closed after CUT_AT of TOKENS tokens; not before seen, a threading.Event, is set."""
    def fault (call):
        call.begin (seen)
        raise Gone
    return fault


def stalled (seen):
    """Nothing comes after CUT_AT of TOKENS tokens, and seen."""
    def fault (call):
        call.begin (seen)
        call.await_departure ()
    return fault


def failing (seen):
    """The provider says, after CUT_AT of TOKENS tokens and seen, that it has failed; the connection stays."""
    def fault (call):
        call.begin (seen)
        call.chunk (call.format.fail (call))
        call.await_departure ()
    return fault


def malformed (call):
    """A line among the tokens is no JSON."""
    call.head ()
    call.chunk (call.format.opening (call))
    call.tokens (0, CUT_AT)
    call.chunk (b'data: {"choices": [{"delta": {"content": "\n\n')
    call.tokens (CUT_AT)
    call.chunk (call.format.finish (call))
    call.chunk (call.format.end (call))
    call.end ()


def endless (call):
    """A whole answer with its finish reason; neither end marker nor end of the body follow."""
    call.head ()
    call.chunk (call.format.opening (call))
    call.tokens ()
    call.chunk (call.format.finish (call))
    call.await_departure ()


def filtered (call):
    """The content filter stops the answer."""
    call.head ()
    call.chunk (call.format.opening (call))
    call.tokens (0, CUT_AT)
    call.chunk (call.format.refuse (call))
    call.end ()


too_long = status (400, "too_long")


class for_ever:
    def __init__ (self, fault):
        self.fault = fault


class Provider:
    def __init__ (self, embed = None):
        """embed: what makes the vector of a text, for OpenAI's format; without it there are no embeddings, and so no patterns."""
        self.lock, self.ended, self.embed = threading.Lock (), False, embed
        self.seen, self.scripts, self.down, self.connections = [], {}, set (), set ()
        self.listeners = {name: socket.create_server (("127.0.0.1", 0), backlog = 256) for name in FORMATS}     # as different hosts
        for name in FORMATS:
            threading.Thread (target = self.accept, args = (name,), daemon = True).start ()

    def url (self, format_name):
        return f"http://127.0.0.1:{self.listeners [format_name].getsockname () [1]}{FORMATS [format_name].prefix}"

    def settings (self):
        """Of a system that has this for all its providers."""
        return {f"{name.upper ()}_BASE_URL": self.url (name) for name in FORMATS}

    def play (self, text, format_name, *faults):
        """What becomes of the next attempts at format_name whose body has text."""
        with self.lock:
            self.scripts [text, format_name] = list (faults)

    def attempts (self, text = "", format_name = None):
        """Every attempt at a chat so far, in order."""
        with self.lock:
            return [call for call in self.seen if text in json.dumps (call.body, ensure_ascii = False) and format_name in (None, call.format_name)]

    def stop (self):
        self.ended = True
        for listener in self.listeners.values ():
            listener.close ()
        with self.lock:
            for connection in self.connections:
                with contextlib.suppress (OSError):
                    connection.shutdown (socket.SHUT_RDWR)

    def __enter__ (self):
        return self

    def __exit__ (self, *error):
        self.stop ()

    def accept (self, format_name):
        while not self.ended:
            try:
                connection, _ = self.listeners [format_name].accept ()
            except OSError:
                return
            threading.Thread (target = self.serve, args = (connection, format_name), daemon = True).start ()

    def serve (self, connection, format_name):
        connection.setsockopt (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self.lock:
            self.connections.add (connection)
        try:
            with connection.makefile ("rb") as reader:
                while self.answer_one (connection, reader, format_name):
                    pass
        except (Gone, OSError, ValueError):
            pass
        finally:
            with self.lock:
                self.connections.discard (connection)
            connection.close ()

    def answer_one (self, connection, reader, format_name):
        request = reader.readline ().decode ().split (" ")
        headers = {}
        while (line := reader.readline ().strip ()):
            name, _, value = line.decode ().partition (":")
            headers [name.lower ()] = value.strip ()
        if len (request) < 3:
            return False
        body = json.loads (reader.read (int (headers.get ("content-length", 0))) or b"null")
        path = request [1]
        if "embed" in path:
            connection.sendall (self.embedded (body))
            return True
        call = Call (self, connection, format_name, path, headers, body)
        self.fault_of (call) (call)
        return True

    def embedded (self, body):
        answer = b"{}"
        if self.embed:
            answer = json.dumps ({"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": self.embed (body ["input"])}],
                                  "model": body ["model"], "usage": {"prompt_tokens": 1, "total_tokens": 1}}).encode ()
        return b"HTTP/1.1 %s X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (b"200" if self.embed else b"404", len (answer), answer)

    def fault_of (self, call):
        text = json.dumps (call.body, ensure_ascii = False)
        with self.lock:
            self.seen.append (call)
            if call.format_name in self.down:
                return reset
            for (wanted, format_name), script in self.scripts.items ():
                if format_name == call.format_name and wanted in text and script:
                    return script [0].fault if isinstance (script [0], for_ever) else script.pop (0)
        return well
