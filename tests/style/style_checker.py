"""The rules of the tree, as functions from files to findings.

A tree is a dictionary from path to text, so that the rules can be tried on small invented trees
(test_style_checker.py) as well as on the real one (style_test.py). Words that are not allowed
anywhere are put together from pieces here, for this file is checked too.
"""

import re
from pathlib import PurePosixPath

import cpp_text

# What each folder may include besides itself. The same lines stand as DEPENDS in the folders'
# CMakeLists.txt.
MAY_INCLUDE = {
    "base": [],
    "json": ["base"],
    "model": ["base"],
    "quota": ["base", "model"],
    "provider": ["base", "json", "model"],
    "schedule": ["base", "model", "quota"],
    "store": ["base", "model"],
    "net": ["base", "model"],
    "input": ["base", "json", "model", "quota", "provider"],
    "run": ["base", "json", "model", "quota", "provider", "schedule", "store", "net", "input"],
    "sandbox": ["base", "json", "model"],
    "cli": ["base", "json", "model", "quota", "provider", "schedule", "store", "net", "input",
            "run", "sandbox"],
}
PURE = ["json", "model", "quota", "provider", "schedule"]

# The folders under src that may include a third-party header, by how its name begins.
THIRD_PARTY = {
    "sqlite3.h": ["store"],
    "curl/": ["net"],
    "event2/": ["sandbox"],
    "CLI/": ["cli"],
    "yaml-cpp/": ["input"],
    "simdjson.h": ["json"],
    "nlohmann/": ["json"],
    "date/": ["base"],
    "doctest": [],
}

# Files that may read a clock, with the reason.
CLOCK_READERS = {
    "src/base/system_clock.cpp": "the one reading, handed on as Now",
}

# Ratchets: exceptions of today, with the number they must not pass and the reason. Lower a number
# when the code shrinks; do not raise one.
LONG_FILES = {}  # path: (lines, reason)
LONG_FUNCTIONS = {}  # (path, a word of the head): (lines, reason)
FILE_LINES_MAX = 400
TEST_FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
COLUMNS_MAX = 100

TOP_LEVEL = {
    "src", "include", "tests", "jobs", "docs", "dev", "CMakeLists.txt", "CMakePresets.json",
    "README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md",
}

OPEN_WORDS = re.compile(r"\b(" + "|".join(["TO" "DO", "FIX" "ME", "XX" "X", "HA" "CK"]) + r")\b")
OUTSIDE_PATHS = re.compile("/wo" "rk/|\\.\\./sha" "red")

CLOCK_READ = (r"\b(clock_gettime|gettimeofday|(system|steady|high_resolution|utc)_clock)\b"
              r"|(?<![\w.>])time\s*\(\s*(NULL|nullptr|0|&)")

# (folders, pattern in code, rule and what to do instead)
BANS = [
    (list(MAY_INCLUDE), r"\busing\s+namespace\b", "no using namespace: name what is used"),
    (list(MAY_INCLUDE), r"\b(sscanf|strcpy|strcat|v?sprintf|ato[ifl]|gets)\s*\(",
     "unsafe C function: use std::from_chars, std::string or fmt::format"),
    (list(MAY_INCLUDE), r"(?<![\w.>])system\s*\(", "no shell: call what is needed directly"),
    ([folder for folder in MAY_INCLUDE if folder != "cli"], r"\bstd::cout\b",
     "standard output belongs to src/cli: return the text instead"),
    (PURE, CLOCK_READ + r"|\bchrono::\w+_clock\b",
     "no clock in the core: take a Now as an argument"),
    (PURE, r"\b(u|nano|clock_nano)?sleep(_for|_until)?\s*\(",
     "no waiting in the core: report a wake_at instead"),
    (PURE, r"\bfopen\s*\(|(?<!\w)::open\s*\(|\bstd::([io]?fstream|filesystem)\b"
           r"|<(fstream|iostream|filesystem)>",
     "no files in the core: they belong to floor 4 and above"),
    (PURE, r"\bstd::(j?thread|\w*mutex|condition_variable\w*|atomic\w*|async|future|promise)\b"
           r"|\bthread_local\b|<(thread|mutex|atomic|future)>",
     "no threads in the core: it runs in one turn of the driver"),
    (PURE, r"\b(secure_)?getenv\b", "no environment in the core: take a setting as an argument"),
    (PURE, r"\bs?rand\s*\(|\brandom_device\b|\bmt19937|_distribution\b",
     "no randomness of the library: take the seeded Rng of base"),
    (PURE, r"\bdefault\s*:", "no default in a switch: name every case, the compiler checks them"),
    (["quota", "schedule"], r"\bunordered_(multi)?(map|set)\b",
     "no unordered container: its order would reach an action; use a map or a sorted vector"),
    (["quota"], r"\b(float|double)\b", "no floating point: use whole numbers and a remainder"),
]


class Finding:
    """One broken rule. The rule comes first in the message, then what to do instead."""

    def __init__(self, path, line, message):
        self.path, self.line, self.message = path, line, message

    def __str__(self):
        return f"{self.path}:{self.line}: {self.message}"


def folder_of(path):
    """The floor a product file belongs to, or None."""
    match = re.match(r"(?:src|include/ratebatch)/(\w+)/", path)
    return match.group(1) if match and match.group(1) in MAY_INCLUDE else None


def is_cpp(path):
    return path.endswith((".cpp", ".hpp"))


def is_code(path):
    endings = (".cpp", ".hpp", ".py", ".cmake", "CMakeLists.txt")
    return path.endswith(endings) or path in ("dev", ".ci/run")


def line_of(text, at):
    return text.count("\n", 0, at) + 1


def check_floors(path, text, _tree):
    folder = folder_of(path)
    if folder is None or not is_cpp(path):
        return
    for number, quoted, name in cpp_text.includes(text):
        match = re.match(r"(ratebatch/)?(\w+)/", name)
        if name.startswith("../"):
            yield number, "floors: include by the name from the top, not by a relative path"
        if not quoted or match is None or match.group(2) not in MAY_INCLUDE:
            continue
        other = match.group(2)
        if other != folder and other not in MAY_INCLUDE[folder]:
            allowed = ", ".join(MAY_INCLUDE[folder]) or "no other folder"
            yield number, (f"floors: {folder} includes {other}, may include {allowed}; move what "
                           "is shared to a lower folder, or pass it in from above")
        if path.startswith("include/") and match.group(1) is None:
            yield number, "floors: a public header includes a private one; move it to include/"


def check_bans(path, text, _tree):
    folder = folder_of(path)
    if folder is None or not is_cpp(path):
        return
    code = cpp_text.code_only(text)
    for folders, pattern, message in BANS:
        if folder in folders:
            for match in re.finditer(pattern, code):
                yield line_of(code, match.start()), f"ban: {message}"
    if folder not in PURE and path not in CLOCK_READERS:
        for match in re.finditer(CLOCK_READ, code):
            yield line_of(code, match.start()), (
                "clock: only src/base/system_clock.cpp reads one; take a Now as an argument")
    lines = text.splitlines()
    for match in re.finditer(r"\b(shared_ptr|make_shared)\b", code):
        number = line_of(code, match.start())
        if number < 2 or not lines[number - 2].lstrip().startswith("//"):
            yield number, ("shared_ptr: say in a comment on the line before why ownership is "
                           "shared, or use a value or unique_ptr")


def check_third_party(path, text, _tree):
    folder = folder_of(path)
    if folder is None or not is_cpp(path):
        return
    for number, _, name in cpp_text.includes(text):
        for prefix, folders in THIRD_PARTY.items():
            if name.startswith(prefix) and folder not in folders:
                where = ", ".join(folders) or "tests"
                yield number, f"third party: <{name}> belongs to {where}; use what they offer"


def check_form(path, text, _tree):
    if not is_code(path):
        return
    for number, line in enumerate(text.split("\n"), 1):
        if "\t" in line:
            yield number, "form: tab; use spaces"
        if line != line.rstrip():
            yield number, "form: space at the end of the line; remove it"
        if is_cpp(path) and len(line) > COLUMNS_MAX:
            yield number, f"form: {len(line)} columns, at most {COLUMNS_MAX}; run ./dev format"
    if text and not text.endswith("\n"):
        yield text.count("\n") + 1, "form: no newline at the end of the file; add one"


def own_header(path, tree):
    """How a source includes the header of the same name, or None where there is no such header."""
    stem = path[len("src/") : -len(".cpp")]
    if f"include/ratebatch/{stem}.hpp" in tree:
        return f"ratebatch/{stem}.hpp"
    return f"{stem}.hpp" if f"src/{stem}.hpp" in tree else None


def check_headers(path, text, tree):
    if path.endswith(".hpp"):
        if not re.search(r"^#pragma once$", text, re.MULTILINE):
            yield 1, "headers: no #pragma once; add it below the opening comment"
        opening = [line for line in text.splitlines() if line.strip() and line != "#pragma once"]
        if path.startswith("include/") and not "".join(opening[:1]).startswith(("//", "/*")):
            yield 1, "headers: no opening comment; say what this is, what it is not, who owns what"
    elif path.startswith("src/") and path.endswith(".cpp"):
        own, found = own_header(path, tree), list(cpp_text.includes(text))
        # A private header may be named from its own folder.
        if own and (not found or found[0][2] not in (own, PurePosixPath(own).name)):
            yield (found[0][0] if found else 1), f'headers: include "{own}" first'


def check_length(path, text, _tree):
    if not is_code(path):
        return
    limit = TEST_FILE_LINES_MAX if path.startswith("tests/") else FILE_LINES_MAX
    limit = LONG_FILES.get(path, (limit,))[0]
    lines = text.count("\n")
    if lines > limit:
        yield limit + 1, f"length: file of {lines} lines, at most {limit}; move a concept out"
    if not is_cpp(path):
        return
    for start, count, head in cpp_text.functions(text):
        limits = [number for (where, word), (number, _) in LONG_FUNCTIONS.items()
                  if where == path and word in head]
        limit = max([FUNCTION_LINES_MAX, *limits])
        if count > limit:
            yield start, f"length: function of {count} lines, at most {limit}; name its steps"


def check_listed(path, _text, tree):
    at = PurePosixPath(path)
    if re.match(r"src/\w+/.*\.cpp$", path):
        lists = ["/".join(at.parts[:2]) + "/CMakeLists.txt"]
    elif re.match(r"tests/.*(_test\.cpp|/test_\w+\.py|_test\.py)$", path):
        lists = [name for name in tree if re.match(r"tests/(.*/)?CMakeLists\.txt$", name)]
    else:
        return
    named = re.compile(r"(?<![\w/.-])(?:[\w-]+/)*" + re.escape(at.name) + r"(?![\w.-])")
    if not any(named.search(re.sub(r"#.*", "", tree.get(name, ""))) for name in lists):
        yield 1, "listed: no CMakeLists.txt names this file; add it to the one of its folder"


def check_test_names(path, text, _tree):
    if path.startswith("tests/") and is_cpp(path):
        for match in re.finditer(r'\bTEST_CASE\w*\s*\(\s*"[^"]*[][;\\]', text):
            yield line_of(text, match.start()), (
                "test names: no [ ] ; \\ or quotes, which get lost on the way to ctest; use words")


def check_words(_path, text, _tree):
    for match in OPEN_WORDS.finditer(text):
        yield line_of(text, match.start()), (
            f"words: {match.group()}; finish it, or open an issue and say nothing here")
    for match in OUTSIDE_PATHS.finditer(text):
        yield line_of(text, match.start()), (
            f"words: {match.group()} is a path outside the project; name nothing outside it")


def check_top_level(path, _text, _tree):
    name = PurePosixPath(path).parts[0]
    if name not in TOP_LEVEL and not name.startswith("."):
        yield 1, f"top level: {name} is not one of its names; put it into a folder"


RULES = [check_floors, check_bans, check_third_party, check_form, check_headers, check_length,
         check_listed, check_test_names, check_words, check_top_level]


def check(tree):
    """Every finding in a tree, in the order of its paths."""
    return [Finding(path, line, message)
            for path in sorted(tree)
            for rule in RULES
            for line, message in rule(path, tree[path], tree)]
