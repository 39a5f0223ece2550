"""Kills the real program with SIGKILL at random instants, against a server that keeps the bill.

Promised: nothing that was stored is lost, no job has two results, at most `workers` requests per
kill are sent again, and the totals of `status` are exact.
"""

import json
import os
import random
import signal
import sqlite3
import subprocess
import tempfile
import time
import unittest

from bill_server import BillServer

BINARY = os.environ["RATEBATCH_BINARY"]
KILLS = int(os.environ.get("RATEBATCH_KILLS", "100"))
SEED = int(os.environ.get("RATEBATCH_SEED", "20261122"))
WORKERS = 8
JOBS = 3000


class Batch:
    """A folder with a job file, a configuration and a checkpoint."""

    def __init__(self, folder, base_url, jobs):
        self.folder = folder
        self.env = dict(os.environ, TEST_KEY="sk-test-canary", RATEBATCH_DB="")
        del self.env["RATEBATCH_DB"]
        with open(os.path.join(folder, "ratebatch.yaml"), "w", encoding="utf-8") as file:
            file.write(f"providers:\n  here:\n    api: openai\n    base_url: {base_url}\n"
                       "    keys: [env:TEST_KEY]\n"
                       "models:\n  m:\n    provider: here\n    timeout: 5s\n"
                       "retry:\n  server: {retries: 8, base: 1ms, max: 5ms}\n")
        with open(os.path.join(folder, "jobs.jsonl"), "w", encoding="utf-8") as file:
            for i in range(jobs):
                line = {"id": f"job-{i}", "model": "m", "prompt": f"write {i}",
                        "priority": i % 3}
                file.write(json.dumps(line) + "\n")

    def start(self, *arguments):
        return subprocess.Popen([BINARY, *arguments], cwd=self.folder, env=self.env,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def finish(self, *arguments):
        process = self.start(*arguments)
        out, err = process.communicate(timeout=100)
        return process.returncode, out.decode(), err.decode()

    def status(self):
        code, out, err = self.finish("status", "--json")
        assert code == 0, err
        return json.loads(out)

    def results(self):
        code, out, err = self.finish("results")
        assert code == 0, err
        return [json.loads(line) for line in out.splitlines()]


class KillTest(unittest.TestCase):
    def check_books(self, batch, server, kills):
        """Compares status, results, the database's rows and the server's bill."""
        status = batch.status()
        results = batch.results()
        self.assertEqual(status["jobs"]["done"], JOBS)
        self.assertEqual(status["jobs"]["total"], JOBS)
        self.assertEqual(len(results), JOBS)
        self.assertEqual(len({result["id"] for result in results}), JOBS)
        for result in results:
            self.assertEqual(result["text"], f"answer to {result['id']}")
            self.assertGreaterEqual(server.answered[result["id"]], 1)

        calls = status["calls"]
        self.assertLessEqual(calls["resent"], kills * WORKERS)
        # A start may be on record without its request having left; never the other way round.
        arrived = sum(server.arrived.values())
        self.assertLessEqual(arrived, calls["sent"])
        self.assertLessEqual(calls["sent"] - arrived, kills * WORKERS)
        with sqlite3.connect(os.path.join(batch.folder, "ratebatch.db")) as db:
            (attempts,) = db.execute("select count(*) from attempts").fetchone()
            (results_stored,) = db.execute("select count(*) from results").fetchone()
            (check,) = db.execute("pragma integrity_check").fetchone()
        self.assertEqual(attempts, calls["sent"])
        self.assertEqual(results_stored, JOBS)
        self.assertEqual(check, "ok")
        return calls

    def run_kills(self, fault_share):
        instants = random.Random(SEED)
        with tempfile.TemporaryDirectory() as folder, BillServer(
                seed=SEED, fault_share=fault_share) as server:
            batch = Batch(folder, server.base_url, JOBS)
            kills = 0
            exposed = 0
            while kills < KILLS:
                # `run` with the same file is what a line in cron does; it equals `resume`.
                arguments = ["run", "jobs.jsonl"] if kills % 2 == 0 else ["resume"]
                if kills == 0:
                    arguments = ["run", "jobs.jsonl"]
                process = batch.start(*arguments, "--workers", str(WORKERS), "--quiet")
                try:
                    # The instant of the kill is what this test draws, not something it waits for.
                    process.wait(timeout=instants.uniform(0.0, 0.12))
                except subprocess.TimeoutExpired:
                    process.send_signal(signal.SIGKILL)
                    process.wait()
                    kills += 1
                process.stdout.close()
                process.stderr.close()
                if not os.path.exists(os.path.join(folder, "ratebatch.db")):
                    continue
                code, out, err = batch.finish("status", "--json")
                if code == 2:  # Killed before the first load was stored.
                    continue
                self.assertEqual(code, 0, err)
                status = json.loads(out)
                jobs = status["jobs"]
                # Killed between the making of the database and the commit of the load: no jobs yet.
                if jobs["total"] == 0:
                    continue
                self.assertEqual(jobs["total"], JOBS)
                self.assertEqual(sum(value for name, value in jobs.items()
                                     if name not in ("total", "truncated", "changed")), JOBS)
                # Requests that were, or will have to be, sent again: one kill adds one per worker.
                before = exposed
                exposed = status["calls"]["resent"] + jobs["unknown"] + jobs["held"]
                self.assertLessEqual(exposed - before, WORKERS)
            started = time.monotonic()
            code, _, err = batch.finish("run", "jobs.jsonl", "--workers", str(WORKERS), "--quiet")
            self.assertIn(code, (0, 1), err)
            # Jobs that were caught by three kills in a row wait for a person's word.
            if batch.status()["jobs"]["held"] > 0:
                self.assertEqual(batch.finish("retry", "--unknown")[0], 0)
                code, _, err = batch.finish("resume", "--workers", str(WORKERS), "--quiet")
            self.assertEqual(code, 0, err)
            calls = self.check_books(batch, server, kills)
            print(f"{kills} kills: {JOBS} done, 0 lost, 0 doubled, {calls['sent']} sent, "
                  f"{calls['resent']} resent (at most {kills * WORKERS}); last run "
                  f"{time.monotonic() - started:.1f} s")

    def test_a_hundred_kills_lose_nothing_and_double_nothing(self):
        self.run_kills(fault_share=0.0)

    def test_kills_amid_resets_errors_and_cut_answers(self):
        self.run_kills(fault_share=0.03)


if __name__ == "__main__":
    unittest.main()
