"""Makes the files beside this one, which the tests read: python make.py

Made by torch 2.15, safetensors 0.8 and numpy 2.4. It also prints the digests that the tests
of conversions expect.
"""

import hashlib
import json
import os
import pathlib

import numpy as np
import torch
from safetensors.torch import save_file

here = pathlib.Path(__file__).parent
torch.manual_seed(0)

# ---- every element type that PyTorch writes

values = torch.tensor([[0.0, 1.0, 2.0], [3.0, 0.5, 1.5]])
whole = torch.tensor([[0, 1, 2], [3, 100, 127]])
types = {
    "f64": values.to(torch.float64),
    "f32": -values,
    "f16": -values.to(torch.float16),
    "bf16": values.to(torch.bfloat16),
    "f8_e4m3": values.to(torch.float8_e4m3fn),
    "f8_e5m2": values.to(torch.float8_e5m2),
    "f8_e4m3fnuz": values.to(torch.float8_e4m3fnuz),
    "f8_e5m2fnuz": values.to(torch.float8_e5m2fnuz),
    "i64": -whole,
    "i32": -whole.to(torch.int32),
    "i16": -whole.to(torch.int16),
    "i8": -whole.to(torch.int8),
    "u8": whole.to(torch.uint8),
    "u16": whole.to(torch.uint16),
    "u32": whole.to(torch.uint32),
    "u64": whole.to(torch.uint64),
    "bool": values > 1,
    "number": torch.tensor(2.5),
    "empty": torch.zeros(0, 3),
}
save_file(types, here / "types.safetensors", {"format": "pt", "said": 'in "words", ñ'})

# ---- a model, what it makes of an input, and the same model in several files

model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2))
x = torch.randn(5, 3)
state = model.state_dict()
save_file(state, here / "mlp.safetensors", {"format": "pt"})
save_file({"x": x, "y": model(x).detach()}, here / "mlp_run.safetensors")
save_file({f"module.{k}": v for k, v in state.items()}, here / "mlp_parallel.safetensors")
save_file({k: v.to(torch.bfloat16) for k, v in state.items()}, here / "mlp_bf16.safetensors")
(here / "sharded").mkdir(exist_ok=True)
weight_map = {}
for number, layer in enumerate(["0", "2"], start=1):
    name = f"mlp-{number:05}-of-00002.safetensors"
    shard = {k: v for k, v in state.items() if k.startswith(layer)}
    save_file(shard, here / "sharded" / name, {"format": "pt"})
    weight_map |= {k: name for k in shard}
index = {"metadata": {"total_size": 104}, "weight_map": weight_map}
(here / "sharded" / "mlp.safetensors.index.json").write_text(json.dumps(index, indent=2))

# ---- PyTorch's own files: layouts, types, containers; torch_values has what each must load as

base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
tensors = {
    "whole": base,
    "shared": base,
    "turned": base.t(),
    "part": base[1:3, ::2],
    "row": base[2, :1].expand(5),
    "parameter": torch.nn.Parameter(torch.tensor([1.0, 2.0])),
    "empty": torch.zeros(0, 3),
    "number": torch.tensor(2.5),
}
tensors |= {f"type.{k}": v.t() for k, v in types.items() if v.dim() == 2 and v.numel()}
torch.save(tensors, here / "tensors.pt")
plain = {k: v.detach().clone().contiguous() for k, v in tensors.items()}
save_file(plain, here / "tensors.safetensors")
torch.save(state, here / "mlp.pth")
torch.save(model[0].weight, here / "weight.pt")
checkpoint = {
    "model": state,
    "epoch": 3,
    "step": 2**40,
    "below": -(2**33),
    "loss": 0.25,
    "best": True,
    "name": "ñ",
    "nothing": None,
    "dtype": torch.float16,
    "device": torch.device("cpu"),
    "size": torch.Size([2, 3]),
    "places": {7, 8},
    "states": {0: {"step": torch.tensor(1.0)}, 1: [(1, 2.5), {}]},
}
for protocol in (2, 3, 4, 5):
    torch.save(checkpoint, here / f"checkpoint_{protocol}.pt", pickle_protocol=protocol)
torch.save(state, here / "legacy.pt", _use_new_zipfile_serialization=False)
torch.save({"x": np.float64(1.5)}, here / "numpy.pt")
torch.save({"z": torch.zeros(2, dtype=torch.complex64)}, here / "complex.pt")


class Evil:
    def __reduce__(self):
        return os.system, ("touch /tmp/reel-was-here",)


torch.save({"x": Evil()}, here / "evil.pt")
torch.save(model, here / "model.pt")

# ---- NumPy's arrays: tensors.safetensors and types.safetensors have what they must load as

arrays = {
    "matrix": np.arange(6, dtype=np.float32).reshape(2, 3),
    "fortran": np.asfortranarray(np.arange(24, dtype=np.float64).reshape(2, 3, 4)),
    "big": np.arange(6, dtype=">i4").reshape(3, 2),
    "big_half": np.array([1.5, -2], dtype=">f2"),
    "fortran_big": np.asfortranarray(np.arange(6, dtype=">f8").reshape(2, 3)),
    "number": np.array(2.5),
    "empty": np.zeros((0, 3), np.int64),
    "bool": np.array([True, False]),
}
for name, values in types.items():
    if values.dim() == 2 and "f8" not in name and name != "bf16":
        arrays[f"type.{name}"] = values.numpy()
np.savez(here / "arrays.npz", **arrays)
np.savez_compressed(here / "arrays_packed.npz", **arrays)
np.save(here / "fortran.npy", arrays["fortran"])
np.save(here / "objects.npy", np.array([{}, 1], dtype=object), allow_pickle=True)
np.save(here / "records.npy", np.zeros(2, dtype=[("a", "<f4"), ("b", "<i4")]))
np.save(here / "words.npy", np.array(["a"]))
with open(here / "version3.npy", "wb") as file:
    np.lib.format.write_array(file, arrays["matrix"], version=(3, 0))


def native(array):
    return torch.tensor(array.astype(array.dtype.newbyteorder("=")).copy(order="C"))


save_file({k: native(v) for k, v in arrays.items()}, here / "arrays.safetensors")

# ---- layers with state of their own, and what they make of inputs


class Layers(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(2, 3, 3)
        self.norm = torch.nn.BatchNorm2d(3)
        self.words = torch.nn.Embedding(5, 4)
        self.lstm = torch.nn.LSTM(4, 6)
        self.layer_norm = torch.nn.LayerNorm(6)
        self.attention = torch.nn.MultiheadAttention(6, 2)

    def look(self, images):
        return self.norm(self.conv(images))

    def read(self, ids):
        h = self.layer_norm(self.lstm(self.words(ids))[0])
        return self.attention(h, h, h, need_weights=False)[0]


layers = Layers()
images, ids = torch.randn(2, 2, 5, 5), torch.tensor([[0, 4], [3, 1], [2, 2]])
layers.look(images + 1)  # one step of the running statistics
for parameter in layers.parameters():  # none is left as it starts
    torch.nn.init.normal_(parameter, 0.1, 0.5)
layers.eval()
torch.save(layers.state_dict(), here / "layers.pt")
run = {"images": images, "ids": ids, "seen": layers.look(images), "read": layers.read(ids)}
save_file({k: v.detach().contiguous() for k, v in run.items()}, here / "layers_run.safetensors")

# ---- what every code of the small floats is in float32, every NaN as 7fc00000


def digest(codes, dtype):
    floats = torch.from_numpy(codes).view(dtype).to(torch.float32)
    floats[floats.isnan()] = torch.from_numpy(np.array([0x7FC00000], np.uint32)).view(torch.float32)
    return hashlib.sha256(floats.numpy().tobytes()).hexdigest()


if __name__ == "__main__":
    bytes_, halves = np.arange(256, dtype=np.uint8), np.arange(65536, dtype=np.uint16)
    print("F16", digest(halves, torch.float16))
    print("BF16", digest(halves, torch.bfloat16))
    print("F8_E4M3", digest(bytes_, torch.float8_e4m3fn))
    print("F8_E5M2", digest(bytes_, torch.float8_e5m2))
    print("F8_E4M3FNUZ", digest(bytes_, torch.float8_e4m3fnuz))
    print("F8_E5M2FNUZ", digest(bytes_, torch.float8_e5m2fnuz))
    print("F8_E8M0", digest(bytes_, torch.float8_e8m0fnu))
