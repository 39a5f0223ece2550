"""The arithmetic of the figures, the layout of the table, and the job lines. Nothing is timed."""

import json
import unittest

import figures
import jobs
import table
from figures import BenchError
from row import Row, at_least, at_most, failed_row, ratio_figure


class ArithmeticTest(unittest.TestCase):
    def test_the_median_is_the_middle_or_between_the_two_in_the_middle(self):
        for values, middle in (([7], 7), ([9, 1, 5], 5), ([4, 1, 3, 2], 2.5), (iter([3, 1]), 2)):
            self.assertEqual(middle, figures.median(values))

    def test_a_percentile_is_one_of_the_values(self):
        values = range(1, 101)
        for percent, expected in ((0, 1), (1, 1), (50, 50), (99, 99), (99.1, 100), (100, 100)):
            self.assertEqual(expected, figures.percentile(values, percent))
        self.assertEqual(8, figures.percentile([8], 99))

    def test_of_nothing_there_is_no_figure(self):
        for call in (lambda: figures.median([]), lambda: figures.percentile([], 50)):
            with self.assertRaises(BenchError):
                call()

    def test_a_ratio_is_that_of_the_middle_pair_not_that_of_the_medians(self):
        # The machine got three times slower in between; ours is twice the floor throughout.
        self.assertEqual(2, figures.ratio_of_pairs([(1, 2), (3, 6), (3, 6)]))
        # Medians alone, 2 and 2, would hide that ours was the slower one in two pairs of three.
        self.assertEqual(2, figures.ratio_of_pairs([(1, 2), (2, 4), (5, 1)]))

    def test_the_longest_gap_counts_both_ends_and_nothing_outside(self):
        for times, gap in (([], 10), ([5], 5), ([1, 2, 9], 7), ([9, 1, 2], 7), ([-5, 12], 10),
                           ([0, 10], 10)):
            self.assertEqual(gap, figures.longest_gap(times, 0, 10))

    def test_held_up_is_the_difference_of_the_longest_gaps_and_never_negative(self):
        self.assertEqual(6, figures.held_up([1, 2, 3], [1, 9, 3]))
        self.assertEqual(0, figures.held_up([5, 6, 7], [1, 2, 3]))

    def test_only_what_takes_over_20_seconds_is_measured_three_times(self):
        self.assertEqual([5, 5, 3],
                         [figures.repetitions(seconds) for seconds in (0.1, 20.0, 20.1)])
        self.assertEqual(2, figures.repetitions(1, wanted=2))


class TextTest(unittest.TestCase):
    def test_times_have_three_digits_and_the_unit_that_suits(self):
        for seconds, text in ((0, "0 us"), (0.0000021, "2.10 us"), (0.000152, "152 us"),
                              (0.0009996, "1.00 ms"), (0.0223, "22.3 ms"), (0.9996, "1.00 s"),
                              (12.34, "12.3 s"), (1234, "1,234 s")):
            self.assertEqual(text, figures.seconds_text(seconds))

    def test_small_ratios_keep_the_digits_their_targets_need(self):
        for value, text in ((0, "0"), (0.00096, "0.0010"), (0.0994, "0.0994"), (0.0996, "0.10"),
                            (0.304, "0.30"), (9.99, "9.99"), (9.996, "10.0"), (99.96, "100")):
            self.assertEqual(text, figures.digits_text(value))

    def test_counts_shares_and_sizes(self):
        self.assertEqual("50,000", figures.count_text(50000.4))
        self.assertEqual("95.0 %", figures.percent_text(0.95))
        self.assertEqual("64.0 MiB", figures.mebibytes_text(64 * 2**20))


class VerdictTest(unittest.TestCase):
    def test_a_limit_itself_is_met(self):
        for target, met, missed in ((at_least(0.3, "0.30"), 0.3, 0.2999),
                                    (at_most(3, "3"), 3, 3.001)):
            for value, verdict in ((met, "met"), (missed, "missed")):
                row = Row("row", "-", figures=[ratio_figure(value)], targets=[target])
                self.assertEqual(verdict, row.verdict())

    def test_one_missed_figure_of_two_is_a_missed_row(self):
        targets = [at_most(8, "8"), at_most(64, "64")]
        for values, verdict in (((8, 64), "met"), ((9, 64), "missed"), ((8, 65), "missed")):
            row = Row("row", "-", figures=[ratio_figure(value) for value in values],
                      targets=targets)
            self.assertEqual(verdict, row.verdict())

    def test_a_row_without_target_is_not_judged_and_a_failed_one_is_not_measured(self):
        self.assertEqual("-", Row("row", "5").verdict())
        self.assertEqual("not measured", failed_row("row", "no server").verdict())


class TableTest(unittest.TestCase):
    def rows(self):
        return [Row("short", "5 s", "sqlite3 shell: 4 s", [ratio_figure(1.25, 2)],
                    [at_most(1, "1")], ["Median of 5 pairs."]),
                Row("a row whose name is much too long for one line of its column", "7 | 8"),
                failed_row("memory", "the disk is full")]

    def test_columns_are_aligned_and_long_cells_go_on_below(self):
        lines = table.text_table(self.rows()).splitlines()
        self.assertEqual("-" * len(lines[1]), lines[1])
        self.assertTrue(lines[2].startswith("short "))
        for number, cell in ((2, "5 s"), (5, "7 | 8"), (9, "not measured")):
            self.assertEqual(lines[0].index("measured"), lines[number].index(cell))
        self.assertEqual("    Median of 5 pairs.", lines[3])
        self.assertEqual("a row whose name is much too", lines[5].split("  ")[0])
        self.assertEqual("long for one line of its", lines[6])
        self.assertEqual("    the disk is full", lines[-1])

    def test_no_line_is_wider_than_the_ruler(self):
        lines = table.text_table(self.rows()).splitlines()
        self.assertLessEqual(max(map(len, lines)), len(lines[1]))

    def test_markdown_has_a_line_per_row_and_the_ratios_only_the_judged_ones(self):
        lines = table.markdown_table(self.rows()).splitlines()
        self.assertEqual("| short | 5 s | sqlite3 shell: 4 s | 1.25 | at most 1 | missed |",
                         lines[2])
        self.assertIn("| 7 \\| 8 |", lines[3])
        self.assertEqual(5, len(lines))
        lines = table.markdown_ratios(self.rows()).splitlines()
        self.assertEqual("| what | figure | target |  |", lines[0])
        self.assertEqual("| short | 1.25 | at most 1 | missed |", lines[2])
        self.assertEqual(4, len(lines))

    def test_the_summary_counts_the_verdicts(self):
        self.assertEqual("0 met, 1 missed, 1 not measured", table.summary(self.rows()))


class JobsTest(unittest.TestCase):
    def test_each_line_has_400_bytes_with_its_end_and_is_json(self):
        for number in (0, 1, 999_999):
            line = jobs.line(number)
            self.assertEqual(jobs.LINE_BYTES, len(line.encode()) + 1)
            self.assertEqual(f"bio-{number:07}", json.loads(line)["id"])

    def test_a_body_carries_the_prompt_of_its_line(self):
        body, line = json.loads(jobs.body(17)), json.loads(jobs.line(17))
        self.assertEqual(line["prompt"], body["messages"][0]["content"])
        self.assertEqual(jobs.PARAMS, {name: body[name] for name in jobs.PARAMS})

    def test_the_configuration_names_the_server(self):
        self.assertIn('base_url: "http://127.0.0.1:1/v1"',
                      jobs.configuration("http://127.0.0.1:1/v1"))


if __name__ == "__main__":
    unittest.main()
