"""Runs cases in one Python library when told to; see ../worker.cpp for the lines it speaks.

Usage: worker.py PyTorch|JAX|"ONNX Runtime" THREADS
"""

import gc
import importlib
import os
import sys
import time

MODULES = {"PyTorch": "torch_cases", "JAX": "jax_cases", "ONNX Runtime": "onnx_cases"}


def parse(name):
    """"mlp_train/batch:32/threads:2" -> ("mlp_train", 32)."""
    what, *fields = name.split("/")
    sizes = [int(f.split(":")[1]) for f in fields if not f.startswith("threads:")]
    return what, sizes[0] if sizes else 0


def timed(step, n):
    start = time.perf_counter()
    for _ in range(n):
        step()
    return time.perf_counter() - start


def answers(cases, lines):
    """One answer a line. `cases.prepare(what, size)` gives a function, or None."""
    step = None
    for line in lines:
        command, _, rest = line.strip().partition(" ")
        try:
            if command == "prepare":
                step = cases.prepare(*parse(rest))
                yield "ready" if step else "none"
            elif command == "run":
                seconds = timed(step, int(rest))
                time.sleep(getattr(cases, "SPINS", 0))
                yield repr(seconds)
            elif command == "drop":
                step = None
                gc.collect()
                yield "ready"
            else:
                yield f"error: unknown command {command}"
        except Exception as error:  # the benchmark goes on without this case
            yield "error: " + " ".join(str(error).split())[:1000]


def main():
    # Whatever a library prints must not look like an answer.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    library, threads = sys.argv[1], int(sys.argv[2])
    try:
        cases = importlib.import_module(MODULES[library])
        cases.start(threads)
    except Exception as error:
        print(f"error: {type(error).__name__}: {' '.join(str(error).split())}", file=out, flush=True)
        return
    print("ready", file=out, flush=True)
    gc.disable()
    for answer in answers(cases, sys.stdin):
        print(answer, file=out, flush=True)


if __name__ == "__main__":
    main()
