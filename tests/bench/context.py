"""What all rows share: the work folder, the programs, the server, the sizes, the checkpoints.

Whatever is made here goes away with close(), also after Ctrl-C.
"""

import contextlib
import dataclasses
import os
import shutil
import signal
import subprocess
import sys

import jobs
import nginx
from figures import BenchError

EXIT_DONE = 0
EXIT_NOT_FINISHED = 75
PLACES = ["", "/logged", "/around20", "/after100", "/after500", "/timed"]


@dataclasses.dataclass(frozen=True)
class Sizes:
    """How much each row works off."""

    end_to_end: int = 50_000
    workers_1000: int = 30_000
    million: int = 1_000_000
    memory_small: int = 10_000
    memory_run: int = 50_000
    durable: int = 20_000
    slow_disk: int = 20_000
    slow_disk_latency: int = 3_200
    starts: int = 50
    commits: int = 200
    windows: int = 5
    window_s: float = 5.0
    repetitions: int = 5


QUICK = Sizes(end_to_end=5_000, workers_1000=6_000, million=30_000, memory_small=3_000,
              memory_run=3_000, durable=2_000, slow_disk=2_000, slow_disk_latency=640, starts=10,
              commits=50, windows=2, window_s=1.0, repetitions=3)


@dataclasses.dataclass(frozen=True)
class Measured:
    """What one process cost."""

    wall_s: float
    cpu_s: float
    resident_bytes: int
    code: int


class Context:
    def __init__(self, folder, build_folder, source_folder, quick):
        self.folder, self.build_folder, self.source_folder = folder, build_folder, source_folder
        self.quick = quick
        self.sizes = QUICK if quick else Sizes()
        self.ratebatch_path = os.path.join(build_folder, "src/cli/ratebatch")
        self.env = {"PATH": os.environ.get("PATH", ""), "HOME": folder, "LC_ALL": "C.UTF-8",
                    "BENCH_KEY": "sk-bench"}
        self._running = set()
        self.nginx = nginx.Nginx(self.path("nginx"))

    def open(self):
        """Starts the server, and writes a configuration for each of its places."""
        self.nginx.open()
        for place in PLACES:
            with open(self.config(place), "w", encoding="utf-8") as file:
                file.write(jobs.configuration(self.nginx.base_url(place)))

    def close(self):
        """Ends every process that was started here."""
        self.end_all()
        self.nginx.close()

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def program(self, name):
        return os.path.join(self.build_folder, "tests/bench", name)

    def config(self, place=""):
        """The configuration that sends requests to a place of the server."""
        return self.path(f"to{place.replace('/', '-')}.yaml")

    @staticmethod
    def say(text):
        print(f"  {text}", file=sys.stderr, flush=True)

    # Processes. Each is the first of a session, so that Ctrl-C reaches them through close() only.

    def start(self, command, stdout=None, env=None):
        process = subprocess.Popen(
            command, cwd=self.folder, env={**self.env, **(env or {})}, stdin=subprocess.DEVNULL,
            stdout=stdout or subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
        self._running.add(process)
        return process

    def finish(self, process, codes=(EXIT_DONE,)):
        """Waits for its end; another exit code than `codes` is an error."""
        _, complaint = process.communicate()
        self._running.discard(process)
        if codes is not None and process.returncode not in codes:
            raise BenchError(f"{' '.join(process.args)}: ended with {process.returncode}: "
                             f"{complaint.decode(errors='replace').strip()[-500:]}")
        return process.returncode

    def end_all(self):
        """Ends what a row left running."""
        for process in list(self._running):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            self.finish(process, codes=None)

    def measure(self, command, codes=(EXIT_DONE,), output=None):
        """Runs a program to its end, its output into a file or nowhere."""
        result = self.path("measured")
        with open(output or os.devnull, "w", encoding="utf-8") as file:
            process = self.start([self.program("ratebatch_measure_child"), result, *command],
                                 stdout=file)
            _, complaint = process.communicate()
            self._running.discard(process)
        if process.returncode != 0:
            raise BenchError(complaint.decode(errors="replace").strip())
        with open(result, encoding="utf-8") as file:
            wall, user, system, resident_kib, _, code = file.read().split()
        if int(code) not in codes:
            raise BenchError(f"{' '.join(command)}: ended with {code}: "
                             f"{complaint.decode(errors='replace').strip()[-500:]}")
        return Measured(float(wall), float(user) + float(system), int(resident_kib) * 1024,
                        int(code))

    # ratebatch.

    def run_command(self, file, db, *options, place=""):
        return [self.ratebatch_path, "run", file, "--db", db, "--config", self.config(place), "-q",
                *options]

    def resume_command(self, db, workers, *options, place=""):
        return [self.ratebatch_path, "resume", "--db", db, "--config", self.config(place), "-q",
                "-j", str(workers), *options]

    def load(self, file, db):
        """Loads a job file into a fresh checkpoint, and starts nothing."""
        remove(db)
        return self.measure(self.run_command(file, db, "--max-jobs", "0"),
                            (EXIT_DONE, EXIT_NOT_FINISHED))

    def job_file(self, count):
        path = self.path(f"jobs-{count}.jsonl")
        if not os.path.exists(path):
            self.say(f"writing {count:,} job lines")
            jobs.write_jobs(path, count)
        return path

    def loaded(self, count):
        """A checkpoint with `count` jobs, none started; for copies."""
        path = self.path(f"loaded-{count}.db")
        if not os.path.exists(path):
            self.say(f"loading {count:,} jobs")
            self.load(self.job_file(count), path)
        return path


def files_of(db):
    return [path for path in (db, f"{db}-wal", f"{db}-shm", f"{db}.lock")
            if os.path.exists(path)]


def remove(db):
    for path in files_of(db):
        os.unlink(path)


def bytes_of(db):
    """The database and its log."""
    return sum(os.path.getsize(path) for path in files_of(db) if not path.endswith("-shm"))


def fresh_copy(db, to):
    """A copy of a checkpoint nobody works on, on the disk before anything is measured with it."""
    remove(to)
    shutil.copyfile(db, to)
    os.sync()
    return to
