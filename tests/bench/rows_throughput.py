"""Rows: end to end against a bare libcurl loop, CPU and bytes per job, and 1,000 workers."""

import os

import figures
import jobs
import machine
import nginx
from context import bytes_of, fresh_copy, remove
from figures import BenchError, count_text
from row import Row, at_least, at_most, ratio_figure

WORKERS = 64
CHECKED_JOBS = 100
SLOW_WORKERS = 1000
SLOW_PER_S = 2000  # 1,000 workers, two answers each per second.
MEBIBYTE = 2**20
SYNCS = 50


def bodies_file(context, count):
    path = context.path(f"bodies-{count}.txt")
    if not os.path.exists(path):
        jobs.write_bodies(path, count)
    return path


def bare_loop(context, count, place=""):
    url = context.nginx.base_url(place) + "/chat/completions"
    return [context.program("ratebatch_bare_loop"), url, bodies_file(context, count),
            str(WORKERS)]


def check_same_bodies(context):
    """Both send the same number of bytes, and one request per job; else nothing is comparable."""
    place = "/logged"
    context.measure(bare_loop(context, CHECKED_JOBS, place))
    bare = context.nginx.take_log("lengths.log")
    db = fresh_copy(context.loaded(CHECKED_JOBS), context.path("checked.db"))
    context.measure(context.resume_command(db, WORKERS, place=place))
    ours = context.nginx.take_log("lengths.log")
    remove(db)
    if (len(bare), sum(bare)) != (CHECKED_JOBS, sum(ours)) or len(ours) != CHECKED_JOBS:
        raise BenchError(f"the two do not send the same: {len(bare)} requests of {sum(bare):.0f} "
                         f"bytes in all against {len(ours)} of {sum(ours):.0f}")
    return sum(bare) / CHECKED_JOBS


def counted(context, command, count):
    """Measures a command that sends exactly `count` requests, by what the server counted."""
    before = context.nginx.requests()
    measured = context.measure(command)
    arrived = context.nginx.requests() - before - 1
    if arrived != count:
        raise BenchError(f"{command[0]}: the server counted {arrived} requests, not {count}")
    return measured


def measure_pairs(context, count):
    """Pairs (bare loop, ratebatch), taking turns; the checkpoint's bytes before and after; and how
    long a sync took meanwhile."""
    loaded = context.loaded(count)
    before, after, pairs, syncs = bytes_of(loaded), [], [], []
    wanted = context.sizes.repetitions
    while len(pairs) < wanted:
        db = fresh_copy(loaded, context.path("end-to-end.db"))
        syncs += machine.sync_times(context.folder, SYNCS)
        bare = counted(context, bare_loop(context, count), count)
        ours = counted(context, context.resume_command(db, WORKERS), count)
        after.append(bytes_of(db))
        remove(db)
        pairs.append((bare, ours))
        wanted = min(wanted, figures.repetitions(max(bare.wall_s, ours.wall_s)))
        context.say(f"end to end: bare {bare.wall_s:.2f} s, ratebatch {ours.wall_s:.2f} s")
    return pairs, before, figures.median(after), figures.median(syncs)


def end_to_end(context):
    count = context.sizes.end_to_end
    body_bytes = check_same_bodies(context)
    pairs, before, after, sync_s = measure_pairs(context, count)
    rate = figures.ratio_of_pairs([(count / bare.wall_s, count / ours.wall_s)
                                   for bare, ours in pairs])
    cpu = figures.ratio_of_pairs([(bare.cpu_s, ours.cpu_s) for bare, ours in pairs])
    rates = [count_text(figures.median(count / pair[side].wall_s for pair in pairs))
             for side in (0, 1)]
    cpus = [figures.seconds_text(figures.median(pair[side].cpu_s / count for pair in pairs))
            for side in (0, 1)]
    yield Row(
        what=f"end to end: {count:,} jobs, {WORKERS} workers, every start and result durable",
        measured=f"{rates[1]} jobs/s", floor=f"bare libcurl loop: {rates[0]} requests/s",
        figures=[ratio_figure(rate, 2)], targets=[at_least(0.30, "0.30")],
        notes=[f"Median of {len(pairs)} pairs. Both sent {CHECKED_JOBS} bodies of the same "
               f"{body_bytes:.0f} bytes on average; nginx counted {count:,} requests in each run. "
               f"fdatasync between the runs: p50 {figures.seconds_text(sync_s)}."])
    yield Row(
        what="CPU per job, same runs", measured=f"{cpus[1]}", floor=f"bare libcurl loop: {cpus[0]}",
        figures=[ratio_figure(cpu, 2)], targets=[at_most(3, "3")])
    yield growth_row(context, count, before, after)


def growth_row(context, count, before, after):
    empty = context.path("empty-growth.db")
    context.load(context.job_file(0), empty)
    loading = (before - bytes_of(empty)) / count
    remove(empty)
    return Row(
        what="checkpoint per job, database and log",
        measured=f"{loading:.0f} bytes loaded, {(after - before) / count:.0f} more when done",
        floor=f"its line {jobs.LINE_BYTES} bytes, its answer {len(nginx.ANSWER)} bytes")


def workers_1000(context):
    count = context.sizes.workers_1000
    loaded = context.loaded(count)
    runs = []
    wanted = context.sizes.repetitions
    while len(runs) < wanted:
        db = fresh_copy(loaded, context.path("workers.db"))
        command = context.resume_command(db, SLOW_WORKERS, place="/after500")
        runs.append(counted(context, command, count))
        remove(db)
        wanted = min(wanted, figures.repetitions(runs[0].wall_s))
        context.say(f"1,000 workers: {runs[-1].wall_s:.1f} s")
    rate = figures.median(count / run.wall_s for run in runs)
    resident = max(run.resident_bytes for run in runs)
    yield Row(
        what=f"{SLOW_WORKERS:,} workers, 500 ms answers, {count:,} jobs",
        measured=f"{count_text(rate)} jobs/s, {figures.mebibytes_text(resident)}",
        floor=f"what 500 ms allow: {SLOW_PER_S:,}/s",
        figures=[(rate / SLOW_PER_S, figures.percent_text(rate / SLOW_PER_S)),
                 (resident / MEBIBYTE, figures.mebibytes_text(resident))],
        targets=[at_least(0.95, "95 %"), at_most(96, "96 MiB")],
        notes=[f"Median of {len(runs)}, memory the largest of them; start and end are counted."])
