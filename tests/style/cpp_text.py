"""C++ read just closely enough for the style checker: comments and strings blanked out, includes,
and where functions begin and end. Not a parser; it relies on code formatted by clang-format."""

import re

_LITERAL = re.compile(
    r"""//[^\n]* | /\*.*?\*/                                # comments
      | R"(?P<mark>[^()\s\\]*)\(.*?\)(?P=mark)"             # raw strings
      | "(?:\\.|[^"\\\n])*"                                 # strings
      | (?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'                 # characters, not 1'000
    """,
    re.VERBOSE | re.DOTALL,
)
_INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
_CONTAINER = re.compile(
    r"(?:(?:public|private|protected)\s*:\s*)*(?:template\s*<.*>\s*)?(?:inline\s+|typedef\s+)?"
    r'(?:namespace|class|struct|union|extern\s*"?)\b',
    re.DOTALL,
)


def code_only(text):
    """The text with comments and literals replaced by spaces; lines and columns stay."""

    def blank(match):
        found = match.group()
        spaces = re.sub(r"[^\n]", " ", found)
        return spaces if found.startswith("/") else '"' + spaces[1:-1] + '"'

    return _LITERAL.sub(blank, text)


def includes(text):
    """(line number, whether in quotes, name) of each include."""
    for number, line in enumerate(text.splitlines(), 1):
        match = _INCLUDE.match(line)
        if match:
            yield number, match.group(1) == '"', match.group(2)


def _without_preprocessor(code):
    blanked, continues = [], False
    for line in code.split("\n"):
        directive = continues or line.lstrip().startswith("#")
        continues = directive and line.endswith("\\")
        blanked.append("" if directive else line)
    return "\n".join(blanked)


def _is_container(head):
    return _CONTAINER.match(head) is not None


def _is_function(head):
    return "(" in head and not head.rstrip().endswith(("=", "(", ",", "{"))


def functions(text):
    """(first line, lines from { to }, head) of each function body outside other functions."""
    code = _without_preprocessor(code_only(text))
    line, head, stack, read = 1, "", [], 0  # The stack holds what each open brace belongs to.
    for match in re.finditer("[{};]", code):
        before, char, at = code[read : match.start()], match.group(), match.start()
        read = match.end()
        line += before.count("\n")
        outside = all(kind == "container" for kind, _, _ in stack)
        if outside:
            head += before
        if char == "{":
            kind = "other"
            if outside and _is_container(head.strip()):
                kind = "container"
            elif outside and _is_function(head) and head.count("(") == head.count(")"):
                kind = "function"
            stack.append((kind, line, head))
            if outside:
                head = ""
        elif char == "}" and stack:
            kind, start, opening = stack.pop()
            # Members initialised in braces stand between the head and the body of a constructor.
            goes_on = re.match(r"\s*[,{]", code[at + 1 : at + 200]) is not None
            if kind == "function" and not goes_on:
                yield start, line - start + 1, " ".join(opening.split())
            if all(open_kind == "container" for open_kind, _, _ in stack):
                head = opening + "{}" if goes_on else ""
        elif outside:
            head = "" if char == ";" and head.count("(") == head.count(")") else head + char
