"""Rows: loading 1,000,000 lines against the sqlite3 shell, and loading the same file again."""

import os

import figures
from context import EXIT_DONE, EXIT_NOT_FINISHED, remove
from figures import seconds_text
from row import Row, at_most, ratio_figure

# The pragmas of src/store/sqlite_schema.cpp, then the least that makes jobs of lines: a text key,
# and the fields that decide what is started first.
SHELL_SCRIPT = """\
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA temp_store = MEMORY;
PRAGMA mmap_size = 0;
PRAGMA journal_size_limit = 16777216;
CREATE TABLE raw (line TEXT);
.mode ascii
.separator "\\037" "\\n"
.import {file} raw
CREATE TABLE jobs (id TEXT PRIMARY KEY, type TEXT, priority INTEGER, line TEXT);
INSERT INTO jobs SELECT json_extract(line, '$.id'), json_extract(line, '$.type'),
  json_extract(line, '$.priority'), line FROM raw;
SELECT 'rows', count(*) FROM jobs;
"""


def load_with_shell(context, file, count):
    db, script = context.path("shell.db"), context.path("shell.sql")
    output = context.path("shell.out")
    remove(db)
    with open(script, "w", encoding="utf-8") as text:
        text.write(SHELL_SCRIPT.format(file=file))
    measured = context.measure(["sqlite3", "-bail", db, f".read {script}"], output=output)
    with open(output, encoding="utf-8") as text:
        if f"rows\037{count}\n" not in text.read():
            raise figures.BenchError(f"the sqlite3 shell did not load {count} lines")
    remove(db)
    return measured


def load_again(context, file, db):
    codes = (EXIT_DONE, EXIT_NOT_FINISHED)
    return context.measure(context.run_command(file, db, "--max-jobs", "0"), codes).wall_s


def loading(context):
    """Leaves the last checkpoint for the other rows of 1,000,000 jobs."""
    count = context.sizes.million
    file = context.job_file(count)
    db = context.path("loading.db")
    pairs, unchanged, touched = [], [], []
    wanted = context.sizes.repetitions
    while len(pairs) < wanted:
        os.sync()
        shell = load_with_shell(context, file, count)
        os.sync()
        ours = context.load(file, db)
        pairs.append((shell, ours))
        wanted = min(wanted, figures.repetitions(max(shell.wall_s, ours.wall_s)))
        os.sync()
        unchanged.append((ours.wall_s, load_again(context, file, db)))
        os.utime(file)
        os.sync()
        touched.append((ours.wall_s, load_again(context, file, db)))
        context.say(f"loading: shell {shell.wall_s:.2f} s, ratebatch {ours.wall_s:.2f} s; again "
                    f"{unchanged[-1][1]:.4f} s, touched {touched[-1][1]:.2f} s")
    remove(context.path(f"loaded-{count}.db"))
    os.replace(db, context.path(f"loaded-{count}.db"))
    remove(db)
    yield loading_row(count, pairs)
    yield again_row(unchanged, touched)


def loading_row(count, pairs):
    walls = [(shell.wall_s, ours.wall_s) for shell, ours in pairs]
    ours_s = figures.median(ours for _, ours in walls)
    resident = max(ours.resident_bytes for _, ours in pairs)
    return Row(
        what=f"loading {count:,} lines of 400 bytes",
        measured=f"{seconds_text(ours_s)}, {seconds_text(ours_s / count)} a line",
        floor=f"sqlite3 shell: {seconds_text(figures.median(shell for shell, _ in walls))}",
        figures=[ratio_figure(figures.ratio_of_pairs(walls), 2)], targets=[at_most(1.0, "1")],
        notes=[f"Median of {len(pairs)} pairs; largest memory of ratebatch "
               f"{figures.mebibytes_text(resident)}."])


def again_row(unchanged, touched):
    ratios = [figures.ratio_of_pairs(pairs) for pairs in (unchanged, touched)]
    times = [seconds_text(figures.median(again for _, again in pairs))
             for pairs in (unchanged, touched)]
    return Row(
        what="loading again, nothing new: file unchanged; touched",
        measured="; ".join(times), floor="the loading before",
        figures=[ratio_figure(ratios[0], 4), ratio_figure(ratios[1], 2)],
        targets=[at_most(0.001, "0.001"), at_most(0.5, "0.5")])
