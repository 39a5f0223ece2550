"""Arithmetic of the figures: medians, percentiles, ratios of pairs, gaps, and their texts.

Nothing here measures; all of it is tried by test_figures.py.
"""

import math


class BenchError(Exception):
    """Something that keeps a row from being measured, in words for the person who waits for it."""


def median(values):
    ordered = sorted(values)
    if not ordered:
        raise BenchError("a median of nothing")
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2


def percentile(values, percent):
    """The smallest value that at least `percent` of the values do not exceed."""
    ordered = sorted(values)
    if not ordered:
        raise BenchError("a percentile of nothing")
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


def ratio_of_pairs(pairs):
    """The median over pairs (floor, ours) of ours / floor: each is held against the floor that was
    measured beside it, so that a machine that gets slower over the minutes does not show."""
    return median(ours / floor for floor, ours in pairs)


def longest_gap(times, begin, end):
    """The longest time without an event from `begin` to `end`, both ends counted."""
    inside = sorted(time for time in times if begin <= time <= end)
    stops = [begin, *inside, end]
    return max(later - earlier for earlier, later in zip(stops, stops[1:]))


def held_up(without, with_it):
    """What an interference added to the longest gap of all windows, never below 0."""
    return max(0.0, max(with_it) - max(without))


def repetitions(first_s, wanted=5, fewer=3, long_s=20.0):
    """How often to measure what took `first_s` the first time."""
    return fewer if first_s > long_s else wanted


# --- Texts ---------------------------------------------------------------------------------------


def count_text(value):
    return f"{value:,.0f}"


def seconds_text(seconds):
    """Three digits and the unit that suits: 1.25 s, 34.1 ms, 87 us."""
    for limit, scale, unit in ((0.9995e-3, 1e6, "us"), (0.9995, 1e3, "ms")):
        if seconds < limit:
            return f"{digits_text(seconds * scale)} {unit}"
    return f"{digits_text(seconds)} s"


def digits_text(value):
    """Three significant digits, no exponent, at most four places: 12,346, 12.3, 1.23, 0.0012."""
    if value == 0:
        return "0"
    if abs(value) >= 99.95:
        return f"{value:,.0f}"
    if abs(value) >= 9.995:
        return f"{value:.1f}"
    if abs(value) >= 0.0995:
        return f"{value:.2f}"
    return f"{value:.4f}"


def mebibytes_text(byte_count):
    return f"{byte_count / 2**20:.1f} MiB"


def percent_text(share):
    return f"{100 * share:.1f} %"
