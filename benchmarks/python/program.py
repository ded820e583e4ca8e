"""A user's whole program, as ../programs: trains a model for some steps on random pictures.

Usage: program.py PyTorch|JAX mlp|cnn BATCH STEPS
"""

import importlib
import sys

from worker import MODULES


def main():
    library, model, batch, steps = sys.argv[1:]
    cases = importlib.import_module(MODULES[library])
    cases.start(1)
    step = cases.prepare(model + "_train", int(batch))
    for _ in range(int(steps)):
        step()


if __name__ == "__main__":
    main()
