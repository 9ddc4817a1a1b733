# SPDX-License-Identifier: MPL-2.0
"""github - a double of GitHub's REST API on loopback, backed by real bare repositories, as strict as GitHub is said to be

    with GitHub () as github:
        token = github.user ("ada")
        ... GITHUB_API_URL = github.url ...
        github.clone ("ada", "repo", folder)

It keeps a journal of all calls, notes what a polite client would not do (violations), and has faults that tests inject:

    github.fault ("POST", "/git/trees", times = 2, status = 502)
    github.fault ("POST", "/user/repos", cut = "after")         # does it, and breaks the connection instead of answering
    github.fault ("PATCH", "/git/refs", before = lambda: ...)   # something that happens just before
"""
import base64
import contextlib
import http.server
import itertools
import json
import os
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time
import urllib.parse

BODY_MAX = 40 << 20
LISTING_MAX = 100000
WRITES = ("POST", "PUT", "PATCH", "DELETE")


class Refused (Exception):
    """An answer that is no success."""

    def __init__ (self, status, message, headers = None, **more):
        self.status, self.headers = status, headers or {}
        self.body = {"message": message, "documentation_url": "", "status": str (status), **more}


class Repository:
    """A bare repository, and what GitHub knows of it beside."""
    ids = itertools.count (1000)

    def __init__ (self, root, owner, name, private = False, description = None, branch = "main"):
        self.owner, self.name, self.private, self.description = owner, name, private, description
        self.id, self.branch, self.archived = next (Repository.ids), branch, False
        self.created = time.strftime ("%Y-%m-%dT%H:%M:%SZ", time.gmtime ())
        self.path = root / owner / (name + ".git")
        self.hidden = 0                 # answers "empty" so many times more, as a branch in the making does
        self.path.mkdir (parents = True)
        self.git ("init", "--quiet", "--bare", f"--initial-branch={branch}")

    def git (self, *arguments, data = None, **variables):
        who = {f"GIT_{role}_{what}": text for role in ("AUTHOR", "COMMITTER") for what, text in (("NAME", "GitHub"), ("EMAIL", "noreply@localhost"))}
        done = subprocess.run (["git", "-C", self.path, *arguments], input = data, capture_output = True,
                               env = {"PATH": os.environ ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "HOME": str (self.path), **who, **variables})
        if done.returncode:
            raise Refused (422, done.stderr.decode (errors = "replace"))
        return done.stdout

    def line (self, *arguments, **options):
        return self.git (*arguments, **options).decode ().strip ()

    def head (self, branch = None):
        """The commit a branch ends with, or None."""
        with contextlib.suppress (Refused):
            return self.line ("rev-parse", "--verify", "--quiet", f"refs/heads/{branch or self.branch}")
        return None

    def is_empty (self):
        return not self.line ("for-each-ref", "refs/heads")

    def blobs (self, contents):
        """Names of many contents, stored in one go."""
        with tempfile.TemporaryDirectory () as folder:
            paths = [pathlib.Path (folder) / str (at) for at in range (len (contents))]
            for path, content in zip (paths, contents):
                path.write_bytes (content)
            return self.git ("hash-object", "-w", "--no-filters", "--stdin-paths", data = "".join (f"{path}\n" for path in paths).encode ()).decode ().split ()

    def tree (self, entries, base = None):
        """Name of the tree of [(mode, name or None, path)] put over base."""
        with tempfile.TemporaryDirectory () as folder:
            index = {"GIT_INDEX_FILE": folder + "/index"}
            if base:
                self.git ("read-tree", base, **index)
            lines = "".join (f"{mode if sha else '0'} {sha or '0' * 40}\t{path}\0" for mode, sha, path in entries)
            self.git ("update-index", "-z", "--index-info", data = lines.encode (), **index)
            return self.line ("write-tree", **index)

    def commit (self, tree, parents = (), message = "Initial commit"):
        return self.line ("commit-tree", tree, *[word for parent in parents for word in ("-p", parent)], data = message.encode ())

    def write (self, files, message = "Somebody's commit"):
        """A commit of somebody else's on top of the default branch; its name."""
        head = self.head ()
        names = self.blobs ([content for content in files.values ()])
        tree = self.tree ([("100644", name, path) for name, path in zip (names, files)], base = head)
        commit = self.commit (tree, [head] if head else [], message)
        self.git ("update-ref", f"refs/heads/{self.branch}", commit)
        return commit

    def shown (self, url):
        page = f"{url}/{self.owner}/{self.name}"
        return {"id": self.id, "name": self.name, "full_name": f"{self.owner}/{self.name}", "private": self.private, "owner": {"login": self.owner},
                "html_url": page, "clone_url": page + ".git", "description": self.description, "default_branch": self.branch,
                "created_at": self.created, "archived": self.archived, "size": 0}


class GitHub:
    def __init__ (self):
        self.root = pathlib.Path (tempfile.mkdtemp (prefix = "cf-github-"))
        self.users, self.repositories, self.journal, self.violations, self.faults = {}, {}, [], [], []
        self.lock, self.writing = threading.RLock (), {}
        self.crlf = False               # keeps what comes inline with other line ends
        self.branch_looks = 0           # how often the branch of a new repository is not there yet

        class Handler (http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            github, disable_nagle_algorithm = self, True

            def handle_one_call (self):
                self.github.serve (self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_one_call

            def log_message (self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer (("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address [1]}"
        self.thread = threading.Thread (target = self.server.serve_forever, kwargs = {"poll_interval": 0.05}, daemon = True)

    def __enter__ (self):
        self.thread.start ()
        return self

    def __exit__ (self, *error):
        self.server.shutdown ()
        self.server.server_close ()
        shutil.rmtree (self.root, ignore_errors = True)

    # what tests do

    def user (self, login, token = None, scopes = "repo", writes = True):
        """An account's token."""
        token = token or f"ghp_{login}{len (self.users)}{'x' * 24}"
        self.users [token] = {"login": login, "scopes": scopes, "writes": writes}
        return token

    def repository (self, owner, name, **fields):
        made = self.repositories [owner, name] = Repository (self.root, owner, name, **fields)
        return made

    def find (self, owner, name):
        return self.repositories [owner, name]

    def fault (self, method, path, times = 1, **what):
        """path: what the call's path contains. what: status, headers, body; cut = "before" or "after"; delay, in seconds; before, a
        function; skip, how many calls pass first; until, an Event that the answer waits for."""
        with self.lock:
            self.faults.append ({"method": method, "path": path, "times": times, "skip": what.pop ("skip", 0), **what})

    def calls (self, method = None, contains = ""):
        with self.lock:
            return [call for call in self.journal if method in (None, call ["method"]) and contains in call ["path"]]

    def writes (self):
        return [call for call in self.calls () if call ["method"] in WRITES]

    def forget (self):
        """Between tests: no journal, no faults."""
        with self.lock:
            self.journal, self.violations, self.faults = [], [], []
            self.crlf, self.branch_looks = False, 0

    def clone (self, owner, name, into):
        """{path: (content, executable)} of what git clone brings; the number of commits."""
        subprocess.run (["git", "clone", "--quiet", self.find (owner, name).path, into], check = True, capture_output = True,
                        env = {"PATH": os.environ ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "HOME": str (self.root)})
        files = {str (path.relative_to (into)): (path.read_bytes (), bool (path.stat ().st_mode & 0o100))
                 for path in pathlib.Path (into).rglob ("*") if path.is_file () and ".git" not in path.relative_to (into).parts}
        return files

    def history (self, owner, name):
        """Commits of the default branch, the newest first."""
        repository = self.find (owner, name)
        return repository.line ("rev-list", f"refs/heads/{repository.branch}").split ()

    # a call

    def take_fault (self, method, path):
        with self.lock:
            for fault in self.faults:
                if fault ["method"] == method and fault ["path"] in path and fault ["times"] > 0:
                    if fault ["skip"] > 0:
                        fault ["skip"] -= 1
                        continue
                    fault ["times"] -= 1
                    return fault
        return {}

    def serve (self, handler):
        size = int (handler.headers.get ("Content-Length") or 0)
        body = handler.rfile.read (size)
        method, path = handler.command, handler.path
        token = (handler.headers.get ("Authorization") or "").partition (" ") [2]
        fault = self.take_fault (method, path)
        call = {"method": method, "path": path, "size": size, "token": token, "at": time.monotonic (), "status": 0, "took": 0}
        with self.lock:
            self.journal.append (call)
            if method in WRITES:
                self.writing [token] = self.writing.get (token, 0) + 1
                if self.writing [token] > 1:
                    self.violations.append (f"{method} {path}: another call that writes is under way")
        answer = self.work (handler, call, body, fault)
        call ["took"] = time.monotonic () - call ["at"]
        if method in WRITES:
            with self.lock:
                self.writing [token] -= 1
        if fault.get ("cut"):
            self.cut (handler)
        else:
            self.send (handler, *answer)

    def work (self, handler, call, body, fault):
        """Does what is asked for, and what the fault says; the answer."""
        if fault.get ("before"):
            fault ["before"] ()
        if "delay" in fault:
            time.sleep (fault ["delay"])
        if "until" in fault:
            fault ["until"].wait (60)
        if fault.get ("cut") == "before":
            return None
        answer = self.answer (handler, call ["method"], call ["path"], call ["token"], body, fault)
        call ["status"] = answer [0]
        return answer

    def cut (self, handler):
        handler.connection.setsockopt (socket.SOL_SOCKET, socket.SO_LINGER, struct.pack ("ii", 1, 0))
        handler.close_connection = True
        handler.connection.close ()
        handler.wfile = handler.rfile = open (os.devnull, "r+b")

    def send (self, handler, status, headers, answer):
        text = answer if isinstance (answer, bytes) else json.dumps (answer).encode ()
        handler.send_response (status)
        for name, value in {"Content-Type": "application/json; charset=utf-8", "X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "4999",
                            "X-RateLimit-Reset": str (int (time.time ()) + 3600), "Content-Length": str (len (text)), **headers}.items ():
            handler.send_header (name, value)
        handler.end_headers ()
        with contextlib.suppress (OSError):     # a client that was killed meanwhile
            handler.wfile.write (text)

    def answer (self, handler, method, path, token, body, fault):
        if "status" in fault:
            return fault ["status"], fault.get ("headers", {}), fault.get ("body", {"message": "Server Error"})
        try:
            self.judge_manners (handler, method, path, body)
            user = self.users.get (token)
            if not user:
                raise Refused (401, "Bad credentials")
            document = json.loads (body) if body else {}
            with self.lock:
                status, answer = self.route (user, method, path, document)
            return status, {"X-OAuth-Scopes": user ["scopes"]}, answer
        except Refused as refused:
            return refused.status, refused.headers, refused.body

    def judge_manners (self, handler, method, path, body):
        if not handler.headers.get ("User-Agent"):
            raise Refused (403, "Request forbidden by administrative rules. Please make sure your request has a User-Agent header.")
        if len (body) > BODY_MAX:
            raise Refused (413, "Payload too large")
        for name, value in {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28",
                            **({"Content-Type": "application/json"} if body else {})}.items ():
            if handler.headers.get (name) != value:
                self.violations.append (f"{method} {path}: {name}: {handler.headers.get (name)}")

    # what there is

    def route (self, user, method, path, document):
        path, _, query = path.partition ("?")
        path = urllib.parse.unquote (path)
        if (method, path) == ("GET", "/user"):
            return 200, {"login": user ["login"], "id": 1, "type": "User"}
        if (method, path) == ("POST", "/user/repos"):
            return self.create (user, document)
        match = re.fullmatch (r"/repos/([\w.-]+)/([\w.-]+)(/.*)?", path)
        repository = match and self.repositories.get ((match [1], match [2]))
        if not repository or (repository.private and repository.owner != user ["login"]):
            raise Refused (404, "Not Found")
        rest = match [3] or ""
        if method in WRITES:
            self.check_right (user, repository)
        for pattern, wanted, function in ((r"", "GET", self.show), (r"/branches", "GET", self.branches), (r"/git/ref/heads/(.+)", "GET", self.ref),
                                          (r"/git/commits/(\w+)", "GET", self.read_commit), (r"/git/trees/(\w+)", "GET", self.read_tree),
                                          (r"/git/trees", "POST", self.put_tree), (r"/git/blobs", "POST", self.put_blob),
                                          (r"/git/commits", "POST", self.put_commit), (r"/git/refs/heads/(.+)", "PATCH", self.move),
                                          (r"/contents/(.+)", "PUT", self.put_contents)):
            found = re.fullmatch (pattern, rest)
            if found and wanted == method:
                return function (repository, query if method == "GET" else document, *found.groups ())
        raise Refused (404, "Not Found")

    def check_right (self, user, repository):
        if repository.archived:
            raise Refused (403, "Repository was archived so is read-only.")
        if not user ["writes"]:
            raise Refused (403, "Resource not accessible by personal access token")
        if "repo" not in user ["scopes"].split (", ") and not (not repository.private and "public_repo" in user ["scopes"]):
            raise Refused (404, "Not Found")

    def create (self, user, document):
        if not user ["writes"]:
            raise Refused (403, "Resource not accessible by personal access token")
        if "repo" not in user ["scopes"].split (", "):
            raise Refused (404, "Not Found")
        name, unknown = document.get ("name"), set (document) - {"name", "description", "private", "auto_init"}
        if unknown or not isinstance (document.get ("description"), (str, type (None))):
            self.violations.append (f"POST /user/repos: {document}")
        faults = []
        if not name or not re.fullmatch (r"[\w.-]{1,100}", name) or name.endswith (".git"):
            faults.append ({"resource": "Repository", "code": "custom", "field": "name", "message": "name is invalid"})
        if (user ["login"].lower (), (name or "").lower ()) in {(owner.lower (), other.lower ()) for owner, other in self.repositories}:
            faults.append ({"resource": "Repository", "code": "custom", "field": "name", "message": "name already exists on this account"})
        if re.search (r"[\x00-\x1f\x7f]", document.get ("description") or "") or len (document.get ("description") or "") > 350:
            faults.append ({"resource": "Repository", "code": "custom", "field": "description", "message": "description control characters are not allowed"})
        if faults:
            raise Refused (422, "Repository creation failed.", errors = faults)
        made = self.repository (user ["login"], name, private = document.get ("private", False), description = document.get ("description"))
        if document.get ("auto_init"):
            made.write ({"README.md": f"# {name}\n{document.get ('description') or ''}".encode ()}, "Initial commit")
            made.hidden = self.branch_looks
        return 201, made.shown (self.url)

    def show (self, repository, query):
        return 200, repository.shown (self.url)

    def check_empty (self, repository):
        if repository.hidden or repository.is_empty ():
            repository.hidden = max (0, repository.hidden - 1)
            raise Refused (409, "Git Repository is empty.")

    def branches (self, repository, query):
        names = repository.line ("for-each-ref", "--format=%(refname:short)", "refs/heads").split ()
        return 200, [{"name": name} for name in names]

    def ref (self, repository, query, branch):
        self.check_empty (repository)
        head = repository.head (branch)
        if not head:
            raise Refused (404, "Not Found")
        return 200, {"ref": f"refs/heads/{branch}", "object": {"type": "commit", "sha": head}}

    def show_commit (self, repository, sha):
        tree, *parents = repository.line ("show", "--no-patch", "--format=%T%n%P", sha).split ()
        return {"sha": sha, "tree": {"sha": tree}, "parents": [{"sha": parent} for parent in parents]}

    def read_commit (self, repository, query, sha):
        self.check_empty (repository)
        return 200, self.show_commit (repository, sha)

    def show_tree (self, repository, sha, recursive):
        rows = repository.git ("ls-tree", "-z", *(["-r", "-t"] if recursive else []), sha).decode ().split ("\0") [:-1]
        entries = []
        for row in rows [:LISTING_MAX]:
            facts, _, path = row.partition ("\t")
            mode, kind, name = facts.split ()
            entries.append ({"path": path, "mode": mode, "type": kind, "sha": name})
        return {"sha": repository.line ("rev-parse", sha + "^{tree}"), "tree": entries, "truncated": len (rows) > LISTING_MAX}

    def read_tree (self, repository, query, sha):
        self.check_empty (repository)
        return 200, self.show_tree (repository, sha, "recursive" in query)

    # writing

    def put_tree (self, repository, document):
        self.check_empty (repository)
        base, entries = document.get ("base_tree"), document.get ("tree")
        if base == "" or not entries or set (document) - {"base_tree", "tree"}:
            raise Refused (422, "Invalid tree info")
        for entry in entries:
            if set (entry) not in ({"path", "mode", "type", "content"}, {"path", "mode", "type", "sha"}) or entry ["type"] != "blob":
                raise Refused (422, "Must supply either tree.sha or tree.content, and mode and type")
            if entry ["mode"] not in ("100644", "100755", "120000"):
                raise Refused (422, "tree.mode is invalid")
        inline = [entry for entry in entries if "content" in entry]
        contents = [entry ["content"].encode () for entry in inline]
        if self.crlf:
            contents = [content.replace (b"\r\n", b"\n") for content in contents]
        for entry, name in zip (inline, repository.blobs (contents)):
            entry ["sha"] = name
        there = {entry ["path"] for entry in self.show_tree (repository, base, True) ["tree"]} if base else set ()
        for entry in entries:
            if entry ["sha"] is None and entry ["path"] not in there:
                raise Refused (422, "GitRPC::BadObjectState")
        made = repository.tree ([(entry ["mode"], entry ["sha"], entry ["path"]) for entry in entries], base)
        return 201, self.show_tree (repository, made, False)

    def put_blob (self, repository, document):
        self.check_empty (repository)
        content = document ["content"]
        raw = base64.b64decode (content, validate = True) if document.get ("encoding") == "base64" else content.encode ()
        return 201, {"sha": repository.blobs ([raw]) [0], "url": ""}

    def put_commit (self, repository, document):
        self.check_empty (repository)
        if not document.get ("message") or set (document) - {"message", "tree", "parents"}:
            raise Refused (422, "Invalid request.")
        if repository.line ("cat-file", "-t", document ["tree"]) != "tree":
            raise Refused (422, "Tree SHA does not exist")
        return 201, self.show_commit (repository, repository.commit (document ["tree"], document.get ("parents", []), document ["message"]))

    def move (self, repository, document, branch):
        self.check_empty (repository)
        head, sha = repository.head (branch), document ["sha"]
        if not head:
            raise Refused (422, "Reference does not exist")
        if repository.line ("cat-file", "-t", sha) != "commit":
            raise Refused (422, "Object does not exist")
        if not document.get ("force") and head not in repository.line ("rev-list", sha).split ():
            raise Refused (422, "Update is not a fast forward")
        repository.git ("update-ref", f"refs/heads/{branch}", sha)
        return 200, {"ref": f"refs/heads/{branch}", "object": {"type": "commit", "sha": sha}}

    def put_contents (self, repository, document, path):
        head, content = repository.head (), base64.b64decode (document ["content"], validate = True)
        if head and any (entry ["path"] == path for entry in self.show_tree (repository, head, True) ["tree"]):
            raise Refused (422, "Invalid request.\n\n\"sha\" wasn't supplied.")
        commit = repository.write ({path: content}, document ["message"])
        return 201, {"content": {"path": path}, "commit": self.show_commit (repository, commit)}
