"""Ctrl-C, SIGTERM, SIGHUP; two runs at once; what status says meanwhile; going on afterwards."""

import os
import signal
import subprocess

import harness
from harness import CliTestCase

KEY = {"TEST_API_KEY": harness.CANARY}


class SignalCase(CliTestCase):
    def start_run(self, *sandbox, jobs=200, arguments=()):
        """A run against a stand-in of its own process, with its first requests granted."""
        _, self.base_url = self.start_sandbox(*sandbox)
        self.write_config(self.base_url)
        self.write_jobs(jobs)
        run = self.start("run", "jobs.jsonl", *arguments, env=KEY)
        self.poll(self.granted, lambda count: count >= 4)
        return run

    def granted(self):
        return self.stats(self.base_url)["granted"]

    def finish_elsewhere(self):
        """Resumes against a stand-in that answers at once."""
        _, self.base_url = self.start_sandbox("--latency", "1ms")
        self.write_config(self.base_url)
        self.check_code(self.run_cli("resume", "-q", env=KEY), 0)


class SignalTest(SignalCase):
    def check_drained(self, finished):
        """What was sent before the stop was answered, stored and counted."""
        line = self.status()
        self.assertEqual("interrupted", line["state"])
        self.assertEqual((0, 0), (line["jobs"]["running"], line["jobs"]["unknown"]))
        self.assertEqual(self.granted(), line["jobs"]["done"])
        self.assertLess(line["jobs"]["done"], line["jobs"]["total"])
        self.assertIn("ratebatch resume", finished.stderr)

    def test_ctrl_c_waits_for_what_is_in_flight_and_resume_finishes(self):
        run = self.start_run("--latency", "300ms")
        run.send(signal.SIGINT)
        finished = run.finish()
        self.check_code(finished, 130)
        self.check_drained(finished)
        self.assertEqual((130, "interrupted"),
                         (self.status()["last_run"]["exit_code"],
                          self.status()["last_run"]["reason"]))
        self.finish_elsewhere()
        line = self.status()
        self.assertEqual((200, 200, 0), (line["jobs"]["done"], line["calls"]["sent"],
                                         line["calls"]["resent"]))
        self.assertEqual(200, len(self.run_cli("results").json_lines()))

    def test_a_new_file_goes_on_with_what_was_left(self):
        run = self.start_run("--latency", "300ms")
        run.send(signal.SIGINT)
        self.check_code(run.finish(), 130)
        left = self.status()["jobs"]["pending"]
        _, self.base_url = self.start_sandbox("--latency", "1ms")
        self.write_config(self.base_url)
        self.write_jobs(2, "more.jsonl", "more")
        finished = self.run_cli("run", "more.jsonl", env=KEY)
        self.check_code(finished, 0)
        self.assertIn(f"loaded 2 jobs\nalso continuing {left} jobs\n"
                      f"running {left + 2} jobs with 4 workers\n", finished.stderr)

    def test_a_bug_ends_the_program_with_70(self):
        sandbox, _ = self.start_sandbox()
        sandbox.send(signal.SIGABRT)  # As a failed assertion does.
        self.check_code(sandbox.finish(), 70)

    def test_sigterm_and_sighup_end_the_run_in_the_same_way(self):
        for number in (signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number):
                run = self.start_run("--latency", "300ms", arguments=["--db", f"{number}.db"])
                run.send(number)
                finished = run.finish()
                self.check_code(finished, 143)
                self.assertEqual("terminated",
                                 self.status("--db", f"{number}.db")["last_run"]["reason"])

    def test_the_second_ctrl_c_gives_up_and_resume_sends_again(self):
        run = self.start_run("--hang-rate", "100%", jobs=8, arguments=["--grace", "1h"])
        run.send(signal.SIGINT)
        self.poll(lambda: self.signals_pending(run.pid), lambda pending: not pending)
        run.send(signal.SIGINT)
        finished = run.finish()
        self.check_code(finished, 130)
        line = self.status()
        self.assertEqual((4, 4), (line["jobs"]["unknown"], line["jobs"]["pending"]))
        self.assertEqual(4, line["calls"]["sent"])
        self.finish_elsewhere()
        line = self.status()
        self.assertEqual((8, 12, 4), (line["jobs"]["done"], line["calls"]["sent"],
                                      line["calls"]["resent"]))

    @staticmethod
    def signals_pending(pid):
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            lines = [line.split() for line in file]
        return any(int(line[1], 16) for line in lines if line[0] in ("SigPnd:", "ShdPnd:"))

    def test_a_grace_of_zero_gives_up_at_once(self):
        run = self.start_run("--hang-rate", "100%", jobs=8, arguments=["--grace", "0s"])
        run.send(signal.SIGTERM)
        self.check_code(run.finish(), 143)
        self.assertEqual(4, self.status()["jobs"]["unknown"])

    def test_the_third_signal_has_its_default_action(self):
        run = self.start_run("--hang-rate", "100%", jobs=8, arguments=["--grace", "1h"])
        # All three arrive at once, so the loop has no turn between the second and the third.
        run.send(signal.SIGSTOP)
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            run.send(number)
        run.send(signal.SIGCONT)
        self.check_code(run.finish(), -signal.SIGTERM)
        line = self.status()
        self.assertEqual(("interrupted", 4), (line["state"], line["jobs"]["unknown"]))
        self.assertEqual("died", line["last_run"]["reason"])

    def test_unknown_jobs_can_be_held_back_for_a_person(self):
        run = self.start_run("--hang-rate", "100%", jobs=4, arguments=["--grace", "0s"])
        run.send(signal.SIGINT)
        self.check_code(run.finish(), 130)
        _, self.base_url = self.start_sandbox("--latency", "1ms")
        self.write_config(self.base_url)
        self.check_code(self.run_cli("resume", "--on-unknown", "hold", env=KEY), 1)
        self.assertEqual(4, self.status()["jobs"]["held"])
        self.assertEqual(0, self.granted())
        # Only held jobs are left.
        self.check_code(self.run_cli("resume", env=KEY), 1)
        self.check_code(self.run_cli("retry", "--unknown"), 0)
        self.check_code(self.run_cli("resume", env=KEY), 0)

    def test_a_signal_that_was_ignored_stays_ignored(self):
        _, self.base_url = self.start_sandbox("--latency", "300ms")
        self.write_config(self.base_url)
        self.write_jobs(8)
        run = subprocess.Popen(
            ["nohup", harness.BINARY, "run", "jobs.jsonl", "-q"], cwd=self.folder,
            env={**self.env, **KEY}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        self.poll(self.granted, lambda count: count >= 1)
        run.send_signal(signal.SIGHUP)
        run.communicate(timeout=harness.DEADLINE_S)
        self.assertEqual(0, run.returncode)

    def test_the_sandbox_serves_until_it_is_stopped(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            sandbox, base_url = self.start_sandbox()
            self.assertEqual(0, self.stats(base_url)["granted"])
            sandbox.send(number)
            finished = sandbox.finish()
            self.check_code(finished, 0)
            self.assertEqual(base_url + "\n", finished.stdout)


class BesideARunTest(SignalCase):
    def setUp(self):
        super().setUp()
        self.run_beside = self.start_run("--hang-rate", "100%", jobs=8)

    def test_another_run_and_changes_are_refused_with_the_pid(self):
        self.write("broken.jsonl", "not even JSON\n")
        for command in (["run", "broken.jsonl"], ["resume"], ["retry", "--failed"]):
            with self.subTest(command):
                finished = self.run_cli(*command, env=KEY)
                self.check_code(finished, 75)
                self.assertIn(str(self.run_beside.pid), finished.stderr)
                self.assertNotIn("broken", finished.stderr)

    def test_status_and_results_read_it(self):
        line = self.status()
        self.assertEqual("running", line["state"])
        self.assertEqual((self.run_beside.pid, 4), (line["run"]["pid"], line["run"]["workers"]))
        self.assertEqual((4, 4), (line["jobs"]["running"], line["jobs"]["pending"]))
        self.assertEqual(4, line["lanes"][0]["in_flight"])
        text = self.run_cli("status").stdout
        self.assertIn(f"  run       process {self.run_beside.pid}, 4 workers, since ", text)
        finished = self.run_cli("results")
        self.check_code(finished, 0)
        self.assertEqual("0 results; 8 jobs are not finished yet\n", finished.stderr)

    def test_killed_by_force_its_jobs_are_unknown_and_resume_finishes(self):
        os.kill(self.run_beside.pid, signal.SIGKILL)
        self.run_beside.finish()
        line = self.status()
        self.assertEqual(("interrupted", 4, 0),
                         (line["state"], line["jobs"]["unknown"], line["jobs"]["running"]))
        self.finish_elsewhere()
        line = self.status()
        self.assertEqual((8, 4), (line["jobs"]["done"], line["calls"]["resent"]))


if __name__ == "__main__":
    harness.main()
