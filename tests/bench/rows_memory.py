"""Row: the memory of a run, with few jobs and with 1,000,000."""

import figures
from context import EXIT_DONE, EXIT_NOT_FINISHED, remove
from row import Row, at_most

WORKERS = [4, 64]
MEBIBYTE = 2**20
CODES = (EXIT_DONE, EXIT_NOT_FINISHED)


def resident_bytes(context, count, workers):
    """The largest memory of `run`, which loads first, and of `resume`, on `count` jobs."""
    file = context.job_file(count)
    part = str(min(context.sizes.memory_run, count // 2))
    db = context.path("memory.db")
    remove(db)
    run = context.measure(context.run_command(file, db, "-j", str(workers), "--max-jobs", part),
                          CODES)
    resume = context.measure(context.resume_command(db, workers, "--max-jobs", part), CODES)
    remove(db)
    context.say(f"memory: {count:,} jobs, {workers} workers: "
                f"run {figures.mebibytes_text(run.resident_bytes)}, "
                f"resume {figures.mebibytes_text(resume.resident_bytes)}")
    return run.resident_bytes, resume.resident_bytes


def memory(context):
    few, many = context.sizes.memory_small, context.sizes.million
    small = [resident_bytes(context, few, workers) for workers in WORKERS]
    large = [resident_bytes(context, many, workers) for workers in WORKERS]
    apart = max(abs(ours - other) for pair, others in zip(small, large)
                for ours, other in zip(pair, others))
    largest = max(max(pair) for pair in small + large)
    texts = [", ".join("/".join(f"{part / MEBIBYTE:.1f}" for part in pair) for pair in side)
             for side in (small, large)]
    part = min(context.sizes.memory_run, many // 2)
    yield Row(
        what=f"memory of `run` with {few:,} and {many:,} jobs",
        measured=f"{many:,} jobs: {texts[1]} MiB", floor=f"{few:,} jobs: {texts[0]} MiB",
        figures=[(apart / MEBIBYTE, f"{apart / MEBIBYTE:.1f} MiB apart"),
                 (largest / MEBIBYTE, figures.mebibytes_text(largest))],
        targets=[at_most(8, "8 MiB apart"), at_most(64, "64 MiB")],
        notes=[f"Largest resident set of run/resume with 4 workers, then with 64; half of "
               f"{few:,} or {part:,} of {many:,} jobs worked off by each; loading is in `run`. "
               "Measured once: the largest counts."])
