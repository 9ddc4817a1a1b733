# SPDX-License-Identifier: MPL-2.0
"""The store dies under writes: what was answered has happened, and has happened once."""
import concurrent.futures
import threading

WRITERS = 6
KILLS = 4


def test_a_write_counts_once_whoever_dies (fresh):
    system = fresh (RATE_LIMIT_PER_MINUTE = 100000)
    project = system.project ("kept files")
    path = f"/v1/projects/{project}/files"
    over = threading.Event ()

    def write (writer):
        answers = []
        while not over.is_set ():
            answers.append (system.request ("POST", path, {"path": f"src/{writer}.ts", "content": str (len (answers))}))
        return answers

    with concurrent.futures.ThreadPoolExecutor (WRITERS) as pool:
        written = [pool.submit (write, writer) for writer in range (WRITERS)]
        try:
            for _ in range (KILLS):
                system.wait_restarted ("store", system.kill ("store"))
        finally:
            over.set ()
        for writer, answers in enumerate (future.result () for future in written):
            statuses = [answer.status for answer in answers]
            assert set (statuses) <= {201, 503}, statuses
            versions = [answer.json ["version"] for answer in answers if answer.status == 201]
            assert len (versions) > KILLS and versions == sorted (set (versions)), versions
            # only a write whose outcome was not told may have happened besides
            last = system.request ("GET", f"{path}/src/{writer}.ts").json ["version"]
            assert len (versions) <= last <= len (versions) + statuses.count (503), (last, len (versions), statuses.count (503))


def test_one_idempotency_key_makes_one_project_whoever_dies (fresh):
    system = fresh (RATE_LIMIT_PER_MINUTE = 100000)
    made = {}

    def create (key):
        headers = {"Idempotency-Key": f"key-{key % 40}"}
        answer = system.request ("POST", "/v1/projects/", {"title": f"Project {key % 40}"}, headers = headers)
        if answer.status == 201:
            made.setdefault (key % 40, set ()).add (answer.json ["id"])
        return answer.status

    with concurrent.futures.ThreadPoolExecutor (8) as pool:
        statuses = [pool.submit (create, key) for key in range (400)]
        system.wait_restarted ("store", system.kill ("store"))
        assert {status.result () for status in statuses} <= {201, 409, 503}
    assert made and all (len (ids) == 1 for ids in made.values ()), made
    total = system.request ("GET", "/v1/projects/?page_size=1").json ["total"]
    assert total == len (made) or total <= 40 and 503 in {status.result () for status in statuses}
