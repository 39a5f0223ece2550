"""The printed table, and the same figures as Markdown for a document."""

import textwrap

HEADS = ["what", "measured", "floor beside it", "figure", "target", ""]
WIDTHS_MAX = [30, 26, 26, 16, 16, 12]
RATIO_COLUMNS = [0, 3, 4, 5]


def cells(row):
    return [row.what, row.measured, row.floor, row.figure_text(), row.target_text(), row.verdict()]


def wrapped(text, width):
    return textwrap.wrap(text, width, break_long_words=False) or [""]


def line_of(parts, widths):
    return "  ".join(part.ljust(width) for part, width in zip(parts, widths)).rstrip()


def text_table(rows):
    """Aligned columns, long cells over several lines, a row's notes below it."""
    grid = [HEADS, *map(cells, rows)]
    broken = [[wrapped(cell, width) for cell, width in zip(line, WIDTHS_MAX)] for line in grid]
    widths = [max(len(part) for line in broken for part in line[column])
              for column in range(len(HEADS))]
    total = sum(widths) + 2 * (len(widths) - 1)
    lines = []
    for number, line in enumerate(broken):
        height = max(len(cell) for cell in line)
        for at in range(height):
            lines.append(line_of([cell[at] if at < len(cell) else "" for cell in line], widths))
        if number == 0:
            lines.append("-" * total)
            continue
        for note in rows[number - 1].notes:
            lines += textwrap.wrap(note, total, initial_indent="    ", subsequent_indent="      ")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def markdown_cell(text):
    return text.replace("|", "\\|")


def markdown(grid):
    lines = ["| " + " | ".join(map(markdown_cell, line)) + " |" for line in grid]
    lines.insert(1, "| " + " | ".join("---" for _ in grid[0]) + " |")
    return "\n".join(lines) + "\n"


def markdown_table(rows):
    """Everything but the notes."""
    return markdown([HEADS, *map(cells, rows)])


def markdown_ratios(rows):
    """Only what travels from machine to machine: the figures that have targets."""
    grid = [HEADS, *(cells(row) for row in rows if row.targets)]
    return markdown([[line[column] for column in RATIO_COLUMNS] for line in grid])


def summary(rows):
    judged = [row.verdict() for row in rows if row.targets]
    return (f"{judged.count('met')} met, {judged.count('missed')} missed, "
            f"{judged.count('not measured')} not measured")
