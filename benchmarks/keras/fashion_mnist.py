#!/usr/bin/env python3
"""The Fashion-MNIST lesson in Keras 3: what ./scripts/train does, for comparison.

Reads the same idx files as Reel, from $REEL_DATA/fashion-mnist or Reel's cache, and prints what the
whole program took. README.md says how to install Keras beside the tree and run this.
"""

import argparse
import gzip
import os
import resource
import time
from pathlib import Path


def seconds_since_process_start():
    """Counts the interpreter's own start too, as a user's watch does (Linux)."""
    started = int(Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()[19])
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    return uptime - started / os.sysconf("SC_CLK_TCK")


def data_folder():
    cache = os.environ.get("REEL_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "reel"
    )
    for root in (os.environ.get("REEL_DATA"), cache):
        if root and Path(root, "fashion-mnist").is_dir():
            return Path(root, "fashion-mnist")
    raise SystemExit(
        "fashion_mnist.py: no data: set REEL_DATA to the folder that holds fashion-mnist/, "
        "or run ./scripts/train once, which downloads it"
    )


def read_idx(path, header):
    import numpy as np

    with gzip.open(path) as file:
        return np.frombuffer(file.read(), np.uint8, offset=header)


def load(folder, split):
    images = read_idx(folder / f"{split}-images-idx3-ubyte.gz", 16)
    labels = read_idx(folder / f"{split}-labels-idx1-ubyte.gz", 8)
    return images.reshape(-1, 28, 28, 1).astype("float32") / 255, labels


def build(keras, model):
    layers = keras.layers
    if model == "mlp":
        return keras.Sequential(
            [
                keras.Input((28, 28, 1)),
                layers.Flatten(),
                layers.Dense(128, activation="relu"),
                layers.Dense(10),
            ]
        )
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(10),
        ]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=["mlp", "cnn"], default="mlp")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch-size", type=int, help="32 for the mlp, 64 for the cnn")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    batch_size = arguments.batch_size or {"mlp": 32, "cnn": 64}[arguments.model]
    folder = data_folder()

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    import keras
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(arguments.threads)
    tf.config.threading.set_inter_op_parallelism_threads(arguments.threads)
    keras.utils.set_random_seed(arguments.seed)

    train_images, train_labels = load(folder, "train")
    test_images, test_labels = load(folder, "t10k")

    model = build(keras, arguments.model)
    model.compile(
        optimizer=keras.optimizers.Adam(1e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )

    class Clock(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.seconds = []

        def on_epoch_begin(self, epoch, logs=None):
            self.began = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            self.seconds.append(time.perf_counter() - self.began)

    clock = Clock()
    model.fit(
        train_images,
        train_labels,
        epochs=arguments.epochs,
        batch_size=batch_size,
        callbacks=[clock],
        verbose=2,
    )
    _, accuracy = model.evaluate(test_images, test_labels, verbose=0)

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # KiB on Linux
    print(f"keras {keras.__version__}, tensorflow {tf.__version__}, {arguments.threads} thread(s)")
    print(f"seconds per epoch: {' '.join(f'{s:.2f}' for s in clock.seconds)}")
    print(f"whole program: {seconds_since_process_start():.2f} s, peak memory {peak:.0f} MiB")
    print(f"test accuracy: {accuracy:.4f}")


if __name__ == "__main__":
    main()
