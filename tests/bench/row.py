"""One row of the table: what was measured, the floor beside it, the figure, and its target.

A target judges a figure for the reader; nothing fails when it is missed.
"""

import dataclasses

import figures


@dataclasses.dataclass(frozen=True)
class Target:
    """A limit of a figure and its words: `at least 0.30`, `at most 100 ms`."""

    limit: float
    text: str
    is_minimum: bool = False

    def met_by(self, value):
        return value >= self.limit if self.is_minimum else value <= self.limit


def at_least(limit, text):
    return Target(limit, f"at least {text}", is_minimum=True)


def at_most(limit, text):
    return Target(limit, f"at most {text}")


@dataclasses.dataclass
class Row:
    """`figures` are the (value, text) pairs that the targets judge, in the same order; a row
    without targets only informs."""

    what: str
    measured: str
    floor: str = "-"
    figures: list = dataclasses.field(default_factory=list)
    targets: list = dataclasses.field(default_factory=list)
    notes: list = dataclasses.field(default_factory=list)

    def figure_text(self):
        return "; ".join(text for _, text in self.figures) or "-"

    def target_text(self):
        return "; ".join(target.text for target in self.targets) or "-"

    def verdict(self):
        """`met`, `missed`, `-` without a target, `not measured` where figures are missing."""
        if not self.targets:
            return "-"
        if len(self.figures) != len(self.targets):
            return "not measured"
        kept = [target.met_by(value)
                for (value, _), target in zip(self.figures, self.targets)]
        return "met" if all(kept) else "missed"


def ratio_figure(value, places=None):
    """A ratio, with enough digits to compare it with its target."""
    text = figures.digits_text(value) if places is None else f"{value:.{places}f}"
    return value, text


def failed_row(name, reason):
    """What the table shows of a row that could not be measured."""
    return Row(what=name, measured="not measured", targets=[Target(0, "-")], notes=[str(reason)])
