"""Limits as people meet them: pauses, quota, status, bounds of a run, tiers, plans."""

import http.server
import json
import threading

import harness
from harness import CliTestCase

PRICE = "    price: {input: 1.00, output: 2.00}\n"


class QuotaTestCase(CliTestCase):
    def setUp(self):
        super().setUp()
        self.write_jobs(12)

    def write_limits(self, limits="{rpd: 10}", base_url="https://127.0.0.1:1/v1", extra="",
                     keys="[env:TEST_API_KEY]"):
        return self.write("ratebatch.yaml", f"""\
providers:
  openai:
    api: openai
    base_url: {base_url}
    keys: {keys}
models:
  small:
    provider: openai
    kind: chat
    limits: {limits}
{extra}""")

    def run_paused(self, *arguments):
        """Eight of twelve jobs, then the threshold of a day that lasts an hour."""
        self.write_limits()
        finished = self.run_cli("run", "jobs.jsonl", "--sandbox=day=1h,latency=5ms", "--no-wait",
                                *arguments)
        self.check_code(finished, 75)
        return finished


class PauseTest(QuotaTestCase):
    def test_a_run_pauses_at_the_threshold_and_says_for_what(self):
        text = self.run_paused().stderr
        self.assertIn("SANDBOX: Paused, as --no-wait says: 8 of 12 jobs done", text)
        self.assertRegex(text, r"  quota     small paused until [-0-9]+ [:0-9]+ UTC, in [^:]+: "
                         r"8 of 10 requests \(rpd\)\n")
        self.assertIn("  next      ratebatch resume  (goes on)\n", text)

    def test_quiet_is_not_one_byte_on_a_pause(self):
        finished = self.run_paused("--quiet")
        self.assertEqual(("", ""), (finished.stdout, finished.stderr))

    def test_the_json_says_the_reason(self):
        line = self.run_paused("--json").json_lines()[-1]
        self.assertEqual(("summary", "paused", 75), (line["message_type"], line["reason"],
                                                     line["exit_code"]))
        self.assertEqual((8, 0), (line["run"]["done"], line["calls"]["rate_limited"]))
        self.assertEqual(1, line["quota"]["pauses"])

    def test_status_without_a_run_shows_the_pause_and_each_limit(self):
        self.run_paused()
        line = self.status()
        self.assertEqual(("paused", "rpd", "rpd of small"),
                         (line["state"], line["reason"], line["bottleneck"]))
        lane = line["lanes"][0]
        limit = lane["limits"][0]
        self.assertEqual(("paused", True, 4), (lane["state"], lane["critical"],
                                               lane["jobs"]["pending"]))
        self.assertEqual(("rpd", 8, 10, 8), (limit["limit"], limit["used"], limit["max"],
                                             limit["threshold"]))
        self.assertEqual(line["until"], lane["until"])
        self.assertEqual(("TEST_API_KEY", "default", "paused", lane["limits"]),
                         tuple(lane["keys"][0][name]
                               for name in ("key", "group", "state", "limits")))
        text = self.run_cli("status").stdout
        self.assertRegex(text, r"\Aratebatch\.db \(SANDBOX\): paused, small paused until ")
        self.assertRegex(text, r"\n    rpd 8 of 10 \(pauses at 8\), resets ")

    def test_the_next_run_keeps_the_pause(self):
        self.run_paused()
        finished = self.run_cli("run", "--no-wait", "--json")
        self.check_code(finished, 75)
        self.assertEqual(0, finished.json_lines()[-1]["calls"]["sent"])

    def test_a_run_waits_for_the_reset_by_itself_and_no_request_is_refused(self):
        self.write_limits()
        finished = self.run_cli("run", "jobs.jsonl", "--sandbox=day=1s,latency=5ms", "--json")
        self.check_code(finished, 0)
        line = finished.json_lines()[-1]
        self.assertEqual((12, 12, 0), (line["run"]["done"], line["calls"]["sent"],
                                       line["calls"]["rate_limited"]))
        self.assertEqual(("small", "rpd"), (line["waits"][0]["model"], line["waits"][0]["reason"]))

    def test_the_share_of_the_command_line_wins(self):
        self.write_limits()
        finished = self.run_cli("run", "jobs.jsonl", "--sandbox=day=1h,latency=5ms", "--no-wait",
                                "--pause-at", "50%", "--json")
        self.check_code(finished, 75)
        self.assertEqual(5, finished.json_lines()[-1]["run"]["done"])

    def test_the_log_tells_of_usage_warning_and_pause(self):
        self.run_paused("--log-file", "run.log")
        log = self.read("run.log")
        self.assertRegex(log, r"warning quota_warning model=small rpd=\d+/10\n")
        self.assertRegex(log, r"warning paused model=small reason=rpd until=\S+\n")

    def test_usage_is_logged_every_so_many_requests(self):
        self.write_limits(extra="log_usage_every: 4\n")
        finished = self.run_cli("run", "jobs.jsonl", "--sandbox=day=1h,latency=5ms", "--no-wait",
                                "--log-file", "run.log")
        self.check_code(finished, 75)
        self.assertRegex(self.read("run.log"), r"info quota_usage model=small rpd=\d+/10\n")


    def test_the_log_tells_that_refusals_lowered_the_concurrency(self):
        self.write_limits("none")
        finished = self.run_cli("run", "jobs.jsonl", "--sandbox=concurrency=1,latency=20ms",
                                "-j", "4", "--max-runtime", "1s", "--log-file", "run.log")
        self.assertIn(finished.code, (0, 75))
        self.assertRegex(self.read("run.log"), r"warning concurrency_lowered model=small from=\S+ "
                         r"to=\d+\n")


class StatusTest(QuotaTestCase):
    def exit_code(self):
        return self.run_cli("status", "--exit-code").code

    def test_the_exit_code_mirrors_the_state_when_asked(self):
        self.run_paused()
        self.assertEqual((0, 75), (self.run_cli("status").code, self.exit_code()))
        self.check_code(self.run_cli("quota", "reset", "small"), 0)
        self.check_code(self.run_cli("run", "--quiet"), 0)
        self.assertEqual(0, self.exit_code())

    def test_one_lane_can_be_shown_alone(self):
        self.run_paused()
        self.assertEqual(["small"], [lane["model"] for lane in
                                     self.status("--lane", "small")["lanes"]])
        finished = self.run_cli("status", "--lane", "smal")
        self.check_code(finished, 2)
        self.assertIn("--lane smal: no model of this checkpoint (did you mean 'small'?)",
                      finished.stderr)


class QuotaCommandTest(QuotaTestCase):
    def test_it_shows_what_is_used_by_lane_and_key(self):
        self.run_paused()
        text = self.run_cli("quota").stdout
        self.assertRegex(text, r"\Asmall \(openai\): paused until ")
        self.assertRegex(text, r"\n  keys default \(TEST_API_KEY\)\n"
                         r"    rpd 8 of 10 \(pauses at 8\), resets ")
        line = json.loads(self.run_cli("quota", "--json").stdout)
        self.assertEqual(("quota", 8), (line["message_type"],
                                        line["lanes"][0]["limits"][0]["used"]))

    def test_a_corrected_counter_holds_for_the_next_run(self):
        self.run_paused()
        finished = self.run_cli("quota", "set", "small", "rpd=6")
        self.check_code(finished, 0)
        self.assertEqual("small: 6 used of rpd\n", finished.stderr)
        self.assertEqual(6, self.status()["lanes"][0]["limits"][0]["used"])
        finished = self.run_cli("run", "--no-wait", "--json")
        self.check_code(finished, 75)
        self.assertEqual(2, finished.json_lines()[-1]["run"]["done"])

    def test_a_reset_lifts_the_pause(self):
        self.run_paused()
        finished = self.run_cli("quota", "reset", "small", "--key", "TEST_API_KEY")
        self.check_code(finished, 0)
        self.assertEqual("small: starts afresh\n", finished.stderr)
        self.assertEqual("idle", self.status()["lanes"][0]["state"])

    def test_what_does_not_exist_is_named(self):
        self.run_paused()
        table = [
            (["set", "smal", "rpd=1"], "no model 'smal' is used by the jobs of this checkpoint "
             "(did you mean 'small'?)"),
            (["set", "small", "rpx=1"], "model 'small' has no limit 'rpx' that is counted over a "
             "long time (did you mean 'rpd'?)"),
            (["reset", "small", "--key", "TEST_API_KEX"], "--key TEST_API_KEX: no key or key "
             "group of this model (did you mean 'TEST_API_KEY'?)"),
            (["set", "small", "rpd"], "quota set 'rpd': expected a limit and a whole number, such "
             "as rpd=3000; see 'ratebatch quota --help'"),
            (["unset"], "expected 'quota', 'quota set MODEL LIMIT=N' or 'quota reset MODEL'; see "
             "'ratebatch quota --help'"),
        ]
        for arguments, message in table:
            with self.subTest(arguments):
                finished = self.run_cli("quota", *arguments)
                self.check_code(finished, 2)
                self.assertEqual(f"ratebatch: {message}\n", finished.stderr)

    def test_while_a_run_holds_the_checkpoint_it_names_the_process(self):
        self.write_limits()
        running = self.start("run", "jobs.jsonl", "--sandbox=latency=60s")
        running.wait_for("running 12 jobs")
        for arguments in (["reset", "small"], ["set", "small", "rpd=1"]):
            finished = self.run_cli("quota", *arguments)
            self.check_code(finished, 75)
            self.assertIn(str(running.pid), finished.stderr)
        self.check_code(self.run_cli("quota"), 0)


class BoundsTest(QuotaTestCase):
    def test_a_run_ends_after_its_time(self):
        self.write_limits("none")
        finished = self.run_cli("run", "jobs.jsonl", "--sandbox=latency=60s", "--max-runtime",
                                "50ms", "--grace", "0s", "--json")
        self.check_code(finished, 75)
        self.assertEqual("max_runtime", finished.json_lines()[-1]["reason"])
        self.assertIn("Stopped, as --max-runtime says: 0 of 12 jobs done", finished.stderr)

    def test_a_run_ends_where_its_money_does(self):
        self.write_limits("none", extra=PRICE)
        finished = self.run_cli("run", "jobs.jsonl", "--sandbox=latency=5ms", "--max-cost",
                                "0.000001", "--json")
        self.check_code(finished, 75)
        self.assertEqual("max_cost", finished.json_lines()[-1]["reason"])
        self.assertIn("Stopped, as --max-cost says", finished.stderr)
        self.check_code(self.run_cli("run", "--max-cost", "5/day"), 0)
        line = self.status()
        self.assertGreater(line["cost_usd"], 0)
        self.assertIn(" USD\n", self.run_cli("status").stdout)

    def test_without_a_price_a_bound_of_money_means_nothing(self):
        self.write_limits("none")
        before = self.files()
        finished = self.run_cli("run", "jobs.jsonl", "--sandbox", "--max-cost", "5")
        self.check_code(finished, 2)
        self.assertIn("--max-cost needs the price of model small: add 'price:' below it in the "
                      "configuration", finished.stderr)
        self.assertEqual(before, self.files())

    def test_wrong_bounds_are_explained(self):
        table = [
            (["--pause-at", "80"], "--pause-at '80': expected a share such as 0.8 or 80%"),
            (["--pause-at", "0"], "--pause-at '0': expected a share such as 0.8 or 80%"),
            (["--max-cost", "$5"], "--max-cost '$5': expected USD such as 12.50 or 5/day"),
            (["--max-cost", "0"], "--max-cost '0': expected USD such as 12.50 or 5/day"),
            (["--max-runtime", "0s"], "--max-runtime: expected more than 0"),
            (["--deadline", "0"], "--deadline: expected more than 0"),
        ]
        for arguments, message in table:
            with self.subTest(arguments):
                finished = self.run_cli("run", *arguments)
                self.check_code(finished, 2)
                self.assertEqual(f"ratebatch: {message}; see 'ratebatch run --help'\n",
                                 finished.stderr)

    def test_workers_by_word(self):
        self.write_limits("none")
        for word, workers in (("conservative", 2), ("moderate", 4), ("aggressive", 8)):
            with self.subTest(word):
                finished = self.run_cli("run", "jobs.jsonl", "--sandbox=latency=5ms", "-j", word,
                                        "--db", word + ".db")
                self.check_code(finished, 0)
                self.assertIn(f"running 12 jobs with {workers} workers\n", finished.stderr)

    def test_workers_auto_takes_what_the_limits_can_use(self):
        self.write_limits("{concurrency: 3}")
        finished = self.run_cli("run", "jobs.jsonl", "--sandbox=latency=5ms", "-j", "auto")
        self.check_code(finished, 0)
        self.assertIn("running 12 jobs with 3 workers\n", finished.stderr)
        finished = self.run_cli("run", "jobs.jsonl", "--sandbox=latency=5ms", "-j", "auto",
                                "--deadline", "1h", "--db", "other.db")
        self.check_code(finished, 0)
        self.assertIn("running 12 jobs with 1 worker\n", finished.stderr)

    def test_keys_may_be_a_pattern_of_variables(self):
        self.write_limits("none", keys='["env:TEST_KEY_*"]')
        sandbox, base_url = self.start_sandbox()
        self.write_limits("none", base_url=base_url, keys='["env:TEST_KEY_*"]')
        finished = self.run_cli("run", "jobs.jsonl", env={"TEST_KEY_1": harness.CANARY})
        self.check_code(finished, 0)


class NotFoundServer(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps({"error": {"message": "The model `smal` does not exist",
                                     "code": "model_not_found"}}).encode()
        self.send_response(404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


class StoppedLaneTest(QuotaTestCase):
    def test_a_typo_in_the_model_fails_no_job_and_needs_a_person(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), NotFoundServer)
        self.addCleanup(server.server_close)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.shutdown)
        self.write_jobs(30)
        self.write_limits("none", base_url=f"http://127.0.0.1:{server.server_port}/v1")
        env = {"TEST_API_KEY": harness.CANARY}
        finished = self.run_cli("run", "jobs.jsonl", "--json", env=env)
        self.check_code(finished, 77)
        line = finished.json_lines()[-1]
        self.assertEqual(("stopped", 77, 0, 30), (line["reason"], line["exit_code"],
                                                  line["jobs"]["failed"],
                                                  line["jobs"]["pending"]))
        self.assertIn("small", line["words"])
        self.assertIn("The model `smal` does not exist", line["words"])
        self.assertIn("Stopped, the first jobs all failed alike: 0 of 30 jobs done",
                      finished.stderr)
        self.assertIn("  advice    no job is lost: ", finished.stderr)
        self.assertEqual(77, self.run_cli("status", "--exit-code").code)


class TiersTest(QuotaTestCase):
    def test_the_table_has_sources_and_dates(self):
        lines = self.run_cli("tiers", "--json").json_lines()
        self.assertLess(10, len(lines))
        for line in lines:
            self.assertEqual("tier", line["message_type"])
            self.assertTrue(line["source"])
            self.assertRegex(line["date"], r"\A20\d\d-\d\d")
        self.assertLess({"openai", "gemini"}, {line["provider"] for line in lines})
        text = self.run_cli("tiers").stdout
        self.assertIn("\nread from\n", text)

    def test_one_provider_can_be_asked_for(self):
        lines = self.run_cli("tiers", "gemini", "--json").json_lines()
        self.assertEqual({"gemini"}, {line["provider"] for line in lines})
        finished = self.run_cli("tiers", "gemni")
        self.check_code(finished, 2)
        self.assertIn("no tiers of 'gemni' are known (did you mean 'gemini'?)", finished.stderr)


class PlanTest(QuotaTestCase):
    def plan(self, *arguments):
        finished = self.run_cli("plan", *arguments, "--json")
        self.check_code(finished, 0)
        return finished.json_lines()

    def test_a_file_is_rehearsed_and_nothing_is_loaded(self):
        self.write_limits("{rpd: 10}")
        before = self.files()
        line = self.plan("jobs.jsonl", "--latency", "1s")[0]
        self.assertEqual(("plan", True, 12, 1, "rpd of small"),
                         (line["message_type"], line["complete"], line["jobs"], line["pauses"],
                          line["bottleneck"]))
        self.assertEqual((12, False), (line["lanes"][0]["done"], line["lanes"][0]["assumed"]))
        self.assertEqual(before, self.files())

    def test_the_rest_of_a_checkpoint_is_planned_with_what_is_used(self):
        self.run_paused()
        line = self.plan()[0]
        self.assertEqual((True, 4), (line["complete"], line["jobs"]))
        self.assertLess(600, line["seconds"])

    def test_workers_and_waves_give_a_row_each(self):
        self.write_limits("{concurrency: 4}")
        lines = self.plan("jobs.jsonl", "--workers", "1,2,4", "--latency", "1s")
        self.assertEqual(["--workers 1", "--workers 2", "--workers 4"],
                         [line["variant"] for line in lines])
        seconds = [line["seconds"] for line in lines]
        self.assertEqual(sorted(seconds, reverse=True), seconds)
        text = self.run_cli("plan", "jobs.jsonl", "--waves", "2x20s,3x15s").stdout
        self.assertEqual(["--waves 2x20s", "--waves 3x15s"],
                         [line[:13] for line in text.splitlines()])

    def test_a_deadline_says_what_would_have_to_change(self):
        self.write_limits("{rpd: 10}")
        line = self.plan("jobs.jsonl", "--deadline", "1h", "--latency", "1s")[0]
        self.assertEqual((False, True), (line["deadline"]["met"], line["deadline"]["reachable"]))
        self.assertEqual("rpd of small", line["deadline"]["limits"][0]["limit"])
        text = self.run_cli("plan", "jobs.jsonl", "--deadline", "1h").stdout
        self.assertIn("is not met", text)

    def test_a_dry_run_checks_and_plans_and_changes_nothing(self):
        self.write_limits("{concurrency: 4}")
        before = self.files()
        finished = self.run_cli("run", "jobs.jsonl", "-n")
        self.check_code(finished, 77)
        self.assertIn("TEST_API_KEY", finished.stderr)
        finished = self.run_cli("run", "jobs.jsonl", "--dry-run",
                                env={"TEST_API_KEY": harness.CANARY})
        self.check_code(finished, 0)
        self.assertIn("jobs        12, 4 workers\n", finished.stdout)
        finished = self.run_cli("run", "jobs.jsonl", "-n", "--sandbox", "-j", "2")
        self.check_code(finished, 0)
        self.assertIn("jobs        12, 2 workers\n", finished.stdout)
        self.assertEqual(before, self.files())

    def test_wrong_wishes_are_explained(self):
        table = [
            (["--workers", "1,,2"], "--workers '1,,2': expected whole numbers from 1 to 10000, "
             "such as 1,2,4,8"),
            (["--waves", "3"], "--waves '3': expected sizes and pauses such as 2x20s,3x15s"),
            (["--tokens", "many"], "--tokens 'many': expected a whole number, the output tokens "
             "of a job"),
        ]
        for arguments, message in table:
            with self.subTest(arguments):
                finished = self.run_cli("plan", *arguments)
                self.check_code(finished, 2)
                self.assertEqual(f"ratebatch: {message}; see 'ratebatch plan --help'\n",
                                 finished.stderr)


if __name__ == "__main__":
    harness.main()
