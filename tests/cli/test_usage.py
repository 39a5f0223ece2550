"""What is wrong with a command line is said, with the next step, before anything is touched."""

import json
import os

import harness
from harness import CliTestCase


class UsageTest(CliTestCase):
    def refused(self, *arguments, **options):
        finished = self.run_cli(*arguments, **options)
        self.check_code(finished, 2)
        self.assertEqual("", finished.stdout)
        self.assertEqual([], self.files())
        return finished.stderr

    def test_a_wrong_command_line_is_explained(self):
        table = [
            (["rum"], "unknown command 'rum' (did you mean 'run'?); see 'ratebatch --help'"),
            (["frobnicate"], "unknown command 'frobnicate'; see 'ratebatch --help'"),
            (["--bd", "x", "run"],
             "unknown option '--bd' before the command; see 'ratebatch --help'"),
            (["run", "--worker", "4"],
             "unknown option '--worker' (did you mean '--workers'?); see 'ratebatch run --help'"),
            (["resume", "jobs.jsonl"],
             "unexpected argument 'jobs.jsonl'; see 'ratebatch resume --help'"),
            (["run", "-j", "0"], "--workers '0': expected a whole number from 1 to 10000, or conservative, "
             "moderate, aggressive or auto; "
             "see 'ratebatch run --help'"),
            (["run", "-j", "10001"], "--workers '10001': expected a whole number from 1 to 10000, or conservative, "
             "moderate, aggressive or auto; "
             "see 'ratebatch run --help'"),
            (["run", "-j", "4x"], "--workers '4x': expected a whole number from 1 to 10000, or conservative, "
             "moderate, aggressive or auto; "
             "see 'ratebatch run --help'"),
            (["run", "--workers"], "--workers needs a value; see 'ratebatch run --help'"),
            (["run", "--on-unknown", "ask"],
             "--on-unknown 'ask': expected retry or hold; see 'ratebatch run --help'"),
            (["status", "--color", "alway"], "--color 'alway': expected auto, always or never "
             "(did you mean 'always'?); see 'ratebatch status --help'"),
            (["status", "-q", "-v"],
             "--quiet and --verbose exclude each other; see 'ratebatch status --help'"),
            (["retry"], "say which jobs: --failed, --unknown, --truncated, --changed, --class C or "
             "--id ID; see 'ratebatch retry --help'"),
            (["retry", "--class", "timout"], "--class 'timout' is no class (did you mean "
             "'timeout'?); 'ratebatch status' lists those of the failed jobs; "
             "see 'ratebatch retry --help'"),
            (["run", "jobs.jsonl", "--id-column", "id"],
             "--id-column is for CSV files, and none is given; lines of JSON name it themselves; see 'ratebatch run --help'"),
            (["check", "--type", "bio"], "--type is for CSV files, and none is given; lines of "
             "JSON name it themselves; see 'ratebatch check --help'"),
            (["plan", "x.jsonl", "--type", "bio"], "--type is for CSV files, and none is given; "
             "lines of JSON name it themselves; see 'ratebatch plan --help'"),
            (["resume", "--type", "bio"],
             "unknown option '--type'; see 'ratebatch resume --help'"),
            (["results", "--format", "jsno"], "--format 'jsno': expected jsonl, batch or csv; "
             "see 'ratebatch results --help'"),
            (["results", "--columns", "id"],
             "--columns needs --format csv; see 'ratebatch results --help'"),
            (["results", "--format", "csv", "--columns", "id,,text"], "--columns 'id,,text': "
             "expected names such as id,text,artist; see 'ratebatch results --help'"),
            (["results", "--errors", "e.jsonl"],
             "--errors needs --format batch; see 'ratebatch results --help'"),
            (["results", "--format", "batch", "-o", "a", "--errors", "a"],
             "--errors needs a file of its own; see 'ratebatch results --help'"),
            (["results", "--follow", "--in-order"], "--follow writes results as they come, and "
             "--in-order waits for the first; see 'ratebatch results --help'"),
            (["results", "--follow", "-o", "r"], "--follow writes to standard output only: a file "
             "is complete or not there; see 'ratebatch results --help'"),
            (["results", "--follow", "--format", "csv"],
             "--follow needs --format jsonl; see 'ratebatch results --help'"),
            (["run", "-", "-"], "'-' (standard input) can be read only once; "
             "see 'ratebatch run --help'"),
        ]
        for arguments, message in table:
            with self.subTest(arguments):
                self.assertEqual(f"ratebatch: {message}\n", self.refused(*arguments))

    def test_two_dashes_end_the_options(self):
        for arguments in (["run", "--", "-x.jsonl"], ["--", "run", "--", "-x.jsonl"],
                          ["check", "-q", "--", "-x.jsonl"], ["plan", "--", "-x.jsonl"]):
            with self.subTest(arguments):
                text = self.refused(*arguments)
                self.assertIn("-x.jsonl", text)
                self.assertNotIn("option", text)
        self.assertEqual("ratebatch: unexpected argument '-x'; see 'ratebatch status --help'\n",
                         self.refused("status", "--", "-x"))
        self.assertIn("ratebatch.db", self.refused("status", "--"))
        self.assertIn("unexpected argument '--json'", self.refused("status", "--", "--json"))

    def test_a_job_file_may_begin_with_a_dash(self):
        self.write("-x.jsonl", '{"id":"a","model":"gpt-4o-mini","prompt":"Hello"}\n')
        self.check_code(self.run_cli("run", "--sandbox=latency=1ms", "-q", "--", "-x.jsonl"), 0)
        self.assertEqual(1, self.status()["jobs"]["done"])

    def test_values_with_units_are_checked(self):
        self.assertIn("--grace: ", self.refused("run", "--grace", "30 parsecs"))
        self.assertIn("latency", self.refused("run", "--sandbox=latencie=2s"))
        self.assertIn("port", self.refused("sandbox", "--port", "65536"))

    def test_control_bytes_of_arguments_do_not_reach_the_terminal(self):
        self.assertNotIn("\x1b", self.refused("\x1b[2J"))
        self.assertNotIn("\x1b", self.refused("run", "--\x1b[2J"))

    def test_without_a_command_the_help_is_shown_as_an_error(self):
        text = self.refused()
        self.assertTrue(text.startswith("no command given\n"), text)
        self.assertIn("Usage: ratebatch COMMAND", text)

    def test_a_missing_checkpoint_is_named_by_its_whole_path(self):
        for command in (["status"], ["results"], ["resume"], ["run"], ["retry", "--failed"]):
            with self.subTest(command):
                text = self.refused(*command, "--db", "no.db")
                self.assertIn(os.path.realpath(self.path("no.db")), text)
                self.assertIn("ratebatch run", text)

    def test_the_checkpoint_comes_from_the_option_then_the_environment(self):
        env = {"RATEBATCH_DB": "from-env.db"}
        self.assertIn("from-env.db", self.refused("status", env=env))
        self.assertIn("from-option.db", self.refused("status", "--db", "from-option.db", env=env))
        self.assertIn("before.db", self.refused("--db", "before.db", "status", env=env))
        self.assertIn("/ratebatch.db", self.refused("status"))

    def test_with_json_an_error_is_a_line_too(self):
        finished = self.run_cli("status", "--json")
        self.check_code(finished, 2)
        line = finished.json_lines()[0]
        self.assertEqual((1, "error", 2),
                         (line["schema_version"], line["message_type"], line["exit_code"]))
        self.assertIn(line["message"], finished.stderr)

    def test_quiet_does_not_silence_an_error(self):
        self.assertIn("ratebatch.db", self.refused("status", "--quiet"))


class HelpTest(CliTestCase):
    COMMANDS = ["run", "resume", "status", "results", "retry", "plan", "quota", "tiers",
                "check", "init", "sandbox"]

    def help_of(self, *arguments):
        finished = self.run_cli(*arguments)
        self.check_code(finished, 0)
        self.assertEqual("", finished.stderr)
        return finished.stdout

    def test_the_program_lists_its_commands(self):
        text = self.help_of("--help")
        for command in self.COMMANDS:
            self.assertRegex(text, rf"(?m)^  {command}\b")
        self.assertEqual(text, self.help_of("help"))
        self.assertEqual(text, self.help_of("-h"))

    def test_each_command_has_one_screen_with_examples_and_exit_codes(self):
        for command in self.COMMANDS:
            with self.subTest(command):
                text = self.help_of(command, "--help")
                self.assertTrue(text.startswith(f"Usage: ratebatch {command} "), text)
                self.assertLessEqual(max(map(len, text.splitlines())), 100)
                self.assertLessEqual(text.count("\n"), 50)
                self.assertEqual(2, text.split("Examples:\n")[1].split("\n\n")[0].strip()
                                 .count("\n") + 1)
                self.assertIn("Exit codes: ", text)
                self.assertEqual(text, self.help_of("help", command))

    def test_help_wins_over_what_is_wrong(self):
        self.help_of("run", "--workers", "0", "--help")

    def test_the_version_names_the_libraries(self):
        for arguments in (["--version"], ["run", "--version"]):
            text = self.help_of(*arguments)
            self.assertRegex(text, r"\Aratebatch \d+\.\d+\.\d+\nSQLite 3\.\d+\.\d+\nlibcurl \d+\.\S+ "
                             r".*\n\Z")


class InitTest(CliTestCase):
    def test_it_writes_a_configuration_that_holds(self):
        self.check_code(self.run_cli("init"), 0)
        self.assertEqual(["ratebatch.yaml"], self.files())
        self.assertEqual(0o600, os.stat(self.path("ratebatch.yaml")).st_mode & 0o777)
        finished = self.run_cli("check", "--json", env={"OPENAI_API_KEY": harness.CANARY})
        self.check_code(finished, 0)
        line = json.loads(finished.stdout)
        self.assertEqual(os.path.realpath(self.path("ratebatch.yaml")),
                         os.path.realpath(line["config"]))

    def test_it_never_overwrites(self):
        self.write("ratebatch.yaml", "workers: 2\n")
        finished = self.run_cli("init")
        self.check_code(finished, 2)
        self.assertEqual("ratebatch: ratebatch.yaml is there already and stays as it is; --config "
                         "names another file\n", finished.stderr)
        self.assertEqual("workers: 2\n", self.read("ratebatch.yaml"))
        self.check_code(self.run_cli("init", "--config", "other.yaml"), 0)
        self.assertEqual(["other.yaml", "ratebatch.yaml"], self.files())

    def test_it_does_not_write_through_a_symbolic_link(self):
        os.symlink("elsewhere.yaml", self.path("ratebatch.yaml"))
        self.check_code(self.run_cli("init"), 2)
        self.assertEqual(["ratebatch.yaml"], self.files())


if __name__ == "__main__":
    harness.main()
