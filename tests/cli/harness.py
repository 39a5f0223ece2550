"""What the tests of the program share: temporary folders, processes, terminals, a stand-in provider.

Nothing sleeps: a test waits for a line, for the end of a process, or polls with a deadline.
"""

import fcntl
import json
import os
import pty
import queue
import re
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import termios
import threading
import time
import unittest
import urllib.request

BINARY = os.environ["RATEBATCH_BINARY"]

# Generous: only a test that fails waits so long. Sanitizers make programs slower.
DEADLINE_S = 60

# A key that must appear nowhere but in the request.
CANARY = "sk-canary-3f1c9a7e5b2d"


class Finished:
    """A process that ended: its output as text, and its exit code."""

    def __init__(self, stdout, stderr, code):
        self.stdout, self.stderr, self.code = stdout, stderr, code

    def json_lines(self):
        return [json.loads(line) for line in self.stdout.splitlines()]


class Running:
    """A process under way, whose lines can be waited for."""

    def __init__(self, arguments, cwd, env):
        self.process = subprocess.Popen(
            [BINARY, *arguments], cwd=cwd, env=env, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._lines = {"stdout": [], "stderr": []}
        self._arrived = queue.Queue()
        self._threads = [threading.Thread(target=self._read, args=(name,), daemon=True)
                         for name in self._lines]
        for thread in self._threads:
            thread.start()

    @property
    def pid(self):
        return self.process.pid

    def _read(self, name):
        for line in getattr(self.process, name):
            self._lines[name].append(line)
            self._arrived.put(name)
        self._arrived.put(name)

    def wait_for(self, pattern, where="stderr"):
        """The match of the first line that has the pattern."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            for line in list(self._lines[where]):
                match = re.search(pattern, line)
                if match:
                    return match
            left = deadline - time.monotonic()
            alive = any(thread.is_alive() for thread in self._threads)
            if left <= 0 or (not alive and self._arrived.empty()):
                raise AssertionError(f"no line with {pattern!r} in {self._lines}")
            try:
                self._arrived.get(timeout=min(left, 1))
            except queue.Empty:
                pass

    def send(self, number):
        self.process.send_signal(number)

    def finish(self):
        """Waits for its end."""
        try:
            self.process.wait(timeout=DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"did not end: {self._lines}") from None
        for thread in self._threads:
            thread.join()
        for stream in (self.process.stdout, self.process.stderr):
            stream.close()
        return Finished("".join(self._lines["stdout"]), "".join(self._lines["stderr"]),
                        self.process.returncode)


class CliTestCase(unittest.TestCase):
    """Each test has an empty folder, in which the program runs, and an environment without keys."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="ratebatch-cli-")
        self.env = {"PATH": os.environ.get("PATH", ""), "HOME": self.folder, "TERM": "xterm",
                    "LC_ALL": "C.UTF-8"}
        for name, value in os.environ.items():
            if name.endswith("SAN_OPTIONS"):
                self.env[name] = value
        self._running = []

    def tearDown(self):
        for running in self._running:
            if running.process.poll() is None:
                running.process.kill()
                running.finish()
        shutil.rmtree(self.folder)

    # Files of the test's folder.

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return name

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def files(self):
        return sorted(os.listdir(self.folder))

    def write_jobs(self, count, name="jobs.jsonl", prefix="job"):
        lines = [json.dumps({"id": f"{prefix}-{i}", "model": "small", "prompt": f"Say {i}."})
                 for i in range(1, count + 1)]
        return self.write(name, "".join(line + "\n" for line in lines))

    def write_config(self, base_url="https://127.0.0.1:1/v1", name="ratebatch.yaml", extra=""):
        return self.write(name, f"""\
providers:
  openai:
    api: openai
    base_url: {base_url}
    keys: [env:TEST_API_KEY]
models:
  small:
    provider: openai
    kind: chat
    limits: {{concurrency: 8}}
{extra}""")

    # Processes.

    def run_cli(self, *arguments, env=None, input=None):
        done = subprocess.run([BINARY, *arguments], cwd=self.folder, env={**self.env, **(env or {})},
                              input=input, stdin=None if input is not None else subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=DEADLINE_S, check=False)
        return Finished(done.stdout, done.stderr, done.returncode)

    def start(self, *arguments, env=None):
        running = Running(arguments, self.folder, {**self.env, **(env or {})})
        self._running.append(running)
        return running

    def start_sandbox(self, *arguments):
        """A stand-in provider of its own process; returns it and its base_url."""
        running = self.start("sandbox", *arguments)
        return running, running.wait_for(r"^(http://127\.0\.0\.1:\d+/v1)$", "stdout").group(1)

    def run_under_terminal(self, *arguments, env=None, columns=100, rows=24):
        """Runs with standard input, output and error on a terminal; returns what it showed."""
        pid, terminal = pty.fork()
        if pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.chdir(self.folder)
            os.execve(BINARY, [BINARY, *arguments], {**self.env, **(env or {})})
        shown = b""
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            if not select.select([terminal], [], [], 1)[0]:
                continue
            try:
                data = os.read(terminal, 65536)
            except OSError:  # Linux: the other side is closed.
                data = b""
            if not data:
                break
            shown += data
        else:
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        os.close(terminal)
        return Finished(shown.decode(), "", os.waitstatus_to_exitcode(status))

    # What the stand-in counted, and other polling.

    @staticmethod
    def stats(base_url):
        url = base_url.removesuffix("/v1") + "/stats"
        with urllib.request.urlopen(url, timeout=DEADLINE_S) as reply:
            return json.load(reply)

    def poll(self, what, condition):
        """Calls `what` until `condition` holds for its result, which is returned."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            value = what()
            if condition(value):
                return value
            if time.monotonic() > deadline:
                self.fail(f"the condition never held; last: {value}")

    def check_code(self, finished, code):
        self.assertEqual(code, finished.code, f"stdout: {finished.stdout}\nstderr: {finished.stderr}")

    def status(self, *arguments):
        finished = self.run_cli("status", "--json", *arguments)
        self.check_code(finished, 0)
        return finished.json_lines()[0]


def main():
    unittest.main(verbosity=2)
