#!/usr/bin/env python3
"""Makes a recorded table again and compares it with the one that the tests know.

    tables.py tests/optim/tables/make.py

A make.py writes its files beside itself. It is run in a copy of its folder that holds nothing else;
each file that comes out must be the recorded one: words, whole numbers and bytes the same, other numbers
to 12 digits, or to 4 where they are single precision (9 digits are written of those): a peer's last ones
differ between processors. Of files of tensors counts what they hold, by the same rule (some lie in
another order every time).
"""

import math
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
TOLERANCE = {"double": 1e-12, "single": 1e-4}


def same_number(new, old):
    """Whether two numbers of a text are the same, as far as processors agree."""
    if new == old:
        return True
    if not re.search(r"[.eE]", new + old):
        return False
    digits = len(re.sub(r"[eE].*|[-+.]", "", old).lstrip("0"))
    tolerance = TOLERANCE["single" if digits <= 9 else "double"]
    return math.isclose(float(new), float(old), rel_tol=tolerance, abs_tol=tolerance)


def texts_differ(new, old):
    """Where two texts differ, or None."""
    new_words, old_words = NUMBER.split(new), NUMBER.split(old)
    if new_words != old_words:
        line = next((i for i, (a, b) in enumerate(zip(new.splitlines(), old.splitlines()), 1)
                     if NUMBER.sub("0", a) != NUMBER.sub("0", b)), "the last")
        return f"other words in line {line}"
    for a, b in zip(NUMBER.findall(new), NUMBER.findall(old)):
        if not same_number(a, b):
            return f"{b} is now {a}"
    return None


def tensors_of(path):
    """The tensors in a file, by name; None if it is none of tensors."""
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(path)
    if path.suffix in (".pt", ".pth"):
        import torch

        return torch.load(path, weights_only=True)
    return None


def same_tensor(new, old):
    """Whether two tensors are the same, as far as processors agree."""
    import torch

    if new.dtype != old.dtype or new.shape != old.shape:
        return False
    precision = {torch.float32: "single", torch.float64: "double"}.get(new.dtype)
    if precision is None:
        return bytes_of(new) == bytes_of(old)
    tolerance = TOLERANCE[precision]
    return torch.allclose(new, old, rtol=tolerance, atol=tolerance, equal_nan=True)


def bytes_of(tensor):
    return tensor.contiguous().view(-1).untyped_storage().tolist()


def difference(new, old):
    """What makes two files differ, or None."""
    a, b = new.read_bytes(), old.read_bytes()
    if a == b:
        return None
    if (tensors := tensors_of(new)) is not None:
        recorded = tensors_of(old)
        if tensors.keys() != recorded.keys():
            return "other names of tensors"
        other = [name for name in tensors if not same_tensor(tensors[name], recorded[name])]
        return f"other tensors: {', '.join(other)}" if other else None
    try:
        return texts_differ(a.decode(), b.decode())
    except UnicodeDecodeError:
        return f"{len(b)} bytes are now {len(a)} others"


def main():
    script = pathlib.Path(sys.argv[1]).resolve()
    folder = script.parent
    with tempfile.TemporaryDirectory() as temporary:
        copy = pathlib.Path(temporary) / folder.name
        copy.mkdir()
        for python in folder.glob("*.py"):
            shutil.copy(python, copy)
        subprocess.run([sys.executable, copy / script.name], check=True)
        made = sorted(path.relative_to(copy) for path in copy.rglob("*")
                      if path.is_file() and path.suffix != ".py" and "__pycache__" not in path.parts)
        if not made:
            sys.exit(f"{script}: expected files beside it, got none")
        wrong = []
        for path in made:
            if not (folder / path).is_file():
                wrong.append(f"{path}: is not recorded")
            elif why := difference(copy / path, folder / path):
                wrong.append(f"{path}: {why}")
    for line in wrong:
        print(line)
    print(f"{len(made)} files, {len(wrong)} wrong")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
