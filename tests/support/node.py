# SPDX-License-Identifier: MPL-2.0
"""node - Node programs of tests/support/NAME with the packages that their package-lock.json pins, installed into the build folder.

    browser = node.Program ("browser", "docs.mjs", needs = "playwright-core")       # skips the test, by name, without Node >= 20
    browser.run (URL, …)                                                            # what it prints, as JSON
"""
import hashlib
import json
import os
import pathlib
import shutil
import subprocess

import pytest

from support.system import BIN

SUPPORT = pathlib.Path (__file__).resolve ().parent
BUILD = pathlib.Path (os.environ.get ("CF_BUILD", BIN.parent))


def version ():
    if not shutil.which ("node") or not shutil.which ("npm"):
        return 0
    return int (subprocess.run (["node", "--version"], capture_output = True, text = True).stdout.lstrip ("v").split (".") [0] or 0)


class Program:
    def __init__ (self, name, script, needs):
        if version () < 20:
            pytest.skip (f"{needs}: Node >= 20 is not there")
        sources, self.folder, self.script = SUPPORT / name, BUILD / name, script
        self.folder.mkdir (parents = True, exist_ok = True)
        stamp, wanted = self.folder / "installed", hashlib.sha256 ((sources / "package-lock.json").read_bytes ()).hexdigest ()
        for file in ("package.json", "package-lock.json", script):
            shutil.copyfile (sources / file, self.folder / file)
        if not stamp.exists () or stamp.read_text () != wanted:
            done = subprocess.run (["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd = self.folder, capture_output = True,
                                   text = True, timeout = 300)
            assert done.returncode == 0, done.stderr [-2000:]
            stamp.write_text (wanted)

    def run (self, *arguments, timeout = 240):
        """What it prints, once it has ended."""
        done = subprocess.run (["node", self.script, *map (str, arguments)], cwd = self.folder, capture_output = True, text = True, timeout = timeout)
        assert done.returncode == 0 and done.stdout, done.stderr [-3000:]
        return json.loads (done.stdout)

    def start (self, *arguments, **options):
        """It, running, with pipes of text for its output and, to end it by, its input."""
        return subprocess.Popen (["node", self.script, *map (str, arguments)], cwd = self.folder, stdin = subprocess.PIPE,
                                 stdout = subprocess.PIPE, text = True, **options)
