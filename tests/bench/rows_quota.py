"""Rows: how near to its limits a run stays. In virtual time by ratebatch_quota_bench, whose servers
count for themselves; and over real HTTP by the program and its sandbox.
"""

import json
import os
import subprocess

import figures
from context import remove
from figures import BenchError
from row import Row, Target, at_most

HTTP_JOBS = 200
HTTP_WORKERS = 16
IDEAL_S = 30.4
VARIANTS = [
    # What is declared, what the sandbox tells, and the longest it may take.
    ("`shape: window` declared", ", shape: window", "headers=off", 31),
    ("shape not declared, rate headers", "", "headers=on", 31),
    ("shape not declared, no headers", "", "headers=off", 41),
]


def quota(context):
    """Every case; a case that is not named in the table is an error of its own."""
    program = context.program("ratebatch_quota_bench")
    names = subprocess.run([program, "--list"], capture_output=True, text=True,
                           check=True).stdout.split()
    for name in names:
        output = context.path(f"quota-{name}.jsonl")
        context.measure([program, "--case", name], output=output)
        with open(output, encoding="utf-8") as file:
            reports = [json.loads(line) for line in file]
        if not reports:
            raise BenchError(f"the case {name} reported nothing")
        context.say(f"{name}: {reports[0]['real_s']:.1f} s of real time")
        yield from map(row_of, reports)


def row_of(report):
    pairs = report["figures"]
    return Row(
        what=report["what"], measured=report["measured"], floor=report["floor"],
        figures=[(figure["value"], figure["text"]) for figure in pairs],
        targets=[Target(figure["target"], figure["target_text"], figure["is_minimum"])
                 for figure in pairs],
        notes=report["notes"])


def over_http(context):
    """200 jobs against the sandbox, which allows 50 in any 10 s."""
    for name, shape, headers, target_s in VARIANTS:
        measured, stats = http_run(context, shape, headers)
        refused = stats["calls"]["rate_limited"]
        done = stats["jobs"]["done"]
        if done != HTTP_JOBS:
            raise BenchError(f"{name}: {done} of {HTTP_JOBS} jobs done")
        yield Row(
            what=f"{HTTP_JOBS} jobs, 50 in any 10 s, 100 ms, {HTTP_WORKERS} workers, real HTTP; "
                 f"{name}",
            measured=figures.seconds_text(measured.wall_s), floor=f"ideal: {IDEAL_S} s",
            figures=[(measured.wall_s, figures.seconds_text(measured.wall_s)),
                     (refused, f"{refused} refused")],
            targets=[at_most(target_s, f"{target_s} s"), at_most(0, "0 refused")])


def http_run(context, shape, headers):
    """Runs the jobs in a fresh checkpoint; returns what it cost and what `status` counts."""
    jobs, config, db = (context.path(f"http.{end}") for end in ("jsonl", "yaml", "db"))
    with open(jobs, "w", encoding="utf-8") as file:
        for number in range(HTTP_JOBS):
            file.write(json.dumps({"id": f"job-{number}", "model": "text",
                                   "prompt": "Write a line."}) + "\n")
    with open(config, "w", encoding="utf-8") as file:
        file.write("providers:\n  bench: {api: openai, base_url: 'https://bench.invalid/v1', "
                   "keys: [env:BENCH_KEY]}\n"
                   "models:\n  text: {provider: bench, "
                   f"limits: [{{requests: 50, per: 10s{shape}}}]}}\n")
    remove(db)
    if os.path.exists(db):
        raise BenchError(f"{db} cannot be removed")
    measured = context.measure(
        [context.ratebatch_path, "run", jobs, "--db", db, "--config", config, "-q",
         "-j", str(HTTP_WORKERS), f"--sandbox=window=10s:50,latency=100ms,{headers}"])
    output = context.path("http-status.json")
    context.measure([context.ratebatch_path, "status", "--db", db, "--json"], output=output)
    with open(output, encoding="utf-8") as file:
        stats = json.load(file)
    remove(db)
    return measured, stats
