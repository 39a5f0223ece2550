"""The style checker reports each rule when it is broken, and only then."""

import unittest

import cpp_text
import style_checker

OPEN_WORD = "TO" "DO"
SOURCE = "src/quota/window.cpp"
HEADER = "include/ratebatch/quota/window.hpp"


def clean_tree():
    return {
        "CMakeLists.txt": "add_subdirectory(src/quota)\n",
        HEADER: "// A window.\n#pragma once\n\nclass Window;\n",
        "src/quota/CMakeLists.txt": "ratebatch_floor(NAME quota SOURCES window.cpp)\n",
        SOURCE: '#include "ratebatch/quota/window.hpp"\n\n#include "ratebatch/model/job.hpp"\n\n'
                "Window::Window(int a) : a_{a} {}\n",
        "tests/unit/CMakeLists.txt": "ratebatch_test(NAME unit_test SOURCES window_test.cpp)\n",
        "tests/unit/window_test.cpp": "// using namespace only in a comment\n",
    }


def findings_of(path, text):
    """What the checker says of a clean tree in which one file is other (or new)."""
    tree = clean_tree()
    tree[path] = text
    if path.startswith("src/") and path.endswith(".cpp") and path != SOURCE:
        folder, name = path.rsplit("/", 1)
        tree[f"{folder}/CMakeLists.txt"] = f"ratebatch_floor(SOURCES {name} window.cpp)\n"
    return [str(finding) for finding in style_checker.check(tree)]


def long_function(lines):
    return "void f() {\n" + "  g();\n" * (lines - 2) + "}\n"


# (file, text, how the only finding begins after the file name)
VIOLATIONS = [
    ("src/model/job.cpp", '#include "ratebatch/quota/window.hpp"\n', "1: floors: model includes"),
    ("src/quota/a.cpp", '#include "ratebatch/provider/port.hpp"\n', "1: floors: quota includes"),
    ("src/schedule/a.cpp", '#include "ratebatch/provider/port.hpp"\n', "1: floors: schedule"),
    ("src/store/a.cpp", '#include "net/curl_handle.hpp"\n', "1: floors: store includes net"),
    ("src/sandbox/a.cpp", '#include "ratebatch/quota/window.hpp"\n', "1: floors: sandbox"),
    ("src/run/a.cpp", '#include "ratebatch/sandbox/server.hpp"\n', "1: floors: run includes"),
    ("src/run/a.cpp", '#include "../cli/options.hpp"\n', "1: floors: include by the name"),
    (HEADER, '// A window.\n#pragma once\n#include "quota/ring.hpp"\n', "3: floors: a public"),
    ("src/cli/a.cpp", "using namespace std;\n", "1: ban: no using namespace"),
    ("src/cli/a.cpp", "int n = atoi(text);\n", "1: ban: unsafe C function"),
    ("src/cli/a.cpp", "int n = std::system(text);\n", "1: ban: no shell"),
    ("src/run/a.cpp", "void f() { std::cout << 1; }\n", "1: ban: standard output"),
    ("src/model/a.cpp", "auto t = std::chrono::steady_clock::now();\n", "1: ban: no clock"),
    ("src/model/a.cpp", "auto t = std::time(nullptr);\n", "1: ban: no clock"),
    ("src/model/a.cpp", "void f() { usleep(1); }\n", "1: ban: no waiting"),
    ("src/model/a.cpp", 'auto* f = fopen("a", "r");\n', "1: ban: no files"),
    ("src/model/a.cpp", "int f = ::open(path, 0);\n", "1: ban: no files"),
    ("src/model/a.cpp", "#include <fstream>\n", "1: ban: no files"),
    ("src/model/a.cpp", "std::mutex m;\n", "1: ban: no threads"),
    ("src/model/a.cpp", "#include <thread>\n", "1: ban: no threads"),
    ("src/model/a.cpp", 'auto* k = std::getenv("KEY");\n', "1: ban: no environment"),
    ("src/model/a.cpp", "int n = rand();\n", "1: ban: no randomness"),
    ("src/model/a.cpp", "void f() { switch (n) { default: g(); } }\n", "1: ban: no default"),
    ("src/schedule/a.cpp", "std::unordered_map<int, int> m;\n", "1: ban: no unordered"),
    ("src/quota/a.cpp", "double share = 1;\n", "1: ban: no floating point"),
    ("src/run/a.cpp", "auto r = clock_gettime(CLOCK_REALTIME, &t);\n", "1: clock:"),
    ("src/run/a.cpp", "\nstd::shared_ptr<int> p;\n", "2: shared_ptr:"),
    ("src/run/a.cpp", "#include <sqlite3.h>\n", "1: third party:"),
    ("src/store/a.cpp", "#include <simdjson.h>\n", "1: third party:"),
    ("src/store/a.cpp", "#include <curl/curl.h>\n", "1: third party:"),
    ("src/net/a.cpp", "#include <event2/event.h>\n", "1: third party:"),
    ("src/run/a.cpp", "#include <CLI/CLI.hpp>\n", "1: third party:"),
    ("src/cli/a.cpp", "#include <yaml-cpp/yaml.h>\n", "1: third party:"),
    ("src/store/a.cpp", "#include <nlohmann/json.hpp>\n", "1: third party:"),
    ("src/store/a.cpp", "#include <doctest/doctest.h>\n", "1: third party:"),
    ("src/run/a.cpp", "int\ta;\n", "1: form: tab"),
    ("src/run/a.cpp", "int a; \n", "1: form: space at the end"),
    ("src/run/a.cpp", "int a;", "1: form: no newline"),
    ("src/run/a.cpp", "//" + "-" * 99 + "\n", "1: form: 101 columns"),
    (HEADER, "// A window.\nclass Window;\n", "1: headers: no #pragma once"),
    (HEADER, "#pragma once\n\nclass Window;\n", "1: headers: no opening comment"),
    (SOURCE, "#include <map>\n", '1: headers: include "ratebatch/quota/window.hpp" first'),
    ("src/run/a.cpp", "//\n" * 401, "401: length: file of 401"),
    ("tests/unit/window_test.cpp", "//\n" * 501, "501: length: file of 501"),
    ("src/run/a.cpp", long_function(71), "1: length: function of 71"),
    ("src/quota/CMakeLists.txt", "# window.cpp\n", None),
    ("tests/unit/ring_test.cpp", "//\n", "1: listed:"),
    ("tests/cli/test_run.py", "pass\n", "1: listed:"),
    ("tests/unit/window_test.cpp", 'TEST_CASE("half [open") {}\n', "1: test names:"),
    ("docs/guide.md", "Later\n" + OPEN_WORD + ": more\n", "2: words: " + OPEN_WORD),
    ("docs/guide.md", "See /wo" "rk/notes.\n", "1: words:"),
    ("docs/guide.md", "See ../sha" "red.\n", "1: words:"),
    ("notes.txt", "a\n", "1: top level: notes.txt"),
]

ALLOWED = [
    ("src/cli/a.cpp", '#include "ratebatch/sandbox/server.hpp"\n#include <CLI/CLI.hpp>\n'),
    ("src/json/a.cpp", '#include "json/pace.hpp"\n#include <nlohmann/json.hpp>\n'),
    ("src/cli/a.cpp", "void f() { std::cout << 1; }\n"),
    ("src/model/a.cpp", "// default: the steady_clock\nA::A(const A&) = default;\n"),
    ("src/model/a.cpp", 'const char* text = "fopen( default: TIME";\n'),
    ("src/quota/a.cpp", "auto t = window.time();\nauto b = 1'000'000;  // double\n"),
    ("src/schedule/a.cpp", "void Breaker::open(Now now) {}\n"),
    ("src/base/system_clock.cpp", "auto r = clock_gettime(CLOCK_REALTIME, &t);\n"),
    ("src/run/a.cpp", "// Both the driver and the reply own it.\nstd::shared_ptr<int> p;\n"),
    ("src/run/a.cpp", "//" + "-" * 98 + "\n" + "//\n" * 399),
    ("src/run/a.cpp", long_function(70)),
    (".editorconfig", "root = true\n"),
]


class CheckerTest(unittest.TestCase):
    def test_a_clean_tree_has_no_findings(self):
        self.assertEqual([], [str(finding) for finding in style_checker.check(clean_tree())])

    def test_each_rule_is_reported_with_its_place(self):
        for path, text, begins in VIOLATIONS:
            with self.subTest(path=path, text=text[:60]):
                found = findings_of(path, text)
                expected = f"{path}:{begins}" if begins else f"{SOURCE}:1: listed:"
                self.assertEqual(1, len(found), found)
                self.assertTrue(found[0].startswith(expected), found[0])

    def test_what_is_allowed_is_not_reported(self):
        for path, text in ALLOWED:
            with self.subTest(path=path, text=text[:60]):
                self.assertEqual([], findings_of(path, text))

    def test_every_rule_and_ban_has_a_violation_here(self):
        reported = "\n".join(line for path, text, _ in VIOLATIONS
                             for line in findings_of(path, text))
        for _, _, message in style_checker.BANS:
            self.assertIn(message, reported)
        for prefix, folders in style_checker.THIRD_PARTY.items():
            if folders != ["base"]:
                self.assertIn(f"third party: <{prefix}", reported)


class FunctionsTest(unittest.TestCase):
    def lengths(self, text):
        return [(line, count) for line, count, _ in cpp_text.functions(text)]

    def test_bodies_are_measured_from_brace_to_brace(self):
        self.assertEqual([(2, 3)], self.lengths("int f(int a,\n      int b) {\n  g();\n}\n"))

    def test_members_of_classes_in_namespaces_are_found(self):
        text = "namespace a {\nclass B : C<int> {\n public:\n  void f() const {\n  }\n};\n}\n"
        self.assertEqual([(4, 2)], self.lengths(text))

    def test_initialisers_in_braces_belong_to_their_constructor(self):
        self.assertEqual([(1, 3)], self.lengths("A::A() : a_{1}, b_{2} {\n  f();\n}\n")[-1:])

    def test_lambdas_and_blocks_inside_a_function_are_part_of_it(self):
        text = "void f() {\n  auto g = [] {\n  };\n  if (a) {\n  }\n}\n"
        self.assertEqual([(1, 6)], self.lengths(text))

    def test_tables_and_enums_are_not_functions(self):
        text = "const int a[] = {\n  f(1),\n};\nenum class E {\n  a\n};\n"
        self.assertEqual([], self.lengths(text))

    def test_macros_do_not_confuse_the_count(self):
        self.assertEqual([(4, 2)], self.lengths("#define A(x) \\\n  do { x\n\nvoid f() {\n}\n"))


if __name__ == "__main__":
    unittest.main()
