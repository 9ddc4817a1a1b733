# SPDX-License-Identifier: MPL-2.0
"""The database itself: what users may reach in it (pgTAP, tests/sql), asked in a running system's own database."""
import re

import pytest

from support.system import ROOT

SQL = ROOT / "tests" / "sql"
AS_ADMINISTRATOR = {"anon"}             # the others as our processes log in


@pytest.fixture (scope = "module")
def database (system):
    system.psql ("-f", SQL / "support.sql", user = "postgres")
    return system


@pytest.mark.parametrize ("name", sorted (path.stem for path in SQL.glob ("*.sql") if path.stem != "support"))
def test_pgtap (database, name):
    output = database.psql ("-f", SQL / f"{name}.sql", user = "postgres" if name in AS_ADMINISTRATOR else "codeforge")
    planned = re.search (r"^1\.\.(\d+)$", output, re.M)
    passed = len (re.findall (r"^ok \d+", output, re.M))
    failed = re.findall (r"^not ok .*(?:\n#.*)*", output, re.M)
    assert planned and not failed and passed == int (planned [1]), f"{passed} passed\n" + ("\n".join (failed) or output [-3000:])


def test_a_users_role_ends_with_the_transaction (database):
    lines = database.psql ("-c", "begin", "-c", "select tap.become (tap.anne ())", "-c", "commit",
                  "-c", "select current_user = session_user and coalesce (current_setting ('request.jwt.claims', true), '') = ''")
    assert lines.split () [-1] == "t"


def test_one_message_holds_one_statement (database):
    """Our statements travel as extended-protocol messages, so that no value of a user's can append one that resets the role."""
    title = "x'); reset role; delete from public.projects; --"
    project = database.request ("POST", "/v1/projects/", {"title": title}).json
    assert project ["title"] == title
    assert database.request ("GET", f"/v1/projects/{project ['id']}").json ["title"] == title
