"""Job files, and the request bodies that ratebatch makes of their lines."""

import json
import os

MODEL = "gpt-4o-mini"
PARAMS = {"max_tokens": 300, "temperature": 0.7}
LINE_BYTES = 400  # With the end of the line.

PROMPT = ("Artist {number:07}: Write a biography of 120 words for the music site; name the years, "
          "the places and the people that mattered, quote nobody, and end with what the artist is "
          "remembered for. Keep to plain words and short sentences. Tell it as if to a friend who "
          "never heard of them, in four paragraphs.")


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def fields(number):
    return {"id": f"bio-{number:07}", "type": "bio", "priority": number % 3, "prompt": ""}


# What is left of a line for the prompt; everything else has the same length in each.
PROMPT_BYTES = LINE_BYTES - 1 - len(compact(fields(0)))


def prompt(number):
    return PROMPT.format(number=number).ljust(PROMPT_BYTES, ".")


def line(number):
    return compact({**fields(number), "prompt": prompt(number)})


def body(number):
    return compact({"model": MODEL, "messages": [{"role": "user", "content": prompt(number)}],
                    **PARAMS})


def write_lines(path, count, text_of):
    with open(path, "w", encoding="utf-8", buffering=1 << 20) as file:
        for number in range(count):
            file.write(text_of(number))
            file.write("\n")
    return path


def write_jobs(path, count):
    """A job file of `count` lines of 400 bytes."""
    write_lines(path, count, line)
    assert os.path.getsize(path) == count * LINE_BYTES
    return path


def write_bodies(path, count):
    """The bodies of the requests of these jobs, one a line."""
    return write_lines(path, count, body)


def configuration(base_url):
    """A ratebatch.yaml that sends everything there, without a limit."""
    return f"""\
providers:
  local: {{api: openai, base_url: "{base_url}", keys: [env:BENCH_KEY]}}
models:
  bench:
    provider: local
    id: {MODEL}
    limits: none
    params: {compact(PARAMS).replace('"', "").replace(":", ": ")}
types:
  bio: {{model: bench}}
"""
