"""Rows on a checkpoint of 1,000,000 jobs: resume, status beside a run, results."""

import filecmp
import os
import signal
import time

import figures
import jobs
from context import EXIT_DONE, EXIT_NOT_FINISHED, fresh_copy, remove
from figures import BenchError, seconds_text
from first_request import FirstRequest
from row import Row, at_most, ratio_figure

STATUS_WORKERS = 16
STATUS_EVERY_S = 0.25
WORK_WORKERS = 64

# The column that holds what `ratebatch results` prints, in its order.
RESULTS_SQL = "SELECT record FROM results ORDER BY id"


def half_done(context):
    """A checkpoint of which the first half is worked off; for copies, until whole() takes it."""
    count = context.sizes.million
    path = context.path("half.db")
    if not os.path.exists(path):
        loaded = context.loaded(count)
        context.say(f"working off {count // 2:,} of {count:,} jobs")
        context.measure(context.resume_command(loaded, WORK_WORKERS, "--max-jobs",
                                               str(count // 2)), (EXIT_NOT_FINISHED,))
        os.replace(loaded, path)
        remove(loaded)
    return path


def whole(context):
    """A checkpoint of which all is worked off."""
    count = context.sizes.million
    path = context.path("whole.db")
    if not os.path.exists(path):
        half = half_done(context)
        context.say(f"working off the other {count - count // 2:,}")
        context.measure(context.resume_command(half, WORK_WORKERS))
        os.replace(half, path)
        remove(half)
    return path


# --- Resume --------------------------------------------------------------------------------------


def time_to_first_request(context, db):
    server = FirstRequest()
    try:
        config = context.path("first-request.yaml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(jobs.configuration(server.base_url))
        command = [context.ratebatch_path, "resume", "--db", db, "--config", config, "-q"]
        begin = time.monotonic()
        process = context.start(command)
        arrived = server.wait()
        # Once: nothing new; twice: what is under way is given up.
        process.send_signal(signal.SIGINT)
        time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        context.finish(process, (130,))
        return arrived - begin
    finally:
        server.close()


def resume(context):
    count = context.sizes.million
    db = fresh_copy(half_done(context), context.path("resume.db"))
    times = [time_to_first_request(context, db) for _ in range(context.sizes.repetitions)]
    remove(db)
    middle = figures.median(times)
    yield Row(
        what=f"resume of {count:,} jobs, half done: start to first request",
        measured=f"{seconds_text(middle)}, longest {seconds_text(max(times))}",
        figures=[(middle, seconds_text(middle))], targets=[at_most(1.0, "1 s")],
        notes=[f"Median of {len(times)}, the checkpoint in the system's cache."])


# --- Status beside a run -------------------------------------------------------------------------


def call_status(context, db, end):
    """Calls `status` every 250 ms until `end`; how long each took."""
    times = []
    while (begin := time.time()) < end:
        context.finish(context.start([context.ratebatch_path, "status", "--db", db]))
        times.append(time.time() - begin)
        time.sleep(max(0.0, min(begin + STATUS_EVERY_S, end) - time.time()))
    return times


def watch_windows(context, db):
    """Windows without and with status, taking turns: their borders, and the times of status."""
    quiet, watched, times = [], [], []
    for _ in range(context.sizes.windows):
        begin = time.time()
        time.sleep(context.sizes.window_s)
        quiet.append((begin, time.time()))
        begin = time.time()
        times += call_status(context, db, begin + context.sizes.window_s)
        watched.append((begin, time.time()))
    return quiet, watched, times


def status(context):
    count = context.sizes.million
    db = fresh_copy(half_done(context), context.path("status.db"))
    run = context.start(context.resume_command(db, STATUS_WORKERS, place="/timed"))
    time.sleep(0.5)
    quiet, watched, times = watch_windows(context, db)
    if run.poll() is not None:
        raise BenchError("the run ended before status was measured beside it: too few jobs")
    run.send_signal(signal.SIGINT)
    context.finish(run, (130,))
    remove(db)
    answers = context.nginx.take_log("times.log")
    without, beside = ([figures.longest_gap(answers, *window) for window in windows]
                       for windows in (quiet, watched))
    held = figures.held_up(without, beside)
    middle = figures.median(times)
    yield Row(
        what=f"`status` on it, while a run is going; the longest the run was held up by it",
        measured=f"status {seconds_text(middle)}, longest {seconds_text(max(times))}; longest gap "
                 f"between answers {seconds_text(max(beside))}",
        floor=f"longest gap without status {seconds_text(max(without))}",
        figures=[(max(times), seconds_text(max(times))), (held, seconds_text(held))],
        targets=[at_most(0.100, "100 ms"), at_most(0.020, "20 ms")],
        notes=[f"{count:,} jobs, {STATUS_WORKERS} workers, 5 ms answers. {len(times)} calls, one "
               f"every {STATUS_EVERY_S * 1000:.0f} ms, in every second window of "
               f"{context.sizes.window_s:.0f} s, {context.sizes.windows} of each kind; the median "
               f"of their longest gaps is {seconds_text(figures.median(without))} without and "
               f"{seconds_text(figures.median(beside))} with status."])


# --- Results -------------------------------------------------------------------------------------


def lines_of(path):
    count = 0
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            count += block.count(b"\n")
    return count


def results(context):
    count = context.sizes.million
    db = whole(context)
    printed, shell_printed = context.path("results.out"), context.path("shell.out")
    pairs = []
    wanted = context.sizes.repetitions
    while len(pairs) < wanted:
        for path in (printed, shell_printed):
            if os.path.exists(path):
                os.unlink(path)
        os.sync()
        shell = context.measure(["sqlite3", db, RESULTS_SQL], output=shell_printed)
        os.sync()
        ours = context.measure([context.ratebatch_path, "results", "--db", db], output=printed)
        pairs.append((shell.wall_s, ours.wall_s))
        wanted = min(wanted, figures.repetitions(max(pairs[0])))
        context.say(f"results: shell {shell.wall_s:.2f} s, ratebatch {ours.wall_s:.2f} s")
    if lines_of(printed) != count:
        raise BenchError(f"ratebatch printed {lines_of(printed)} lines, not {count}")
    same = filecmp.cmp(printed, shell_printed, shallow=False)
    size = os.path.getsize(printed) / count
    for path in (printed, shell_printed):
        os.unlink(path)
    middles = [seconds_text(figures.median(pair[side] for pair in pairs)) for side in (0, 1)]
    yield Row(
        what=f"`results` of {count:,} jobs",
        measured=middles[1], floor=f"sqlite3 shell, same column: {middles[0]}",
        figures=[ratio_figure(figures.ratio_of_pairs(pairs), 2)], targets=[at_most(1.5, "1.5")],
        notes=[f"Median of {len(pairs)} pairs, standard output into a file; {count:,} lines of "
               f"{size:.0f} bytes from each, "
               f"{'the same bytes' if same else 'NOT the same bytes'}."])
