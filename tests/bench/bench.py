"""`./dev bench`: measures the rows, prints one table. Ends with 0 when it could measure, whatever
the figures are; with 1 when a row could not be measured.

Everything is measured from outside: the release program as users run it, a server in front of it,
and beside each figure a floor that was measured in the same minutes.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time

import machine
import rows_durable
import rows_files
import rows_loading
import rows_memory
import rows_million
import rows_quota
import rows_start
import rows_throughput
import table
from context import Context
from figures import BenchError
from row import failed_row

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GIGABYTE = 10**9
ROOM_BYTES = 5 * GIGABYTE
ROOM_QUICK_BYTES = GIGABYTE // 2

# In the order in which they are measured. loading leaves its checkpoint to those below it, and each
# of resume, status and results works on it further.
ROWS = {
    "start": (rows_start.start, "start of `status` on an empty checkpoint"),
    "end-to-end": (rows_throughput.end_to_end,
                   "jobs/s and CPU per job against a bare libcurl loop; bytes per job"),
    "workers-1000": (rows_throughput.workers_1000, "1,000 workers, 500 ms answers"),
    "durable": (rows_durable.durable, "answer received to durable"),
    "slow-disk": (rows_durable.slow_disk, "end to end with slower and slower syncs"),
    "loading": (rows_loading.loading, "loading 1,000,000 lines; again"),
    "memory": (rows_memory.memory, "memory of a run with few and with 1,000,000 jobs"),
    "files": (rows_files.large_files, "memory for answers of 5 and 40 MB"),
    "resume": (rows_million.resume, "start to first request with 1,000,000 jobs"),
    "status": (rows_million.status, "`status` beside a run with 1,000,000 jobs"),
    "results": (rows_million.results, "`results` of 1,000,000 jobs"),
    "quota": (rows_quota.quota, "how near to every limit a run stays, in virtual time"),
    "quota-http": (rows_quota.over_http, "50 requests in any 10 s over real HTTP"),
}


def arguments():
    parser = argparse.ArgumentParser(prog="./dev bench", description=(
        "Measures ratebatch beside a floor for each figure, and prints one table. No figure makes "
        "it fail. Takes about 15 minutes and 5 GB of disk; leave the machine alone meanwhile."))
    parser.add_argument("rows", nargs="*", metavar="ROW", help="only these (default: all)")
    parser.add_argument("--list", action="store_true", help="name the rows")
    parser.add_argument("--quick", action="store_true",
                        help="small sizes, two minutes in all: shows that it works, not how fast")
    parser.add_argument("--keep", action="store_true", help="leave the work folder")
    parser.add_argument("--folder", help="where to make the work folder; a real disk "
                                         "(default: build)")
    parser.add_argument("--build", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    unknown = [name for name in chosen.rows if name not in ROWS]
    if unknown:
        parser.error(f"no row {unknown[0]}; there are: {', '.join(ROWS)}")
    return chosen


def check_room(folder, quick):
    need = ROOM_QUICK_BYTES if quick else ROOM_BYTES
    free = shutil.disk_usage(folder).free
    if free < need:
        raise BenchError(f"{folder} has {free / GIGABYTE:.1f} GB free, {need / GIGABYTE:.1f} GB "
                         "are needed; name another folder with --folder")
    print(f"working in {folder}, up to {need / GIGABYTE:.1f} GB of its "
          f"{free / GIGABYTE:.0f} GB free", file=sys.stderr)


def measure_rows(context, names):
    rows, complete = [], True
    for name in names:
        print(f"{name} ...", file=sys.stderr, flush=True)
        begin = time.monotonic()
        try:
            rows += ROWS[name][0](context)
        except (BenchError, OSError) as error:
            complete = False
            context.end_all()
            rows.append(failed_row(name, error))
            context.say(f"NOT MEASURED: {error}")
        context.say(f"took {time.monotonic() - begin:.0f} s")
    return rows, complete


def print_table(head, rows, took_s):
    print("\n".join(head))
    print(f"measured    in {took_s / 60:.1f} minutes; median of five pairs where not said "
          "otherwise\n")
    print(table.text_table(rows))
    print(table.summary(rows))
    print("\nAs Markdown, all of it, then the ratios alone:\n")
    print(table.markdown_table(rows))
    print(table.markdown_ratios(rows), end="")


def bench(chosen, source_folder):
    build_folder = os.path.abspath(chosen.build or os.path.join(source_folder, "build/release"))
    parent = os.path.abspath(chosen.folder or os.path.join(source_folder, "build"))
    os.makedirs(parent, exist_ok=True)
    check_room(parent, chosen.quick)
    folder = tempfile.mkdtemp(prefix="bench-", dir=parent)
    context = Context(folder, build_folder, source_folder, chosen.quick)
    try:
        context.open()
        syncs = machine.sync_times(folder)
        head = machine.description(context, syncs)
        begin = time.monotonic()
        rows, complete = measure_rows(context, [name for name in ROWS
                                                if name in chosen.rows or not chosen.rows])
        head += machine.disk_after(syncs, machine.sync_times(folder))
        print_table(head, rows, time.monotonic() - begin)
        return 0 if complete else 1
    finally:
        # A second Ctrl-C would leave behind what the first one was about to clean up.
        for number in STOPS:
            signal.signal(number, signal.SIG_IGN)
        context.close()
        if chosen.keep:
            print(f"kept: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)


def stop(_number, _frame):
    raise KeyboardInterrupt


def main():
    chosen = arguments()
    if chosen.list:
        for name, (_, about) in ROWS.items():
            print(f"{name:14}{about}")
        return 0
    for number in STOPS:
        signal.signal(number, stop)
    source_folder = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
    try:
        return bench(chosen, source_folder)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bench: interrupted, cleaned up", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
