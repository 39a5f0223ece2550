"""The tree keeps the rules of style_checker.py.

Reads what git knows and does not ignore; without git, everything but the build folder.
"""

import os
import subprocess
import unittest
from pathlib import Path

import style_checker

ROOT = Path(os.environ.get("RATEBATCH_SOURCE_DIR", Path(__file__).resolve().parents[2]))
NOT_OURS = {".git", ".cache", "build", "__pycache__"}


def paths_by_git():
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others",
               "--exclude-standard"]
    try:
        listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return [path for path in listed.split("\0") if path]


def paths_by_walking():
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in NOT_OURS]
        for name in files:
            yield (Path(folder) / name).relative_to(ROOT).as_posix()


def read_tree():
    tree = {}
    for path in paths_by_git() or paths_by_walking():
        try:
            tree[path] = (ROOT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # A picture or a database has no style.
        except FileNotFoundError:
            continue  # Deleted, but still in the index.
    return tree


class StyleTest(unittest.TestCase):
    def test_the_tree_was_found(self):
        tree = read_tree()
        self.assertIn("CMakeLists.txt", tree)
        self.assertIn("tests/style/style_checker.py", tree)

    def test_the_tree_keeps_the_rules(self):
        findings = style_checker.check(read_tree())
        if findings:
            self.fail("\n".join(["the tree breaks its rules:", *map(str, findings)]))


if __name__ == "__main__":
    unittest.main()
