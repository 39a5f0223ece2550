"""What a run refuses: one clear message, the right exit code, and nothing changed."""

import contextlib
import hashlib
import http.server
import json
import os
import sqlite3
import threading

import harness
from harness import CANARY, CliTestCase


@contextlib.contextmanager
def redirecting_server():
    """Answers every request with a redirect to another address; yields its base_url."""
    class Redirect(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(301)
            self.send_header("Location", "https://elsewhere.example/v1")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Redirect)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()


class RefusalTest(CliTestCase):
    def setUp(self):
        super().setUp()
        self.write_config()
        self.write_jobs(3)
        self.before = self.files()

    def refused(self, code, *arguments, **options):
        finished = self.run_cli(*arguments, **options)
        self.check_code(finished, code)
        self.assertEqual("", finished.stdout)
        return finished.stderr

    def digest(self, name):
        with open(self.path(name), "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()

    def test_a_bad_line_is_named_and_nothing_is_made(self):
        with open(self.path("jobs.jsonl"), "a", encoding="utf-8") as file:
            file.write('{"id":"x","modle":"small","prompt":"y"}\n{"id":"z"\n')
        text = self.refused(2, "run", "jobs.jsonl", "--sandbox")
        self.assertRegex(text, r"(?m)^jobs\.jsonl:4: .*modle.*model")
        self.assertRegex(text, r"(?m)^jobs\.jsonl:5: ")
        self.assertIn("--skip-invalid", text)
        self.assertEqual(self.before, self.files())

    def test_bad_lines_can_be_passed_over(self):
        with open(self.path("jobs.jsonl"), "a", encoding="utf-8") as file:
            file.write('{"id":"x"}\n')
        finished = self.run_cli("run", "jobs.jsonl", "--sandbox", "--skip-invalid")
        self.check_code(finished, 0)
        self.assertIn("loaded 3 jobs, 1 rejected\n", finished.stderr)
        self.assertEqual('{"id":"x"}\n', self.read("jobs.jsonl.rejects.jsonl"))

    def test_a_bad_file_leaves_a_checkpoint_as_it_was(self):
        self.check_code(self.run_cli("run", "jobs.jsonl", "--sandbox", "-q"), 0)
        jobs = self.status()["jobs"]
        self.write("more.jsonl", '{"id":"new","model":"small","prompt":"y"}\n{"id":"z"}\n')
        self.assertIn("more.jsonl:2: ", self.refused(2, "run", "more.jsonl", "--sandbox"))
        self.assertEqual(jobs, self.status()["jobs"])

    def test_a_missing_job_file_is_named(self):
        text = self.refused(2, "run", "no.jsonl", "--sandbox")
        self.assertIn("no.jsonl", text)
        self.assertEqual(self.before, self.files())

    def test_a_wrong_configuration_is_named_by_file_and_line(self):
        self.write("ratebatch.yaml", "workers: 4\nmodells: {}\n")
        text = self.refused(2, "run", "jobs.jsonl", "--sandbox")
        self.assertIn("ratebatch.yaml:2: ", text)
        self.assertIn("models", text)
        self.assertEqual(self.before, self.files())

    def test_a_configuration_that_is_named_must_be_there(self):
        self.assertIn("no.yaml", self.refused(2, "run", "jobs.jsonl", "--config", "no.yaml"))
        env = {"RATEBATCH_CONFIG": "env.yaml"}
        self.assertIn("env.yaml", self.refused(2, "run", "jobs.jsonl", env=env))
        self.assertEqual(self.before, self.files())

    def test_a_missing_key_stops_before_anything_is_made(self):
        text = self.refused(77, "run", "jobs.jsonl")
        self.assertIn("TEST_API_KEY", text)
        self.assertIn("--sandbox", text)
        self.assertEqual(self.before, self.files())

    def test_only_loading_needs_no_key(self):
        self.check_code(self.run_cli("run", "jobs.jsonl", "--max-jobs", "0", "-q"), 75)
        self.assertEqual(3, self.status()["jobs"]["pending"])
        self.assertIn("TEST_API_KEY", self.refused(77, "resume"))

    def test_a_missing_key_leaves_a_checkpoint_as_it_was(self):
        sandbox, base_url = self.start_sandbox("--latency", "1ms")
        self.write_config(base_url)
        self.check_code(self.run_cli("run", "jobs.jsonl", "-q", env={"TEST_API_KEY": CANARY}), 0)
        self.write_jobs(4)
        self.assertIn("TEST_API_KEY", self.refused(77, "run", "jobs.jsonl"))
        self.assertEqual(3, self.status()["jobs"]["total"])
        self.check_code(self.run_cli("run", "jobs.jsonl", "-q", env={"TEST_API_KEY": CANARY}), 0)
        self.assertEqual(4, self.status()["jobs"]["done"])

    def test_a_folder_that_output_cannot_go_to_is_found_at_the_start(self):
        text = self.refused(2, "run", "jobs.jsonl", "--sandbox", "-o", "no/out.jsonl")
        self.assertIn("no/out.jsonl", text)
        self.assertEqual(self.before, self.files())

    def test_a_folder_of_the_log_that_is_not_there_is_not_made(self):
        text = self.refused(2, "run", "jobs.jsonl", "--sandbox", "--log-file", "no/run.log")
        self.assertIn("no/run.log", text)
        self.assertEqual(self.before, self.files())

    def test_a_folder_for_images_that_cannot_be_is_found_before_anything_is_sent(self):
        self.write_config(extra="assets: /dev/null/images\n")
        self.write("images.jsonl",
                   '{"id":"i","model":"openai/gpt-image-1","prompt":"a lighthouse"}\n')
        text = self.refused(2, "run", "images.jsonl", "--sandbox")
        self.assertIn("/dev/null/images", text)
        self.assertNotIn("ratebatch.db", self.files())

    def test_a_checkpoint_whose_first_load_was_killed_is_not_called_done(self):
        self.check_code(self.run_cli("run", "jobs.jsonl", "--sandbox=latency=1ms"), 0)
        with sqlite3.connect(self.path("ratebatch.db")) as db:
            for table in ("results", "attempts", "states", "jobs", "state_counts",
                          "route_totals", "files"):
                db.execute(f"delete from {table}")
        self.assertIn("holds no jobs", self.refused(2, "resume"))
        self.check_code(self.run_cli("run", "jobs.jsonl", "--sandbox=latency=1ms"), 0)

    def test_a_database_of_another_program_stays_untouched(self):
        connection = sqlite3.connect(self.path("other.db"))
        connection.execute("create table songs (title text)")
        connection.commit()
        connection.close()
        digest = self.digest("other.db")
        before = self.files()
        for command in (["run", "jobs.jsonl", "--sandbox"], ["resume"], ["status"], ["results"],
                        ["retry", "--failed"]):
            with self.subTest(command):
                self.assertIn("other.db", self.refused(2, *command, "--db", "other.db"))
        self.assertEqual(digest, self.digest("other.db"))
        self.assertEqual(before, self.files())

    def test_a_file_that_is_no_database_stays_untouched(self):
        self.write("notes.db", "Buy milk.\n" * 100)
        self.assertIn("notes.db", self.refused(2, "run", "jobs.jsonl", "--db", "notes.db"))
        self.assertEqual("Buy milk.\n" * 100, self.read("notes.db"))

    def test_a_checkpoint_of_a_newer_version_stays_untouched(self):
        self.check_code(self.run_cli("run", "jobs.jsonl", "--sandbox", "-q"), 0)
        connection = sqlite3.connect(self.path("ratebatch.db"))
        version = connection.execute("pragma user_version").fetchone()[0]
        connection.execute(f"pragma user_version = {version + 1}")
        connection.commit()
        connection.close()
        digest = self.digest("ratebatch.db")
        for command in (["run", "jobs.jsonl", "--sandbox"], ["resume"], ["status"]):
            with self.subTest(command):
                self.assertIn("newer", self.refused(2, *command))
        self.assertEqual(digest, self.digest("ratebatch.db"))

    def test_rehearsal_and_reality_do_not_mix(self):
        self.check_code(self.run_cli("run", "jobs.jsonl", "--sandbox", "-q"), 0)
        text = self.refused(2, "run", "jobs.jsonl", env={"TEST_API_KEY": CANARY})
        self.assertIn("SANDBOX", text)
        self.assertIn("--db", text)

        sandbox, base_url = self.start_sandbox("--latency", "1ms")
        self.write_config(base_url)
        live = ["--db", "live.db"]
        self.check_code(self.run_cli("run", "jobs.jsonl", *live, env={"TEST_API_KEY": CANARY}), 0)
        self.assertNotIn("SANDBOX", self.run_cli("status", *live).stdout)
        for command in (["run", "jobs.jsonl", "--sandbox"], ["resume", "--sandbox"]):
            text = self.refused(2, *command, *live)
            self.assertIn("use another --db", text)
        self.assertEqual(3, self.stats(base_url)["granted"])

    def test_a_refused_key_is_a_persons_business_and_fails_no_job(self):
        finished = self.run_cli("run", "jobs.jsonl", "--sandbox=require_key=another", "--json",
                                "--log-file", "run.log")
        self.check_code(finished, 77)
        self.assertIn("warning: key TEST_API_KEY is no longer used: refused_key: ", finished.stderr)
        self.assertRegex(self.read("run.log"), r"error key_refused key=TEST_API_KEY model=small ")
        summary = finished.json_lines()[-1]
        self.assertEqual(("no_key", 77, 3, 0),
                         (summary["reason"], summary["exit_code"], summary["jobs"]["pending"],
                          summary["jobs"]["failed"]))


    def test_a_server_that_only_redirects_stops_the_run(self):
        with redirecting_server() as base_url:
            self.write_config(base_url)
            self.write_jobs(40)
            finished = self.run_cli("run", "jobs.jsonl", "--json", env={"TEST_API_KEY": CANARY})
        self.check_code(finished, 77)
        self.assertIn("301", finished.stderr)
        jobs = finished.json_lines()[-1]["jobs"]
        self.assertEqual(40, jobs["pending"] + jobs["failed"])
        self.assertGreater(jobs["pending"], 20)

    def test_a_variable_that_only_a_newer_prompt_has_stops_the_run(self):
        kind = 'types: {{bio: {{model: small, prompt: "{prompt}"}}}}\n'
        self.write_config(extra=kind.format(prompt="{{artist}}"))
        self.write("bios.jsonl", "".join(
            json.dumps({"id": f"b{i}", "type": "bio", "vars": {"artist": f"A{i}"}}) + "\n"
            for i in range(40)))
        self.check_code(self.run_cli("run", "bios.jsonl", "--sandbox", "--max-jobs", "0", "-q"), 75)
        self.write_config(extra=kind.format(prompt="{{artist}}, {{mood}}"))
        text = self.refused_run("resume", "--sandbox")
        self.assertIn("mood", text)
        self.assertGreater(self.status()["jobs"]["pending"], 20)

    def test_a_folder_of_recordings_that_is_gone_stops_the_run(self):
        self.write_config(extra="  ear: {provider: openai, kind: transcription}\n")
        os.mkdir(self.path("audio"))
        for i in range(40):
            self.write(f"audio/{i}.wav", "RIFF....WAVEfmt ")
        self.write("audio.jsonl", "".join(
            json.dumps({"id": f"r{i}", "model": "ear", "files": [f"audio/{i}.wav"]}) + "\n"
            for i in range(40)))
        self.check_code(self.run_cli("run", "audio.jsonl", "--sandbox", "--max-jobs", "0", "-q"),
                        75)
        os.rename(self.path("audio"), self.path("moved"))
        self.assertIn("audio/", self.refused_run("resume", "--sandbox"))
        self.assertGreater(self.status()["jobs"]["pending"], 20)

    def refused_run(self, *arguments):
        """One that stopped because no job of its lane can be sent; returns what it said."""
        finished = self.run_cli(*arguments)
        self.check_code(finished, 77)
        return finished.stderr


class SecretTest(CliTestCase):
    def test_the_key_is_in_no_file_and_no_output(self):
        sandbox, base_url = self.start_sandbox("--latency", "1ms", "--error-rate", "20%")
        self.write_config(base_url)
        self.write_jobs(20)
        env = {"TEST_API_KEY": CANARY}
        shown = ""
        for command in (["run", "jobs.jsonl", "--json", "--verbose", "--log-file", "run.log", "-o",
                         "out.jsonl"],
                        ["check", "jobs.jsonl", "--show", "job-1"], ["check", "--json"],
                        ["status", "--json"], ["status"], ["results"], ["resume", "-v"]):
            finished = self.run_cli(*command, env=env)
            self.assertIn(finished.code, (0, 1))
            shown += finished.stdout + finished.stderr
        self.assertNotIn(CANARY, shown)
        self.assertEqual(20, self.status()["jobs"]["total"])
        for folder, _, names in os.walk(self.folder):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    self.assertNotIn(CANARY.encode(), file.read(), name)

    def test_the_process_shows_the_key_in_no_argument_and_can_leave_no_core(self):
        sandbox, base_url = self.start_sandbox("--hang-rate", "100%")
        self.write_config(base_url)
        self.write_jobs(1)
        run = self.start("run", "jobs.jsonl", "--grace", "0s", env={"TEST_API_KEY": CANARY})
        self.poll(lambda: self.stats(base_url)["granted"], lambda n: n == 1)
        with open(f"/proc/{run.pid}/cmdline", "rb") as file:
            self.assertNotIn(CANARY.encode(), file.read())
        with open(f"/proc/{run.pid}/limits", encoding="utf-8") as file:
            self.assertRegex(file.read(), r"Max core file size +0 +0")
        run.send(harness.signal.SIGINT)
        self.check_code(run.finish(), 130)


if __name__ == "__main__":
    harness.main()
