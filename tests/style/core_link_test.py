"""The core (base, json, model, quota, provider, schedule) needs neither libcurl nor SQLite.

Usage: core_link_test.py PROGRAM, where PROGRAM holds every object file of the core.
"""

import re
import subprocess
import sys

FORBIDDEN_SYMBOL = re.compile(r"\b(curl_|sqlite3_)\w+")
FORBIDDEN_LIBRARY = re.compile(r"\blib(curl|sqlite3)\b\S*")


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def main():
    program = sys.argv[1]
    symbols = output_of("nm", "--demangle", program)
    problems = [f"symbol {m.group()}" for m in FORBIDDEN_SYMBOL.finditer(symbols)]
    libraries = output_of("ldd", program)
    problems += [f"library {m.group()}" for m in FORBIDDEN_LIBRARY.finditer(libraries)]
    if "ratebatch::" not in symbols:
        problems.append("no symbol of the core: the probe was linked without --whole-archive")
    for problem in sorted(set(problems)):
        print(f"{program}: {problem}; network and database belong to src/net and src/store")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
