"""Rows: the memory that answers with large files take. The server is the stand-in provider in a
process of its own; what a run with small pictures takes is the floor.
"""

import json
import os
import shutil
import subprocess

import figures
from context import remove
from figures import BenchError
from row import Row, at_most

MEBIBYTE = 2**20
LARGE_BYTES = 40_000_000
MANY_BYTES = 5_000_000
WORKERS = 4

CONFIGURATION = """\
providers:
  here: {{api: openai, base_url: "{base_url}", keys: [env:BENCH_KEY]}}
models:
  pictures: {{provider: here, kind: image, limits: none, timeout: 600s}}
  texts: {{provider: here, kind: chat, limits: none, timeout: 600s}}
"""


def write_inputs(context, model, count, base_url):
    config, file = context.path("files.yaml"), context.path("files.jsonl")
    with open(config, "w", encoding="utf-8") as output:
        output.write(CONFIGURATION.format(base_url=base_url))
    with open(file, "w", encoding="utf-8") as output:
        output.writelines(json.dumps({"id": f"f{i}", "model": model, "prompt": f"number {i}"})
                          + "\n" for i in range(count))
    return config, file


def run_against(context, model, count, options):
    """The largest memory of a run of so many jobs, and the bytes of its files."""
    server = subprocess.Popen([context.ratebatch_path, "sandbox", "--latency", "0ms", *options],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                              cwd=context.folder)
    try:
        base_url = server.stdout.readline().strip()
        config, file = write_inputs(context, model, count, base_url)
        db, assets = context.path("files.db"), context.path("files-assets")
        remove(db)
        measured = context.measure([context.ratebatch_path, "run", file, "--db", db, "--config",
                                    config, "-q", "-j", str(WORKERS)])
        sizes = [os.path.getsize(os.path.join(assets, name)) for name in os.listdir(assets)
                 ] if model == "pictures" else [os.path.getsize(db)]
        if model == "pictures" and len(sizes) != count:
            raise BenchError(f"{len(sizes)} files of {count}")
        remove(db)
        shutil.rmtree(assets, ignore_errors=True)
        return measured.resident_bytes, max(sizes)
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


def row(what, ours, floor, floor_text, target_mib, note):
    apart = (ours - floor) / MEBIBYTE
    return Row(what=what, measured=figures.mebibytes_text(ours),
               floor=f"{floor_text}: {figures.mebibytes_text(floor)}",
               figures=[(apart, f"{apart:.1f} MiB more")],
               targets=[at_most(target_mib, f"{target_mib} MiB more")], notes=[note])


def large_files(context):
    many = 1000 if not context.quick else 20
    few = 10
    small, _ = run_against(context, "pictures", few, [])
    one, size = run_against(context, "pictures", 1, ["--image-bytes", str(LARGE_BYTES)])
    if size < LARGE_BYTES:
        raise BenchError(f"the picture has only {size} bytes")
    yield row(f"memory for one picture of {size / 1e6:.0f} MB in base64", one, small,
              f"{few} small pictures", 8, "Largest resident set of the run; target: at most 8 MiB "
              "above the picture's own size, here without that size.")
    flat, _ = run_against(context, "pictures", few, ["--image-bytes", str(MANY_BYTES)])
    ours, _ = run_against(context, "pictures", many, ["--image-bytes", str(MANY_BYTES)])
    yield row(f"memory for {many:,} pictures of 5 MB", ours, flat, f"{few} of them", 8,
              f"{WORKERS} workers.")
    # Texts are held whole: of a few, the workers' largest moments may never meet.
    some, texts = many // 20, many // 5
    flat, _ = run_against(context, "texts", some, ["--text-bytes", str(MANY_BYTES)])
    ours, _ = run_against(context, "texts", texts, ["--text-bytes", str(MANY_BYTES)])
    yield row(f"memory for {texts:,} texts of 5 MB", ours, flat, f"{some} of them", 8,
              f"{WORKERS} workers; texts are held whole until they are stored.")
