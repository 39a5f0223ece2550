"""Rows with the probe in front of ratebatch: from an answer's arrival to the disk, and what slower
disks do to a run."""

import dataclasses
import os
import re
import time

import figures
import machine
from context import fresh_copy, remove
from figures import BenchError, count_text, seconds_text
from row import Row, at_most, ratio_figure

WORKERS = 32
SLOW_WORKERS = 64
SLOW_MS = [0, 1, 5, 20]
LATENCY_MS = 100


@dataclasses.dataclass(frozen=True)
class Seen:
    """What the probe saw of one run."""

    wall_s: float
    delays_s: list  # From each arrival to the disk.
    syncs_s: list
    waiting: int  # Arrivals that no sync followed.

    def p99_s(self):
        return figures.percentile(self.delays_s, 99)


def run_with_probe(context, db, workers, place, slow_us=0):
    """Works a checkpoint off, and returns what the probe saw."""
    result = context.path("probe.out")
    env = {"LD_PRELOAD": context.program("libratebatch_durable_probe.so"),
           "RATEBATCH_PROBE_RESULT": result, "RATEBATCH_PROBE_SLOW_US": str(slow_us)}
    begin = time.monotonic()
    context.finish(context.start(context.resume_command(db, workers, place=place), env=env))
    wall_s = time.monotonic() - begin
    with open(result, encoding="utf-8") as file:
        head = re.fullmatch(r"arrivals (\d+) syncs (\d+) waiting (\d+)\n", file.readline())
        times = [int(line) / 1e9 for line in file]
    os.unlink(result)
    arrivals, syncs, waiting = map(int, head.groups())
    if len(times) != arrivals - waiting + syncs:
        raise BenchError("the probe did not write all it saw")
    return Seen(wall_s, times[:-syncs], times[-syncs:], waiting)


def check_arrivals(seen, count):
    """Each answer arrives in at least one piece, and no piece of one stays without a sync."""
    if len(seen.delays_s) < count or seen.waiting > 0:
        raise BenchError(f"the probe saw {len(seen.delays_s)} arrivals on disk and {seen.waiting} "
                         f"not, for {count} answers")


def durable(context):
    count = context.sizes.durable
    loaded = context.loaded(count)
    pairs, runs = [], []
    for _ in range(context.sizes.repetitions):
        db = fresh_copy(loaded, context.path("durable.db"))
        commits = machine.commit_times(context.folder, context.sizes.commits)
        seen = run_with_probe(context, db, WORKERS, "/around20")
        commits += machine.commit_times(context.folder, context.sizes.commits)
        remove(db)
        check_arrivals(seen, count)
        pairs.append((figures.median(commits), figures.median(seen.delays_s)))
        runs.append(seen)
        context.say(f"durable: commit {seconds_text(pairs[-1][0])}, p50 "
                    f"{seconds_text(pairs[-1][1])}, p99 {seconds_text(seen.p99_s())}")
    commit = figures.median(commit for commit, _ in pairs)
    middle = figures.median(delay for _, delay in pairs)
    ratio = figures.ratio_of_pairs(pairs)
    p99 = figures.median(seen.p99_s() for seen in runs)
    shared = figures.median(len(seen.delays_s) / len(seen.syncs_s) for seen in runs)
    sync = figures.median(time for seen in runs for time in seen.syncs_s)
    yield Row(
        what=f"answer received to durable, {WORKERS} in flight",
        measured=f"p50 {seconds_text(middle)}, p99 {seconds_text(p99)}",
        floor=f"one commit of one row: {seconds_text(commit)}",
        figures=[(ratio, f"p50 {ratio:.2f} commits"), (p99, f"p99 {seconds_text(p99)}")],
        targets=[at_most(3, "p50 3 commits"), at_most(0.100, "p99 100 ms")],
        notes=[f"Median of {len(pairs)} runs of {count:,} jobs, answers after 15 to 25 ms; "
               f"{shared:.1f} arrivals share a sync, which takes {seconds_text(sync)}; longest "
               f"{seconds_text(max(max(seen.delays_s) for seen in runs))}. One commit: the median "
               f"of {2 * context.sizes.commits} around each run."])


def slow_disk(context):
    """Without a target: what a slower disk would do here."""
    counts = {"": context.sizes.slow_disk, f"/after{LATENCY_MS}": context.sizes.slow_disk_latency}
    floors = {}
    for slow_ms in SLOW_MS:
        rates = []
        for place, count in counts.items():
            db = fresh_copy(context.loaded(count), context.path("slow.db"))
            seen = run_with_probe(context, db, SLOW_WORKERS, place, slow_ms * 1000)
            remove(db)
            rates.append(count / seen.wall_s)
            floors.setdefault(place, rates[-1])
            sync = seconds_text(figures.median(seen.syncs_s))
            context.say(f"fdatasync + {slow_ms} ms: {rates[-1]:.0f} jobs/s, "
                        f"{len(seen.syncs_s)} syncs of {sync}")
        if slow_ms == 0:
            continue
        ratios = [rate / floor for rate, floor in zip(rates, floors.values())]
        yield Row(
            what=f"each fdatasync slowed by {slow_ms} ms, {SLOW_WORKERS} workers; answers at once; "
                 f"after {LATENCY_MS} ms",
            measured="; ".join(f"{count_text(rate)} jobs/s" for rate in rates),
            floor="not slowed: " + "; ".join(f"{count_text(rate)}" for rate in floors.values()),
            figures=[ratio_figure(ratio, 2) for ratio in ratios])
