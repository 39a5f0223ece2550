"""Five lanes of five APIs, faults of all kinds, and SIGKILL at random instants.

Promised: every job is done or rightly failed, every file is complete, and what is on our books is
what the server charged. The server is the stand-in provider in a process of its own, which keeps a
bill by job; it shares no code with the limits of the program, and is not killed.
"""

import collections
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))
import apis  # noqa: E402

BINARY = os.environ["RATEBATCH_BINARY"]
JOBS = int(os.environ.get("RATEBATCH_LANE_JOBS", "1500"))
KILLS = int(os.environ.get("RATEBATCH_LANE_KILLS", "25"))
SEED = int(os.environ.get("RATEBATCH_SEED", "20261122"))
WORKERS = 12

# Of 1,000 granted requests: 12 % in all.
FAULTS = {"error-rate": "5%", "reset-rate": "2%", "truncate-rate": "2%", "garbage-rate": "2%",
          "hang-rate": "1%"}

LANES = [("openai", "chat"), ("anthropic", "chat"), ("gemini", "image"), ("together", "image"),
         ("elevenlabs", "speech")]

# Attempts of these classes reached the server and were not charged for.
FREE = {"rate_limited", "server_error", "overloaded"}
# Of these nobody can know whether the server saw them: the program was killed meanwhile.
OPEN = {"unknown"}


def configuration(root):
    providers = "".join(f"  {api}-here: {{api: {api}, base_url: '{root}/{api}/v1', "
                        "keys: [env:TEST_KEY]}\n" for api, _ in LANES)
    models = "".join(f"  {api}: {{provider: {api}-here, id: {api}-model, kind: {kind}, "
                     "timeout: 1s, limits: none, price: {input: 1, output: 2, image: 0.01, "
                     "characters: 0.0001}}\n" for api, kind in LANES)
    return (f"providers:\n{providers}models:\n{models}"
            "retry:\n  server: {retries: 3, base: 1ms, max: 5ms}\n"
            "  concurrency: {retries: 3, base: 2ms, max: 10ms}\n"
            "breaker: {failures: 50, open: 1s}\n")


def job(number):
    api, kind = LANES[number % len(LANES)]
    line = {"id": f"{api}-{number}", "model": api, "prompt": f"write number {number}",
            "priority": number % 3}
    if kind == "speech":
        line["params"] = {"voice": "rachel"}
    if kind == "chat":
        line["params"] = {"max_tokens": 60}
    return line


class Server:
    """The stand-in provider in a process of its own."""

    def __init__(self, folder, options):
        self.process = subprocess.Popen(
            [BINARY, "sandbox", "--seed", str(SEED), *options], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, cwd=folder)
        self.root = self.process.stdout.readline().strip().removesuffix("/v1")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()

    def stats(self):
        with urllib.request.urlopen(self.root + "/stats", timeout=30) as reply:
            return json.load(reply)


class Place:
    """A folder with jobs, configuration and checkpoint."""

    def __init__(self, folder, root):
        self.folder = folder
        self.env = {name: value for name, value in os.environ.items() if name != "RATEBATCH_DB"}
        self.env["TEST_KEY"] = "sk-test-canary"
        with open(os.path.join(folder, "ratebatch.yaml"), "w", encoding="utf-8") as file:
            file.write(configuration(root))
        with open(os.path.join(folder, "jobs.jsonl"), "w", encoding="utf-8") as file:
            file.writelines(json.dumps(job(number)) + "\n" for number in range(JOBS))

    def start(self, *arguments):
        return subprocess.Popen([BINARY, *arguments], cwd=self.folder, env=self.env,
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def read(self, *arguments):
        done = subprocess.run([BINARY, *arguments], cwd=self.folder, env=self.env, check=True,
                              capture_output=True, text=True, timeout=100)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def query(self, sql):
        with sqlite3.connect(os.path.join(self.folder, "ratebatch.db")) as db:
            return db.execute(sql).fetchall()


class LanesTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        faults = [part for name, share in FAULTS.items() for part in ("--" + name, share)]
        self.server = Server(self.folder.name, ["--latency", "8ms", "--jitter", "6ms", "--concurrency", "5", *faults])
        self.addCleanup(self.server.__exit__)
        self.place = Place(self.folder.name, self.server.root)

    def kill_at_random(self):
        instants = random.Random(SEED)
        kills = 0
        while kills < KILLS:
            process = self.place.start("run", "jobs.jsonl", "--workers", str(WORKERS), "--quiet")
            try:
                # The instant of the kill is what this test draws, not something it waits for.
                process.wait(timeout=instants.uniform(0.02, 0.5))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                kills += 1
            process.communicate()
            if process.returncode in (0, 1):
                break
        return kills

    def run_to_the_end(self):
        for arguments in (["run", "jobs.jsonl"], ["retry", "--unknown"], ["resume"]):
            more = [] if arguments[0] == "retry" else ["--workers", str(WORKERS), "--quiet"]
            process = self.place.start(*arguments, *more)
            _, err = process.communicate(timeout=600)
            self.assertIn(process.returncode, (0, 1), err)

    def check_states(self, status, results):
        self.assertEqual(JOBS, status["jobs"]["done"] + status["jobs"]["failed"], status["jobs"])
        self.assertEqual(JOBS, len(results))
        self.assertEqual(JOBS, len({result["id"] for result in results}))
        for result in results:
            if result["status"] == "failed":
                # Rightly: it used up its retries, each time by a fault of the server.
                self.assertIn(result["error"]["class"],
                              ("server_error", "overloaded", "network", "timeout", "bad_reply"))
                self.assertGreaterEqual(result["attempts"], 4)

    def expected_files(self, result, root):
        """What a server of the same seed, but without faults, sends for this job."""
        api, number = result["id"].split("-")
        prompt, model = f"write number {number}", f"{api}-model"
        if api == "elevenlabs":
            return [apis.ElevenLabs(root).speech(model, prompt, "rachel", "mp3_44100_128")]
        return {"gemini": apis.Gemini, "together": apis.Together}[api](root).image(model, prompt)

    def check_files(self, results):
        """Each file is the server's, byte for byte, and nothing half-written is left."""
        named = set()
        with Server(self.folder.name, ["--latency", "0ms"]) as faultless:
            for result in results:
                if "files" not in result:
                    continue
                expected = self.expected_files(result, faultless.root)
                self.assertEqual(len(expected), len(result["files"]))
                for path, content in zip(result["files"], expected):
                    named.add(os.path.normpath(path))
                    with open(os.path.join(self.folder.name, path), "rb") as file:
                        self.assertEqual(content, file.read(), path)
        folder = os.path.join(self.folder.name, "ratebatch-assets")
        found = {os.path.relpath(os.path.join(where, name), self.folder.name)
                 for where, _, names in os.walk(folder) for name in names}
        # A job that failed in the end may have left the file of an answer that a kill forgot.
        left = {os.path.basename(name).rsplit(".", 1)[0] for name in found - named}
        failed = {result["id"] for result in results if result["status"] == "failed"}
        self.assertLessEqual(left, failed)

    def check_bill(self, stats):
        charged = collections.Counter(stats["bill"])
        certain = collections.Counter()
        possible = collections.Counter()
        for job_id, kind in self.place.query(
                "select jobs.id, class from attempts join jobs using (seq)"):
            if kind in OPEN:
                possible[job_id] += 1
            elif kind not in FREE:
                certain[job_id] += 1
        for job_id in {*charged, *certain}:
            low, high = certain[job_id], certain[job_id] + possible[job_id]
            self.assertTrue(low <= charged[job_id] <= high,
                            f"{job_id}: charged {charged[job_id]}, on our books {low} to {high}")
        self.assertEqual(stats["charged"], sum(charged.values()))
        return sum(charged.values()), sum(certain.values()), sum(possible.values())

    def test_every_job_ends_rightly_and_the_bill_is_the_servers(self):
        started = time.monotonic()
        kills = self.kill_at_random()
        self.run_to_the_end()
        status = self.place.read("status", "--json")[0]
        results = self.place.read("results")
        self.check_states(status, results)
        self.check_files(results)
        charged, certain, possible = self.check_bill(self.server.stats())
        cost = sum(row[0] for row in self.place.query("select cost_pico_usd from attempts"))
        self.assertAlmostEqual(cost / 1e12, status["cost_usd"], places=9)
        print(f"{JOBS} jobs, {len(LANES)} lanes, {kills} kills: {status['jobs']['done']} done, "
              f"{status['jobs']['failed']} failed after 4 faults each; the server charged "
              f"{charged}, on our books {certain} and {possible} that a kill left open; "
              f"{time.monotonic() - started:.1f} s")


if __name__ == "__main__":
    unittest.main()
