# SPDX-License-Identifier: MPL-2.0
"""ops/install: nothing to do is fast and needs nobody; what it cannot do it says, with the exit code of sysexits."""

import os
import pathlib
import pwd
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
INSTALL = ROOT / "ops" / "install"
NOBODY = pwd.getpwnam("nobody")


def run(*arguments, path=None, user=None):
    environment = dict(os.environ, http_proxy="http://127.0.0.1:9", https_proxy="http://127.0.0.1:9")
    if path:
        environment["PATH"] = str(path)
    return subprocess.run(["/bin/bash", str(INSTALL), *arguments], env=environment, user=user, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60)


@pytest.fixture
def tools(tmp_path):
    """A PATH with what the script uses, without apt-get and sudo, where dpkg-query knows of no package."""
    for name in ["awk", "basename", "df", "dirname", "grep", "id", "sed", "sort", "tail", "mktemp", "rm", "cat", "chmod"]:
        (tmp_path / name).symlink_to(shutil.which(name))
    query = tmp_path / "dpkg-query"
    query.write_text("#!/bin/sh\nexit 1\n")
    query.chmod(0o755)
    for folder in [tmp_path, *tmp_path.parents]:        # so that another user, too, finds the tools
        if folder.owner() == tmp_path.owner() and not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o011)
    return tmp_path


def test_does_nothing_where_all_is_there():
    run("--test")
    done = run("--test")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_refuses_unknown_arguments():
    assert run("--everything").returncode == 64
    assert run("--test", "--test").returncode == 64


def test_explains_itself():
    done = run("--help")
    assert done.returncode == 0
    assert "pgvector" in done.stdout


def test_says_that_the_system_has_no_apt(tools):
    done = run(path=tools)
    assert done.returncode == 69
    assert "no apt" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes nobody, which takes root")
def test_says_that_it_needs_root(tools):
    (tools / "apt-get").symlink_to("/bin/false")
    done = run(path=tools, user=NOBODY.pw_uid)
    assert done.returncode == 77
    assert f"su -c '{INSTALL}'" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="would ask for a password otherwise")
def test_passes_on_what_apt_says(tools):
    (tools / "apt-get").write_text("#!/bin/sh\necho 'E: Failed to fetch http://mirror/x'\nexit 100\n")
    (tools / "apt-get").chmod(0o755)
    (tools / "apt-cache").symlink_to("/bin/true")
    (tools / "env").symlink_to(shutil.which("env"))
    done = run(path=tools)
    assert done.returncode == 69
    assert "Failed to fetch" in done.stderr and "mirror cannot be reached" in done.stderr


def test_the_package_list_is_well_formed():
    for line in (ROOT / "ops" / "packages.txt").read_text().splitlines():
        assert not line or line.startswith("#") or re.match(r"(run|test) +[a-z0-9.+-]+  +\S", line), line
