"""Row: how long `ratebatch status` takes where there is nothing to say."""

import figures
from context import remove
from figures import seconds_text
from row import Row, at_most, ratio_figure


def start(context):
    db = context.path("empty.db")
    context.load(context.job_file(0), db)
    shell = ["sqlite3", db, "select 1"]
    ours = [context.ratebatch_path, "status", "--db", db]
    for command in (shell, ours):
        context.measure(command)
    pairs = [(context.measure(shell).wall_s, context.measure(ours).wall_s)
             for _ in range(context.sizes.starts)]
    remove(db)
    middles = [seconds_text(figures.median(pair[side] for pair in pairs)) for side in (0, 1)]
    yield Row(
        what="start of `ratebatch status` on an empty checkpoint",
        measured=middles[1], floor=f"sqlite3 db 'select 1': {middles[0]}",
        figures=[ratio_figure(figures.ratio_of_pairs(pairs), 2)], targets=[at_most(3, "3")],
        notes=[f"Median of {len(pairs)} pairs, after one call of each."])
