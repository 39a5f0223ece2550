"""What the figures were made on: processor, kernel, disk, libraries, and a sync measured now."""

import os
import platform
import re
import sqlite3
import subprocess
import time

import figures

SYNCS = 500
SYNC_BYTES = 4096
DRIFT_MAX = 3


def first_line(command):
    """The first line a program prints, wherever it prints it; empty where there is none."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    lines = (done.stdout + done.stderr).splitlines()
    return lines[0].strip() if lines else ""


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        match = re.search(r"^model name\s*:\s*(.*)$", file.read(), re.MULTILINE)
    name = match.group(1) if match else platform.machine()
    return f"{name}, {len(os.sched_getaffinity(0))} processors"


def memory_bytes():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def file_system(folder):
    """Its kind and its device: `ext4 /dev/sda1`."""
    return " ".join(first_line(["findmnt", "-n", "-o", "FSTYPE,SOURCE", "-T", folder]).split())


def in_memory(folder):
    """Whether files there never reach a disk, so that a sync costs nothing."""
    return file_system(folder).split(" ")[0] in ("tmpfs", "ramfs")


def sync_times(folder, count=SYNCS):
    """How long each fdatasync after an append of 4 KiB takes there, in seconds."""
    path = os.path.join(folder, "sync.probe")
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    times = []
    try:
        for _ in range(count):
            os.write(descriptor, os.urandom(SYNC_BYTES))
            begin = time.perf_counter()
            os.fdatasync(descriptor)
            times.append(time.perf_counter() - begin)
    finally:
        os.close(descriptor)
        os.unlink(path)
    return times


def sync_text(times):
    return (f"fdatasync after 4 KiB: p50 {figures.seconds_text(figures.median(times))}, "
            f"p99 {figures.seconds_text(figures.percentile(times, 99))}")


def disk_after(before, after):
    """The line about the disk at the end, and a warning where it became another one."""
    lines = [f"disk after  {sync_text(after)}"]
    times = sorted([figures.median(before), figures.median(after)])
    if times[1] > DRIFT_MAX * times[0]:
        lines.append(f"WARNING     a sync took {times[1] / times[0]:.0f} times as long at one end "
                     "as at the other: rows that wait for the disk cannot be trusted")
    return lines


# A log that still grows makes each commit twice as long; after its first checkpoint it is used again.
COMMITS_BEFORE = 2000


def commit_times(folder, count):
    """How long a commit of one row of 600 bytes takes in SQLite at the level of the checkpoint."""
    path = os.path.join(folder, "commit.probe.db")
    connection = sqlite3.connect(path, isolation_level=None)
    times = []
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE answers (id INTEGER PRIMARY KEY, record TEXT)")
        for _ in range(COMMITS_BEFORE + count):
            begin = time.perf_counter()
            connection.execute("INSERT INTO answers (record) VALUES (?)", ("x" * 600,))
            times.append(time.perf_counter() - begin)
        del times[:COMMITS_BEFORE]
    finally:
        connection.close()
        for name in (path, path + "-wal", path + "-shm"):
            if os.path.exists(name):
                os.unlink(name)
    return times


def version_of(ratebatch, source_folder):
    """What the program calls itself, and the commit of the tree it was built from."""
    commit = first_line(["git", "-C", source_folder, "describe", "--always", "--dirty"])
    called = first_line([ratebatch, "--version"])
    return f"{called}, tree {commit}" if re.fullmatch(r"[\w.+-]+", commit) else called


def description(context, syncs):
    """The lines above the table."""
    memory = figures.mebibytes_text(memory_bytes())
    lines = [
        f"machine     {processor()}, {memory}, Linux {platform.release()}",
        f"disk        {file_system(context.folder)}; {sync_text(syncs)}",
        f"checkpoint  SQLite {sqlite3.sqlite_version}, write-ahead log, synchronous=FULL: "
        "a commit waits for the disk",
        f"ratebatch   {version_of(context.ratebatch_path, context.source_folder)}",
        f"beside it   {first_line(['nginx', '-v'])}; sqlite3 shell "
        f"{first_line(['sqlite3', '--version'])[:17]}; Python {platform.python_version()}",
        f"when        {time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())}; load before "
        f"{os.getloadavg()[0]:.2f}",
    ]
    if in_memory(context.folder):
        lines.append("WARNING     the work folder is in memory: a commit costs nothing there, and "
                     "ratios to a commit mean nothing; use --folder")
    if context.quick:
        lines.append("QUICK       smaller sizes and fewer repetitions: to see that it works, not "
                     "to quote")
    return lines
