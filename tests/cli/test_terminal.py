"""Progress on a terminal: drawn in place below the messages, and gone when it is over."""

import re

import harness
from harness import CliTestCase


class Screen:
    """What a terminal shows that knows as much as the program uses."""

    def __init__(self, text):
        self.rows, self.row, self.column = [""], 0, 0
        self.frames = []
        at = 0
        while at < len(text):
            code = re.compile(r"\x1b\[(\d*)([A-Za-z])").match(text, at)
            if code:
                self._control(code.group(1), code.group(2))
                at = code.end()
                continue
            self._put(text[at])
            at += 1

    def _control(self, number, letter):
        if letter == "A":
            self.row -= int(number or 1)
        elif letter == "K":
            self.rows[self.row] = self.rows[self.row][:self.column]
            self.frames.append(list(self.rows))
        elif letter == "J":
            self.rows[self.row] = self.rows[self.row][:self.column]
            del self.rows[self.row + 1:]
        elif letter != "m":
            raise AssertionError(f"a code nobody expects: {letter}")

    def _put(self, character):
        if character == "\r":
            self.column = 0
        elif character == "\n":
            self.row += 1
            if self.row == len(self.rows):
                self.rows.append("")
        else:
            line = self.rows[self.row].ljust(self.column)
            self.rows[self.row] = line[:self.column] + character + line[self.column + 1:]
            self.column += 1


class TerminalTest(CliTestCase):
    def setUp(self):
        super().setUp()
        self.write_config()
        self.write_jobs(40)
        self.command = ["run", "jobs.jsonl", "--sandbox=latency=20ms", "-j", "2"]

    def show(self, *arguments, **options):
        finished = self.run_under_terminal(*self.command, *arguments, **options)
        self.check_code(finished, 0)
        return finished.stdout.replace("\r\n", "\n\r")

    def test_each_model_has_a_line_and_all_have_one_drawn_in_place(self):
        screen = Screen(self.show())
        drawn = [frame for frame in screen.frames if any(row.startswith("all ") for row in frame)]
        self.assertGreater(len(drawn), 3)
        for frame in drawn:
            self.assertEqual(1, sum(row.startswith("all ") for row in frame), frame)
            self.assertEqual(1, sum(row.startswith("small ") for row in frame), frame)
        self.assertRegex("\n".join(drawn[len(drawn) // 2]),
                         r"(?m)^small  \[#*-*\] +\d+/40 +\S+/min")
        self.assertRegex("\n".join(drawn[-1]), r"(?m)^all .* of 2 workers busy")

    def test_messages_stay_and_the_progress_goes(self):
        rows = [row.rstrip() for row in Screen(self.show()).rows]
        self.assertRegex(rows[0], r"^SANDBOX: requests go to ")
        self.assertEqual(["loaded 40 jobs", "running 40 jobs with 2 workers"], rows[1:3])
        self.assertRegex(rows[3], r"^SANDBOX: Finished: 40 of 40 jobs done after ")
        self.assertFalse([row for row in rows if row.startswith(("all ", "small "))])

    def test_no_line_reaches_the_edge(self):
        for columns in (20, 40, 80):
            with self.subTest(columns):
                text = self.show("--db", f"{columns}.db", columns=columns)
                for frame in Screen(text).frames:
                    for row in frame:
                        if row.startswith(("all ", "small ")):
                            self.assertLess(len(row), columns)

    def test_a_verbose_message_appears_above_the_progress(self):
        self.command[2] = "--sandbox=latency=20ms,error_rate=30%"
        finished = self.run_under_terminal(*self.command, "-v", "--db", "faults.db")
        self.assertIn(finished.code, (0, 1))
        screen = Screen(finished.stdout.replace("\r\n", "\n\r"))
        self.assertFalse([row for row in screen.rows if row.startswith("all ")])
        self.assertRegex(screen.rows[0], r"^configuration: ")

    def test_a_dumb_terminal_gets_no_codes(self):
        for term in ("dumb", ""):
            with self.subTest(term):
                text = self.show("--db", f"dumb{term}.db", env={"TERM": term})
                self.assertNotIn("\x1b", text)
                self.assertIn("40 of 40 jobs done", text)

    def test_quiet_draws_nothing(self):
        self.assertEqual("", self.show("--quiet"))

    def test_colours_follow_the_terminal_and_the_options(self):
        red = "\x1b[31mratebatch:\x1b[0m "
        missing = ["status", "--db", "no.db"]
        self.assertIn(red, self.run_under_terminal(*missing).stdout)
        self.assertNotIn(red, self.run_under_terminal(*missing, env={"NO_COLOR": "1"}).stdout)
        self.assertIn(red, self.run_under_terminal(*missing, env={"NO_COLOR": ""}).stdout)
        self.assertNotIn(red, self.run_under_terminal(*missing, env={"TERM": "dumb"}).stdout)
        self.assertNotIn(red, self.run_under_terminal(*missing, "--color", "never").stdout)
        self.assertIn(red, self.run_under_terminal(*missing, "--color", "always",
                                                   env={"NO_COLOR": "1"}).stdout)
        self.assertNotIn("\x1b", self.run_cli(*missing).stderr)
        self.assertIn(red, self.run_cli(*missing, "--color", "always").stderr)


if __name__ == "__main__":
    harness.main()
