"""The way of a batch: run, status, results, retry, resume, check."""

import json
import os
import re

import harness
from harness import CANARY, CliTestCase


class RunTest(CliTestCase):
    def setUp(self):
        super().setUp()
        self.write_config()
        self.write_jobs(12)

    def run_sandbox(self, *arguments, settings="latency=5ms"):
        return self.run_cli("run", "jobs.jsonl", f"--sandbox={settings}", *arguments)

    def test_a_first_run_tells_what_it_does_on_standard_error_only(self):
        finished = self.run_sandbox()
        self.check_code(finished, 0)
        self.assertEqual("", finished.stdout)
        text = re.sub(r"http://127\.0\.0\.1:\d+/v1", "URL", finished.stderr)
        text = re.sub(r"after \d+(ms|s|\.\d+s)", "after TIME", text)
        text = re.sub(r"sent; .* tokens", "sent; TOKENS", text)
        self.assertEqual(
            "SANDBOX: requests go to URL on this machine, none to a provider\n"
            "loaded 12 jobs\n"
            "running 12 jobs with 4 workers\n"
            "SANDBOX: Finished: 12 of 12 jobs done after TIME\n"
            "  this run  12 done (100.0 %)\n"
            "  calls     12 sent; TOKENS\n"
            "  next      ratebatch results -o results.jsonl  (writes the results)\n", text)

    def test_quiet_is_not_one_byte(self):
        finished = self.run_sandbox("--quiet")
        self.check_code(finished, 0)
        self.assertEqual(("", ""), (finished.stdout, finished.stderr))
        finished = self.run_cli("resume", "--quiet", "--json")
        self.check_code(finished, 0)
        self.assertEqual(("", ""), (finished.stdout, finished.stderr))

    def test_json_lines_begin_with_progress_and_end_with_the_summary(self):
        finished = self.run_sandbox("--json")
        self.check_code(finished, 0)
        lines = finished.json_lines()
        self.assertEqual(["progress", "summary"],
                         [lines[0]["message_type"], lines[-1]["message_type"]])
        for line in lines:
            self.assertEqual((1, True, 12),
                             (line["schema_version"], line["sandbox"], line["jobs"]["total"]))
        self.assertEqual((12, 12, 0, "complete"),
                         (lines[-1]["run"]["done"], lines[-1]["calls"]["sent"],
                          lines[-1]["exit_code"], lines[-1]["reason"]))

    def test_a_slice_ends_after_its_jobs_and_the_next_goes_on(self):
        loaded = self.run_sandbox("--max-jobs", "0")
        self.check_code(loaded, 75)
        self.assertIn("loaded 12 jobs\n", loaded.stderr)
        self.assertEqual((12, 0), (self.status()["jobs"]["pending"],
                                   self.status()["calls"]["sent"]))
        first = self.run_cli("resume", "--max-jobs", "5", "--json")
        self.check_code(first, 75)
        self.assertEqual(("max_jobs", 5), (first.json_lines()[-1]["reason"],
                                           first.json_lines()[-1]["run"]["done"]))
        self.assertEqual("max_jobs", self.status()["last_run"]["reason"])
        last = self.run_cli("resume", "--max-jobs", "7")
        self.check_code(last, 0)
        self.assertIn("Finished: 12 of 12 jobs done", last.stderr)
        self.check_code(self.run_cli("resume", "--max-jobs", "0"), 0)

    def test_results_are_one_line_per_job_complete_or_absent(self):
        self.check_code(self.run_sandbox("-o", "out.jsonl"), 0)
        results = [json.loads(line) for line in self.read("out.jsonl").splitlines()]
        self.assertEqual({f"job-{i}" for i in range(1, 13)}, {line["id"] for line in results})
        for line in results:
            self.assertEqual(("done", "small", True),
                             (line["status"], line["model"], line["sandbox"]))
            self.assertTrue(line["text"])
        printed = self.run_cli("results")
        self.check_code(printed, 0)
        self.assertEqual(self.read("out.jsonl"), printed.stdout)
        self.assertEqual("SANDBOX: 12 results\n", printed.stderr)
        ordered = self.run_cli("results", "--in-order")
        self.assertEqual([f"job-{i}" for i in range(1, 13)],
                         [line["id"] for line in ordered.json_lines()])
        self.check_code(self.run_cli("results", "-o", "again.jsonl", "--quiet"), 0)
        self.assertEqual(printed.stdout, self.read("again.jsonl"))

    def test_a_reader_that_leaves_early_is_no_news(self):
        self.check_code(self.run_sandbox(), 0)
        read_end, write_end = os.pipe()
        os.close(read_end)
        finished = harness.subprocess.run(
            [harness.BINARY, "results"], cwd=self.folder, env=self.env, stdout=write_end,
            stderr=harness.subprocess.PIPE, timeout=harness.DEADLINE_S, check=False)
        os.close(write_end)
        self.assertEqual((0, b""), (finished.returncode, finished.stderr))

    def test_the_same_command_again_pays_nothing(self):
        self.check_code(self.run_sandbox(), 0)
        again = self.run_sandbox("--json")
        self.check_code(again, 0)
        self.assertIn("loaded 0 jobs, 1 unchanged file not read again\n", again.stderr)
        self.assertIn("SANDBOX: Nothing to do: 12 of 12 jobs done\n", again.stderr)
        self.assertEqual(0, again.json_lines()[-1]["calls"]["sent"])

    def test_a_file_that_grew_adds_what_is_new(self):
        self.check_code(self.run_sandbox(), 0)
        self.write_jobs(15)
        again = self.run_sandbox("--json")
        self.check_code(again, 0)
        self.assertIn("loaded 3 jobs, 12 known already\n", again.stderr)
        self.assertEqual(3, again.json_lines()[-1]["calls"]["sent"])

    def test_jobs_come_from_standard_input_too(self):
        line = json.dumps({"id": 7, "model": "small", "prompt": "Hello"})
        finished = self.run_cli("run", "-", "--sandbox", "-q", input=line + "\n")
        self.check_code(finished, 0)
        self.assertEqual("7", self.run_cli("results").json_lines()[0]["id"])

    def test_status_tells_the_same_for_people_and_programs(self):
        self.check_code(self.run_sandbox(), 0)
        text = self.run_cli("status")
        self.check_code(text, 0)
        self.assertEqual("", text.stderr)
        self.assertIn("ratebatch.db (SANDBOX): complete\n  jobs      12 of 12 done\n", text.stdout)
        self.assertIn("  small  12/12\n    concurrency 8\n", text.stdout)
        line = self.status()
        self.assertEqual(("complete", 12, True, None, 0),
                         (line["state"], line["jobs"]["done"], line["sandbox"], line["run"],
                          line["last_run"]["exit_code"]))
        self.assertEqual(["TEST_API_KEY"], [key["key"] for key in line["lanes"][0]["keys"]])

    def test_resume_uses_the_configuration_of_the_run(self):
        os.rename(self.path("ratebatch.yaml"), self.path("mine.yaml"))
        self.check_code(self.run_sandbox("--config", "mine.yaml"), 0)
        self.write_jobs(2, "more.jsonl", "more")
        self.check_code(self.run_cli("run", "more.jsonl", "--sandbox", "--config", "mine.yaml"), 0)
        self.check_code(self.run_cli("resume"), 0)
        os.remove(self.path("mine.yaml"))
        finished = self.run_cli("resume")
        self.check_code(finished, 2)
        self.assertIn("--config names another", finished.stderr)
        self.check_code(self.run_cli("status"), 0)

    def test_the_log_has_one_line_per_event(self):
        self.check_code(self.run_sandbox("--log-file", "run.log"), 0)
        lines = self.read("run.log").splitlines()
        stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
        self.assertRegex(lines[0], rf"^{stamp} info run_started db=/\S+ workers=4 jobs=12 "
                         r"sandbox=http://127\.0\.0\.1:\d+/v1$")
        self.assertRegex(lines[-1], rf"^{stamp} info run_ended reason=complete exit_code=0$")
        self.assertEqual(0o600, os.stat(self.path("run.log")).st_mode & 0o777)

    def test_a_log_that_cannot_be_written_is_said_once_and_stops_nothing(self):
        finished = self.run_sandbox("--log-file", "/dev/full", "-j", "1")
        self.check_code(finished, 0)
        self.assertEqual(1, finished.stderr.count("warning: the log file lacks lines"))

    def test_a_limit_of_the_server_is_waited_for_and_told(self):
        finished = self.run_sandbox("--json", "--log-file", "run.log", settings="rps=10")
        self.check_code(finished, 0)
        summary = finished.json_lines()[-1]
        self.assertGreater(summary["calls"]["rate_limited"], 0)
        self.assertEqual(("small", "429: requests"),
                         (summary["waits"][0]["model"], summary["waits"][0]["reason"]))
        self.assertGreater(summary["waits"][0]["seconds"], 0)
        self.assertGreater(summary["longest_recovery_seconds"], 0)
        self.assertRegex(self.read("run.log"), r"(?m) warning rate_limited model=small "
                         r"limit=requests wait=\S+ attempt=\d+$")
        self.assertIn("  waited    small ", finished.stderr)

    def test_without_any_configuration_the_next_step_is_named(self):
        os.remove(self.path("ratebatch.yaml"))
        finished = self.run_sandbox()
        self.check_code(finished, 0)  # A bare model id is meant for the one built-in provider.
        self.write("bios.jsonl", '{"id":"b","type":"bio","vars":{}}\n')
        finished = self.run_cli("run", "bios.jsonl", "--sandbox", "--db", "bios.db")
        self.check_code(finished, 2)
        self.assertIn("ratebatch.yaml", finished.stderr)

    def test_from_another_folder_the_configuration_used_last_holds(self):
        self.check_code(self.run_sandbox(), 0)
        os.mkdir(self.path("elsewhere"))
        self.write_jobs(2, "elsewhere/more.jsonl", "more")
        finished = harness.subprocess.run(
            [harness.BINARY, "run", "more.jsonl", "--sandbox", "-v", "--db", "../ratebatch.db"],
            cwd=self.path("elsewhere"), env=self.env, capture_output=True, text=True,
            timeout=harness.DEADLINE_S, check=False)
        self.assertEqual(0, finished.returncode, finished.stderr)
        self.assertIn("/ratebatch.yaml\n", finished.stderr)

    def test_a_model_that_is_switched_off_keeps_its_jobs(self):
        self.write_config(extra="    enabled: false\n")
        finished = self.run_sandbox("--json")
        self.check_code(finished, 75)
        self.assertEqual(("switched_off", 12), (finished.json_lines()[-1]["reason"],
                                                finished.json_lines()[-1]["jobs"]["pending"]))
        self.write_config()
        self.check_code(self.run_cli("resume", "-q"), 0)

    def test_files_are_for_their_owner_only(self):
        self.check_code(self.run_sandbox("-o", "out.jsonl"), 0)
        for name in self.files():
            if name not in ("jobs.jsonl", "ratebatch.yaml"):
                self.assertEqual(0o600, os.stat(self.path(name)).st_mode & 0o777, name)


class SendableTest(CliTestCase):
    """Jobs that no request can be made of are found before anything is paid for."""

    def setUp(self):
        super().setUp()
        self.write_config()
        bad = {"id": "bad", "model": "small", "prompt": "Hello", "params": {"n": 2}}
        self.write("jobs.jsonl", "\n" + json.dumps(bad) + "\n")
        self.write_jobs(2, "more.jsonl")

    def test_they_are_refused_by_file_and_line(self):
        files = self.files()
        for command in (("run",), ("run", "--dry-run")):
            done = self.run_cli(*command, "jobs.jsonl", "more.jsonl", "--sandbox")
            self.check_code(done, 2)
            self.assertRegex(done.stderr, r"(?m)^jobs\.jsonl:2: job 'bad' cannot be sent: ")
            self.assertIn("--skip-invalid", done.stderr)
            self.assertEqual("", done.stdout)
        self.assertEqual(files, self.files())

    def test_those_of_standard_input_too(self):
        done = self.run_cli("run", "-", "--sandbox", input=self.read("jobs.jsonl"))
        self.check_code(done, 2)
        self.assertRegex(done.stderr, r"(?m)^-:2: job 'bad' cannot be sent: ")

    def test_they_fail_unsent_where_invalid_lines_are_passed_over(self):
        dry = self.run_cli("run", "-n", "jobs.jsonl", "--sandbox", "--skip-invalid")
        self.check_code(dry, 0)
        done = self.run_cli("run", "jobs.jsonl", "more.jsonl", "--sandbox", "--skip-invalid")
        self.check_code(done, 1)
        for finished in (dry, done):
            self.assertRegex(finished.stderr,
                             r"(?m)^warning: jobs\.jsonl:2: job 'bad' cannot be sent: ")
        jobs = self.status()["jobs"]
        self.assertEqual((2, 1), (jobs["done"], jobs["failed"]))
        self.assertEqual(["bad"], [line["id"] for line in self.run_cli("results").json_lines()
                                   if line["status"] == "failed"])


class RetryTest(CliTestCase):
    def setUp(self):
        super().setUp()
        self.write_config()
        # The sandbox cannot read such a body; a person would see a 400 of the provider.
        bad = {"custom_id": "bad", "method": "POST", "url": "/v1/chat/completions",
               "body": {"model": "small", "messages": "none"}}
        good = {"id": "good", "model": "small", "prompt": "Hello"}
        self.write("jobs.jsonl", json.dumps(bad) + "\n" + json.dumps(good) + "\n")

    def test_a_job_that_fails_for_good_can_be_put_back(self):
        finished = self.run_cli("run", "jobs.jsonl", "--sandbox", "--log-file", "run.log")
        self.check_code(finished, 1)
        self.assertIn("1 of 2 jobs done", finished.stderr)
        self.assertIn("ratebatch retry --failed", finished.stderr)
        self.assertRegex(self.read("run.log"),
                         r"error job_failed id=bad model=small class=invalid_request "
                         r"http_status=400 attempt=1 message=")
        self.assertEqual([{"class": "invalid_request", "count": 1}], self.status()["failures"])
        listed = self.run_cli("status", "--failed")
        self.assertRegex(listed.stdout, r"\A\S*jobs\.jsonl:1: bad: invalid_request \(HTTP 400\): ")
        self.assertEqual("bad", self.run_cli("status", "--failed", "--json").json_lines()[0]["id"])

        self.check_code(self.run_cli("resume"), 0)  # Nothing failed in that run.

        retried = self.run_cli("retry", "--failed")
        self.check_code(retried, 0)
        self.assertEqual("1 job is back in the queue (1 failed before)\n"
                         "ratebatch resume: works on them\n", retried.stderr)
        quiet = self.run_cli("resume", "--quiet")
        self.check_code(quiet, 1)
        self.assertIn("1 of 2 jobs done", quiet.stderr)  # Failures are told to cron too.
        self.assertEqual(3, self.status()["calls"]["sent"])

    def test_jobs_are_chosen_by_class_and_id(self):
        self.check_code(self.run_cli("run", "jobs.jsonl", "--sandbox"), 1)
        nothing = self.run_cli("retry", "--class", "timeout")
        self.check_code(nothing, 0)
        self.assertEqual("0 jobs are back in the queue\n", nothing.stderr)
        wrong = self.run_cli("retry", "--id", "nobody")
        self.check_code(wrong, 2)
        self.assertIn("no job with this id in ", wrong.stderr)
        both = self.run_cli("retry", "--class", "invalid_request", "--id", "good", "--json")
        self.check_code(both, 0)
        self.assertIn("2 jobs are back in the queue (1 done, 1 failed before)\n", both.stderr)
        line = both.json_lines()[0]
        self.assertEqual(("retry", 2, {"done": 1, "failed": 1}),
                         (line["message_type"], line["requeued"], line["before"]))
        self.assertEqual(2, self.status()["jobs"]["pending"])


class CheckTest(CliTestCase):
    def setUp(self):
        super().setUp()
        self.write_config()

    def test_it_prints_where_requests_go_and_changes_nothing(self):
        self.write_jobs(3)
        before = self.files()
        finished = self.run_cli("check", "jobs.jsonl", env={"TEST_API_KEY": CANARY})
        self.check_code(finished, 0)
        self.assertEqual(
            f"configuration: {os.path.realpath(self.path('ratebatch.yaml'))}\n"
            "3 jobs, all lines right\n\n"
            "small\n"
            "  goes to  https://127.0.0.1:1/v1 (openai), chat model small\n"
            "  asks     POST https://127.0.0.1:1/v1/chat/completions\n"
            "  limits   concurrency 8\n"
            "  key      TEST_API_KEY is there\n", finished.stdout)
        self.assertEqual(before, self.files())

    def test_a_missing_key_is_a_persons_business(self):
        finished = self.run_cli("check", "--json")
        self.check_code(finished, 77)
        report = finished.json_lines()[0]
        self.assertEqual([{"key": "TEST_API_KEY", "present": False}], report["lanes"][0]["keys"])

    def test_bad_lines_are_named(self):
        self.write("jobs.jsonl", '{"id":"a","model":"small","prompt":"x"}\n{"id":"b"\n'
                                 '{"id":"a","model":"small","prompt":"y"}\n')
        finished = self.run_cli("check", "jobs.jsonl")
        self.check_code(finished, 2)
        self.assertRegex(finished.stderr, r"(?m)^jobs\.jsonl:2: ")
        self.assertRegex(finished.stderr, r"(?m)^jobs\.jsonl:3: .*'a'")

    def test_it_shows_the_request_of_a_job_without_its_key(self):
        self.write_jobs(3)
        finished = self.run_cli("check", "jobs.jsonl", "--show", "job-2",
                                env={"TEST_API_KEY": CANARY})
        self.check_code(finished, 0)
        head, _, body = finished.stdout.partition("\n\n")
        self.assertTrue(head.startswith("POST https://127.0.0.1:1/v1/chat/completions\n"
                                        "Authorization: Bearer [key TEST_API_KEY]\n"), head)
        self.assertEqual("Say 2.", json.loads(body)["messages"][-1]["content"])
        self.check_code(self.run_cli("check", "jobs.jsonl", "--show", "job-9"), 2)

    def test_it_shows_a_job_of_the_checkpoint(self):
        self.write_jobs(1)
        self.check_code(self.run_cli("run", "jobs.jsonl", "--sandbox"), 0)
        finished = self.run_cli("check", "--show", "job-1", "--json")
        self.check_code(finished, 0)
        request = finished.json_lines()[0]
        self.assertEqual(("request", "job-1", "TEST_API_KEY"),
                         (request["message_type"], request["id"], request["key"]))
        self.assertEqual("Say 1.", request["body"]["messages"][-1]["content"])
        self.check_code(self.run_cli("check", "--show", "job-2"), 2)


if __name__ == "__main__":
    harness.main()
