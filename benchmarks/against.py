"""Compares two builds of Reel: whole runs of both benchmark programs in turns, ratios of neighbours.

    against.py OLD/reel_bench NEW/reel_bench [--runs N] [arguments of reel_bench]

Ends with 1 when a case is slower: its median ratio above 1.02, and three quarters of its ratios above 1.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile

SLOWER = 1.02


def measure(program, arguments):
    """One process: the figure of Reel for each case."""
    with tempfile.NamedTemporaryFile(suffix=".json") as rows:
        command = [program, "--quick", "--json", rows.name, *arguments]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            sys.exit(f"against: {' '.join(command)} failed: {done.stderr.strip()}")
        with open(rows.name) as file:
            return {row["case"]: (row["reel"], row["unit"]) for row in json.load(file)}


def main(old, new, *arguments):
    arguments = list(arguments)
    runs = 7
    if "--runs" in arguments:
        at = arguments.index("--runs")
        runs = int(arguments[at + 1])
        del arguments[at : at + 2]
    if runs < 7:
        sys.exit(f"against: expected at least 7 runs, got {runs}")

    figures = {}  # case -> [(old, new), ...]
    units = {}
    for run in range(runs):
        # Who goes first changes from run to run, so that a machine that warms up favours neither.
        order = ("old", "new") if run % 2 == 0 else ("new", "old")
        of = {side: measure(old if side == "old" else new, arguments) for side in order}
        for case, (before, unit) in of["old"].items():
            if case not in of["new"]:
                continue
            figures.setdefault(case, []).append((before, of["new"][case][0]))
            units[case] = unit
        if sys.stderr.isatty():
            print(f"\rrun {run + 1} of {runs} ", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print("\r", end="", file=sys.stderr)
    if not figures:
        sys.exit("against: no case in both builds")

    print(f"{'case':<44}{'old':>12}{'new':>12}  {'new/old':>7}   {runs} ratios from .. to")
    slower = []
    for case, pairs in figures.items():
        ratios = sorted(b / a for a, b in pairs)
        median = statistics.median(ratios)
        quarter = ratios[len(ratios) // 4]
        is_slower = median > SLOWER and quarter > 1
        if is_slower:
            slower.append(case)
        before, after = (statistics.median(side) for side in zip(*pairs))
        print(
            f"{case:<44}{before:>9.4g} {units[case]:<2}{after:>9.4g} {units[case]:<2}  {median:>7.3f}"
            f"   {ratios[0]:.3f} .. {ratios[-1]:.3f}{'   SLOWER' if is_slower else ''}"
        )
    print(f"{len(slower)} of {len(figures)} cases are slower")
    return 1 if slower else 0


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main(os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), *sys.argv[3:]))
