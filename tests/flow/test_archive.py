# SPDX-License-Identifier: MPL-2.0
"""A project taken away as an archive: whole and the same each time, or visibly broken; in bounded memory."""
import contextlib
import http.client
import io
import os
import random
import re
import shutil
import socket
import stat
import string
import tarfile
import threading
import uuid
import zipfile

import pytest

from support.system import System, wait_for

FORMATS = ("zip", "tar.gz")
TYPES = {"zip": "application/zip", "tar.gz": "application/gzip"}
FILES = {
    "README.md": "# Übersicht\n\n中文, emoji 🎈, combining e\u0301, \ttabs and\r\nboth kinds of line ends\n",
    "src/empty.ts": "",
    "src/long.txt": "".join (random.Random (1).choices (string.printable + "äß中🎈", k = 100_000)),
    "src/a/very/deep/path/to/main.ts": "export {};\n",
    "src/a-b.ts": "1", "src/a.ts": "2", "src/B.ts": "3", "src/" + "x" * 200 + "/" + "y" * 250 + ".ts": "4",
    "src/run.sh": "echo run\n", "src/tool": "#!/usr/bin/env node\n", "src/page.html": "<!doctype html><script>alert (1)</script>",
}
SCRIPTS = {"src/run.sh", "src/tool"}


def write (system, project, files):
    """Straight into the database, as the web app may write, too."""
    text = lambda value: "convert_from (decode ('" + value.encode ().hex () + "', 'hex'), 'UTF8')"
    rows = ", ".join (f"('{project}', {text (path)}, {text (content)})" for path, content in files.items ())
    system.psql ("-f", "-", stdin = f"insert into public.project_files (project_id, path, content) values {rows};")


def noise (seed, size):
    return "".join (random.Random (seed).choices (string.ascii_letters + string.digits + " \n", k = size))


def archive (system, project, form = None, **options):
    return system.request ("GET", f"/v1/projects/{project}/export/archive" + (f"?format={form}" if form else ""), **options)


def opened (form, content):
    """{path: (text, mode)} of an archive that Python's own readers find whole."""
    if form == "zip":
        with zipfile.ZipFile (io.BytesIO (content)) as zipped:
            assert zipped.testzip () is None
            return {row.filename: (zipped.read (row).decode (), row.external_attr >> 16) for row in zipped.infolist ()}
    with tarfile.open (fileobj = io.BytesIO (content), mode = "r:gz") as tar:
        rows = tar.getmembers ()
        assert all (row.uid == row.gid == 0 and row.uname == row.gname == "" for row in rows)
        return {row.name: (tar.extractfile (row).read ().decode (), stat.S_IFREG | row.mode) for row in rows}


def whole (form, content, files):
    found = opened (form, content)
    assert list (found) == sorted (files, key = str.encode)
    assert {path: text for path, (text, _) in found.items ()} == files
    return found


@pytest.fixture (scope = "module")
def project (system):
    made = system.project ("Ein Größenvergleich")
    for path, content in FILES.items ():
        if path.startswith ("src/"):
            assert system.request ("POST", f"/v1/projects/{made}/files", {"path": path, "content": content}).status == 201, path
    write (system, made, {path: content for path, content in FILES.items () if not path.startswith ("src/")})
    return made


@pytest.mark.parametrize ("form", FORMATS)
def test_an_archive_holds_the_project_byte_for_byte (system, project, form):
    answer = archive (system, project, form)
    assert answer.status == 200 and answer.headers ["Content-Type"] == TYPES [form] and answer.headers ["Cache-Control"] == "no-store"
    assert answer.headers ["Content-Disposition"] == \
        f"attachment; filename=\"ein-grosenvergleich.{form}\"; filename*=UTF-8''Ein%20Gr%C3%B6%C3%9Fenvergleich.{form}"
    found = whole (form, answer.body, FILES)
    assert {path: mode for path, (_, mode) in found.items ()} == {path: 0o100755 if path in SCRIPTS else 0o100644 for path in FILES}


@pytest.mark.parametrize ("form", FORMATS)
def test_the_same_files_give_the_same_bytes (system, project, form):
    first = archive (system, project, form).body
    assert archive (system, project, form).body == first
    other = system.project ("Another title", user = (stranger := str (uuid.uuid4 ())))
    write (system, other, dict (reversed (FILES.items ())))
    assert archive (system, other, form, user = stranger).body == first
    write (system, other, {"src/more.ts": ""})
    assert archive (system, other, form, user = stranger).body != first


def test_zip_is_the_default_and_there_are_no_others (system, project):
    assert archive (system, project).body == archive (system, project, "zip").body
    for form in ("rar", "tar", "ZIP", "zip%00", ""):
        answer = system.request ("GET", f"/v1/projects/{project}/export/archive?format={form}")
        assert answer.status == 400 and answer.json ["error"] == "VALIDATION_ERROR" and answer.json ["details"] ["field"] == "format"


def test_a_head_says_what_a_get_would (system, project):
    answer = system.request ("HEAD", f"/v1/projects/{project}/export/archive?format=tar.gz")
    assert answer.status == 200 and answer.headers ["Content-Type"] == "application/gzip" and answer.body == b""
    assert system.request ("HEAD", f"/v1/projects/{uuid.uuid4 ()}/export/archive").status == 404


def test_others_and_nobody_get_nothing (system, project):
    strangers, unknown = archive (system, project, user = str (uuid.uuid4 ())), archive (system, uuid.uuid4 ())
    assert strangers.status == unknown.status == 404 and strangers.json ["error"] == "RESOURCE_NOT_FOUND"
    assert archive (system, project, user = None).status == 401
    assert archive (system, "7").status == 400


def test_there_must_be_something_to_export (system):
    answer = archive (system, system.project ())
    assert answer.status == 400 and answer.json ["error"] == "VALIDATION_ERROR" and answer.json ["details"] ["field"] == "project_id"


def test_archived_projects_can_be_taken_away (system):
    project = system.project ()
    write (system, project, {"src/a.ts": "kept"})
    assert system.request ("DELETE", f"/v1/projects/{project}").status == 200
    whole ("zip", archive (system, project).body, {"src/a.ts": "kept"})


def test_what_the_web_app_wrote (system):
    """Names in any script are kept; a path that would lead out of the folder spoils the export before its first byte."""
    project, files = system.project ("日本語"), {"src/日本語 é.ts": "1", "docs/a b.md": "2"}
    write (system, project, files)
    for form in FORMATS:
        answer = archive (system, project, form)
        assert answer.headers ["Content-Disposition"].endswith (f"filename=\"app.{form}\"; filename*=UTF-8''%E6%97%A5%E6%9C%AC%E8%AA%9E.{form}")
        whole (form, answer.body, files)
    for path in ("../out", "/etc/out", "src/../../out", "a\\b"):
        spoilt = system.project ()
        write (system, spoilt, {"src/a.ts": "", path: ""})
        answer = archive (system, spoilt)
        assert answer.status == 400 and answer.json ["details"] ["field"] == "path", path


# ---- the command

def export (system, project, target, *options, user = None):
    return system.codeforge ("export", str (project), str (target), "--user", user or system.user, *options)


def tree (folder):
    return {str (path.relative_to (folder)): path.read_bytes ().decode () for path in folder.rglob ("*") if path.is_file ()}


def test_export_to_a_folder (system, project, tmp_path):
    folder = tmp_path / "new" / "folder"
    done = export (system, project, folder)
    size = sum (len (content.encode ()) for content in FILES.values ())
    assert done.returncode == 0 and done.stdout == f"{folder}\n{len (FILES)} files, {size} bytes\n", done.stderr
    assert tree (folder) == FILES
    assert {str (path.relative_to (folder)) for path in folder.rglob ("*") if path.is_file () and os.access (path, os.X_OK) and path.stat ().st_mode & 0o100} == SCRIPTS


def test_export_writes_over_nothing_unasked (system, project, tmp_path):
    (tmp_path / "mine.txt").write_text ("mine")
    (tmp_path / "README.md").write_text ("mine, too")
    (tmp_path / "elsewhere").mkdir ()
    done = export (system, project, tmp_path)
    assert done.returncode == 73 and "not empty" in done.stderr and "--force" in done.stderr
    assert sorted (path.name for path in tmp_path.iterdir ()) == ["README.md", "elsewhere", "mine.txt"]
    (tmp_path / "README.md").unlink ()
    (tmp_path / "README.md").symlink_to (tmp_path / "elsewhere" / "target")
    assert export (system, project, tmp_path, "--force").returncode == 0
    assert tree (tmp_path) == {**FILES, "mine.txt": "mine"} and not (tmp_path / "README.md").is_symlink ()


def test_export_follows_no_link (system, project, tmp_path):
    folder, outside = tmp_path / "folder", tmp_path / "outside"
    folder.mkdir ()
    outside.mkdir ()
    (folder / "src").symlink_to (outside)
    done = export (system, project, folder, "--force")
    assert done.returncode == 73 and "src/" in done.stderr and not list (outside.iterdir ())


@pytest.mark.parametrize ("form", FORMATS)
def test_export_to_a_file (system, project, tmp_path, form):
    target = tmp_path / f"project.{form}"
    done = export (system, project, target)
    assert done.returncode == 0 and target.read_bytes () == archive (system, project, form).body, done.stderr
    again = export (system, project, target)
    assert again.returncode == 73 and "--force" in again.stderr
    target.write_text ("another")
    assert export (system, project, target, "--force").returncode == 0
    assert target.read_bytes () == archive (system, project, form).body
    assert [path.name for path in tmp_path.iterdir ()] == [target.name]


def test_export_says_what_is_wrong (system, project, tmp_path):
    empty = system.project ()
    (tmp_path / "file").write_text ("")
    for arguments, code, words in (((project, tmp_path / "a", "--user", str (uuid.uuid4 ())), 1, "404"), ((empty, tmp_path / "a.zip"), 1, "no files"),
                                   (("7", tmp_path / "a"), 64, "UUID"), ((project, tmp_path / "file"), 64, "no folder"),
                                   ((project, tmp_path / "none" / "a.zip"), 73, "No such file"), ((project, "/proc/none"), 73, "/proc/none")):
        done = system.codeforge ("export", *map (str, arguments), *([] if "--user" in arguments else ["--user", system.user]))
        assert done.returncode == code and words in done.stderr, done.stderr
    for arguments in (("export",), ("export", project), ("export", project, tmp_path / "a", "b"), ("export", project, tmp_path / "a", "--none")):
        assert system.codeforge (*map (str, arguments)).returncode == 64
    assert sorted (path.name for path in tmp_path.iterdir ()) == ["file"]
    assert "FILE.zip" in system.codeforge ("help", "export").stdout


def test_export_of_what_cannot_stand_side_by_side (system, tmp_path):
    """A file and a folder of the same name fit an archive, but no folder."""
    project = system.project ()
    write (system, project, {"src/a": "file", "src/a/b": "below"})
    done = export (system, project, tmp_path / "out")
    assert done.returncode == 73 and "src/a/b" in done.stderr


# ---- a large one

LARGE = {f"src/part {number:03}/" + "d" * (number % 90) + ".txt": noise (number, 100_000) for number in range (500)}


@pytest.fixture (scope = "module")
def frugal ():
    """One edge, whose sanitizer keeps little of what was freed, so that its memory can be looked at."""
    options = ":".join (filter (None, (os.environ.get ("ASAN_OPTIONS"), "quarantine_size_mb=1:thread_local_quarantine_size_kb=64")))
    with System (EDGE_INSTANCES = 1, ASAN_OPTIONS = options) as running:
        running.large = running.project ("Fifty megabytes")
        for number in range (0, 500, 50):
            write (running, running.large, dict (list (LARGE.items ()) [number : number + 50]))
        yield running


def peak_kb (pid):
    return int (re.search (r"VmHWM:\s+(\d+) kB", open (f"/proc/{pid}/status").read ()) [1])


def test_five_hundred_files_in_bounded_memory (frugal):
    project = frugal.project ("Small")
    write (frugal, project, {"src/a.ts": "1"})
    for form in FORMATS:                # what is loaded once is there before
        assert archive (frugal, project, form).status == 200
    pid = frugal.pid ("edge")
    before = peak_kb (pid)
    for form in FORMATS:
        whole (form, archive (frugal, frugal.large, form).body, LARGE)
    grown = (peak_kb (pid) - before) / 1024
    print (f"the edge grew by {grown:.1f} MB for 2 x 50 MB")
    assert frugal.pid ("edge") == pid and grown < 24


def ask (system, project, form = "zip"):
    """A connection on which the archive was asked for, with a small buffer for what comes."""
    sock = socket.socket ()
    sock.setsockopt (socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect (("127.0.0.1", system.port))
    connection = http.client.HTTPConnection ("127.0.0.1", system.port)
    connection.sock = sock
    connection.request ("GET", f"/v1/projects/{project}/export/archive?format={form}", headers = system.headers ("", None, None))
    return connection, connection.getresponse ()


def test_a_slow_reader_gets_it_all (frugal):
    connection, response = ask (frugal, frugal.large)
    parts = [response.read (1 << 20)]
    for _ in range (20):                # the others are served meanwhile
        assert frugal.request ("GET", "/v1/projects/").status == 200
    while parts [-1]:
        parts.append (response.read (1 << 20))
    connection.close ()
    whole ("zip", b"".join (parts), LARGE)


def test_a_reader_that_leaves_is_not_worked_for (frugal):
    for _ in range (12):                # more than one user may have at once
        connection, response = ask (frugal, frugal.large)
        if response.status == 503:      # the last one that left is being noticed
            response.read ()
            wait_for (lambda: archive (frugal, frugal.large).status == 200, "a place to be free")
        else:
            assert response.read (100_000)
        connection.close ()
    whole ("zip", archive (frugal, frugal.large).body, LARGE)


def taken (system, form, meanwhile):
    """Whether an archive came whole although meanwhile () was called in its middle; where not, no reader must take it for one."""
    connection, response = ask (system, system.large, form)
    parts = [response.read (1 << 16)]
    meanwhile ()
    try:
        while parts [-1]:
            parts.append (response.read (1 << 20))
    except (http.client.IncompleteRead, ConnectionError) as error:
        parts.append (getattr (error, "partial", b""))
        with pytest.raises ((zipfile.BadZipFile, EOFError, tarfile.ReadError)):
            opened (form, b"".join (parts))
        return False
    finally:
        connection.close ()
    whole (form, b"".join (parts), LARGE)
    return True


@pytest.mark.parametrize ("victim", ["store", "broker", "postgres"])
def test_what_is_killed_is_waited_for (frugal, victim):
    assert taken (frugal, "tar.gz", lambda: frugal.kill (victim))


@pytest.mark.parametrize ("form", FORMATS)
def test_what_cannot_be_finished_is_no_archive (frugal, form):
    owner = "update public.projects set user_id = '{}' where id = '{}'".format
    assert not taken (frugal, form, lambda: frugal.sql (owner (uuid.uuid4 (), frugal.large)))
    frugal.sql (owner (frugal.user, frugal.large))
    assert frugal.request ("GET", "/v1/projects/").status == 200


def test_export_of_a_large_one (frugal, tmp_path):
    done = export (frugal, frugal.large, tmp_path)
    assert done.returncode == 0 and tree (tmp_path) == LARGE, done.stderr


# ---- the command before a server that is not ours

@contextlib.contextmanager
def answering (head, body):
    """A system that does not run, in whose place every request gets these bytes."""
    with socket.create_server (("127.0.0.1", 0)) as server:
        def serve ():
            with contextlib.suppress (OSError):
                while True:
                    client, _ = server.accept ()
                    with client:
                        while b"\r\n\r\n" not in client.recv (65536):
                            pass
                        client.sendall (b"HTTP/1.1 200 OK\r\nContent-Type: application/gzip\r\n" + head + b"\r\n\r\n" + body)
        thread = threading.Thread (target = serve)
        thread.start ()
        system = System (PORT = server.getsockname () [1])
        try:
            yield system
        finally:
            server.shutdown (socket.SHUT_RDWR)
            thread.join ()
            shutil.rmtree (system.home)


def packed (*members):
    """A tar.gz of (path, type, link) or (path, content)."""
    into = io.BytesIO ()
    with tarfile.open (fileobj = into, mode = "w:gz") as tar:
        for path, *rest in members:
            row = tarfile.TarInfo (path)
            content = rest [0] if isinstance (rest [0], bytes) else b""
            if not isinstance (rest [0], bytes) or len (rest) > 1:
                row.type, row.linkname = rest
            row.size = len (content) if row.isreg () else 0
            tar.addfile (row, io.BytesIO (content))
    return into.getvalue ()


@pytest.mark.parametrize ("target", ["folder", "a.tar.gz"])
def test_export_keeps_nothing_of_a_broken_transfer (tmp_path, target):
    content = packed (*((f"src/{number}", noise (number, 1000).encode ()) for number in range (50)))
    cut = content [:len (content) // 2]
    for head, body in ((b"Transfer-Encoding: chunked", b"%x\r\n%s\r\n" % (len (cut), cut)), (b"Content-Length: %d" % len (content), cut)):
        with answering (head, body) as system:
            done = export (system, uuid.uuid4 (), tmp_path / target, user = str (uuid.uuid4 ()))
        assert done.returncode == 69 and "did not come whole" in done.stderr, done.stderr
        assert not list (tmp_path.iterdir ())


@pytest.mark.parametrize ("members", [
    [("../out", b"bad")], [("/tmp/cf-out", b"bad")], [("a/../../out", b"bad")], [("a\x1b[2J", b"bad")],
    [("a", tarfile.SYMTYPE, ".."), ("a/out", b"bad")], [("ok", b"good"), ("a", tarfile.LNKTYPE, "ok")], [("a", tarfile.DIRTYPE, "")],
    [("a", tarfile.FIFOTYPE, "")]])
def test_export_trusts_no_path (tmp_path, members):
    content = packed (*members)
    with answering (b"Content-Length: %d" % len (content), content) as system:
        done = export (system, uuid.uuid4 (), tmp_path / "in" / "folder", user = str (uuid.uuid4 ()))
    assert done.returncode == 73 and "\x1b" not in done.stderr, done.stderr
    assert set (tree (tmp_path)) <= {"in/folder/ok"} and not os.path.exists ("/tmp/cf-out")
