"""The cases in JAX: each step is one jitted function, its old parameters donated to the new ones, and
is waited for. How many threads there are, JAX sees from the CPUs that the process may use."""

import jax
import jax.numpy as jnp
from jax import lax, nn

SCALAR_LINKS = 50  # as in ../cases.h


def start(threads):
    jax.config.update("jax_platforms", "cpu")
    jax.block_until_ready(jnp.zeros(()))


def prepare(what, size):
    make = CASES.get(what)
    return make(size) if make else None


class Keys:
    """A new random key at each call."""

    def __init__(self, seed=1):
        self.key = jax.random.key(seed)

    def __call__(self):
        self.key, key = jax.random.split(self.key)
        return key


keys = Keys()


def normal(*shape):
    return jax.random.normal(keys(), shape)


def uniform(*shape, bound=1.0):
    return jax.random.uniform(keys(), shape, minval=-bound, maxval=bound)


def integers(high, *shape):
    return jax.random.randint(keys(), shape, 0, high)


def columns(size):
    return 100 if size < 10000 else 1000


# --- models: parameters as nested containers, and functions of them


def linear_parameters(inputs, outputs):
    bound = inputs**-0.5
    return {"w": uniform(inputs, outputs, bound=bound), "b": uniform(outputs, bound=bound)}


def linear(p, x):
    return x @ p["w"] + p["b"]


def conv_parameters(inputs, outputs):
    bound = (9 * inputs) ** -0.5
    return {"w": uniform(3, 3, inputs, outputs, bound=bound), "b": uniform(outputs, bound=bound)}


def convolve(x, w):
    """Channels last, what XLA likes best on a CPU."""
    return lax.conv_general_dilated(
        x, w, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))


def conv(p, x):
    return convolve(x, p["w"]) + p["b"]


def pool(x):
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def mlp_parameters():
    return [linear_parameters(784, 128), linear_parameters(128, 10)]


def mlp(p, x):
    return linear(p[1], nn.relu(linear(p[0], x.reshape(len(x), -1))))


def cnn_parameters():
    return [conv_parameters(1, 32), conv_parameters(32, 64),
            linear_parameters(3136, 128), linear_parameters(128, 10)]


def cnn(p, x):
    x = pool(nn.relu(conv(p[0], x)))
    x = pool(nn.relu(conv(p[1], x)))
    return linear(p[3], nn.relu(linear(p[2], x.reshape(len(x), -1))))


def norm_parameters(width):
    return {"w": jnp.ones(width), "b": jnp.zeros(width)}


def layer_norm(p, x):
    mean = x.mean(-1, keepdims=True)
    var = ((x - mean) ** 2).mean(-1, keepdims=True)
    return (x - mean) * lax.rsqrt(var + 1e-5) * p["w"] + p["b"]


def gpt_parameters():
    def layer():
        return {"norm1": norm_parameters(128), "norm2": norm_parameters(128),
                "qkv": linear_parameters(128, 384), "out": linear_parameters(128, 128),
                "up": linear_parameters(128, 512), "down": linear_parameters(512, 128)}

    return {"token": normal(65, 128), "position": normal(128, 128),
            "layers": [layer() for _ in range(4)],
            "norm": norm_parameters(128), "head": linear_parameters(128, 65)}


def gpt(p, text):
    batch, time = text.shape
    x = p["token"][text] + p["position"]
    for layer in p["layers"]:
        heads = linear(layer["qkv"], layer_norm(layer["norm1"], x)).reshape(batch, time, 3, 4, 32)
        q, k, v = heads[:, :, 0], heads[:, :, 1], heads[:, :, 2]
        mixed = nn.dot_product_attention(q, k, v, is_causal=True)
        x = x + linear(layer["out"], mixed.reshape(batch, time, 128))
        hidden = nn.gelu(linear(layer["up"], layer_norm(layer["norm2"], x)), approximate=False)
        x = x + linear(layer["down"], hidden)
    return linear(p["head"], layer_norm(p["norm"], x)).reshape(-1, 65)


def lstm_parameters():
    return {"embedding": normal(65, 128), "input": linear_parameters(128, 512),
            "hidden": linear_parameters(128, 512), "head": linear_parameters(128, 65)}


def lstm(p, text):
    inputs = linear(p["input"], p["embedding"][text.T])  # [time, batch, gates]
    zeros = jnp.zeros((text.shape[0], 128))

    def cell(state, x):
        h, c = state
        i, f, g, o = jnp.split(x + linear(p["hidden"], h), 4, axis=1)
        c = nn.sigmoid(f) * c + nn.sigmoid(i) * jnp.tanh(g)
        h = nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    _, hidden = lax.scan(cell, (zeros, zeros), inputs)
    return linear(p["head"], hidden.swapaxes(0, 1)).reshape(-1, 65)


def cross_entropy(logits, labels):
    return -jnp.take_along_axis(nn.log_softmax(logits), labels[:, None], 1).mean()


def adam_update(p, gradient, mean, square, t):
    mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, mean, gradient)
    square = jax.tree.map(lambda s, g: 0.999 * s + 0.001 * g * g, square, gradient)
    rate, root = 1e-3 / (1 - 0.9**t), (1 - 0.999**t) ** 0.5
    p = jax.tree.map(
        lambda p, m, s: p - rate * m / (jnp.sqrt(s) / root + 1e-8), p, mean, square)
    return p, mean, square


def train(parameters, model, x, labels):
    def loss(p, x, labels):
        return cross_entropy(model(p, x), labels)

    def update(state, x, labels):
        p, mean, square, t = state
        value, gradient = jax.value_and_grad(loss)(p, x, labels)
        return value, (*adam_update(p, gradient, mean, square, t + 1), t + 1)

    zeros = lambda: jax.tree.map(jnp.zeros_like, parameters)
    state = (parameters, zeros(), zeros(), jnp.zeros(()))
    update = jax.jit(update, donate_argnums=0)

    def step():
        nonlocal state
        value, state = update(state, x, labels)
        jax.block_until_ready((value, state))

    return step


def train_images(parameters, model):
    return lambda size: train(
        parameters(), model, uniform(size, 28, 28, 1), integers(10, size))


def train_text(parameters, model):
    return lambda size: train(
        parameters(), model, integers(65, size, 128), integers(65, size * 128))


def jitted(f, *inputs):
    """A step of the compiled function, waited for."""
    compiled = jax.jit(f)
    inputs = jax.block_until_ready(inputs)
    return lambda: jax.block_until_ready(compiled(*inputs))


def infer(parameters, model):
    return lambda size: jitted(model, parameters(), uniform(size, 28, 28, 1))


def residual(size):
    def batch_norm(p, x):
        mean, var = x.mean((0, 1, 2)), x.var((0, 1, 2))
        y = (x - mean) * lax.rsqrt(var + 1e-5) * p["w"] + p["b"]
        return y, {"mean": 0.9 * p["mean"] + 0.1 * mean, "var": 0.9 * p["var"] + 0.1 * var}

    def block(p, x):
        y, running = x, []
        for i, layer in enumerate(p):
            y, moments = batch_norm(layer, conv(layer["conv"], y))
            running.append(moments)
            y = nn.relu(y + x if i == 2 else y)
        return y, running

    def update(p, x, dy):
        _, pull, running = jax.vjp(block, p, x, has_aux=True)
        gradient, dx = pull(dy)
        p = jax.tree.map(lambda p, g: p - 1e-3 * g, p, gradient)
        return [{**layer, **moments} for layer, moments in zip(p, running)], dx

    moments = lambda: {"mean": jnp.zeros(64), "var": jnp.ones(64)}
    p = [{"conv": conv_parameters(64, 64), **norm_parameters(64), **moments()} for _ in range(3)]
    x, dy = normal(size, 32, 32, 64), normal(size, 32, 32, 64)
    update = jax.jit(update, donate_argnums=0)

    def step():
        nonlocal p
        p, dx = jax.block_until_ready(update(p, x, dy))

    return step


# --- single operations


def vector(size):
    return normal(size)


def matrix(size):
    return normal(size // columns(size), columns(size))


def row(size):
    return uniform(columns(size))


def column(size):
    return uniform(size // columns(size), 1)


def square(size):
    return normal(size, size)


def forward(f, *inputs):
    return lambda size: jitted(f, *[i(size) for i in inputs])


def differentiated(f, *inputs):
    def both(dy, *tensors):
        y, pull = jax.vjp(f, *tensors)
        return y, pull(dy)

    def make(size):
        tensors = [i(size) for i in inputs]
        return jitted(both, uniform(*tensors[0].shape), *tensors)

    return make


def chain8(x, y):
    return jnp.abs((nn.relu(x * 2 + 1) * y - x) * 0.5 + y)


def conv_case(channels, side, out, backward):
    def make(size):
        x, w, b = normal(size, side, side, channels), normal(3, 3, channels, out), normal(out)

        def f(x, w, b):
            return convolve(x, w) + b

        if not backward:
            return jitted(f, x, w, b)
        if channels == 1:  # pictures need no gradient
            return jitted(lambda dy, w, b: jax.vjp(lambda w, b: f(x, w, b), w, b)[1](dy),
                          normal(size, side, side, out), w, b)
        return jitted(lambda dy, *inputs: jax.vjp(f, *inputs)[1](dy),
                      normal(size, side, side, out), x, w, b)

    return make


CASES = {
    "mlp_train": train_images(mlp_parameters, mlp),
    "cnn_train": train_images(cnn_parameters, cnn),
    "residual_train": residual,
    "gpt_train": train_text(gpt_parameters, gpt),
    "lstm_train": train_text(lstm_parameters, lstm),
    "mlp_infer": infer(mlp_parameters, mlp),
    "cnn_infer": infer(cnn_parameters, cnn),
    "add": forward(jnp.add, vector, vector),
    "mul": forward(jnp.multiply, vector, vector),
    "exp": forward(jnp.exp, vector),
    "tanh": forward(jnp.tanh, vector),
    "relu": forward(nn.relu, vector),
    "gelu": forward(lambda x: nn.gelu(x, approximate=False), vector),
    "sigmoid": forward(nn.sigmoid, vector),
    "tanh(ab+c)_backward": differentiated(
        lambda a, b, c: jnp.tanh(a * b + c), vector, vector, vector),
    "chain8": forward(chain8, vector, vector),
    "add_row": forward(jnp.add, matrix, row),
    "add_column": forward(jnp.add, matrix, column),
    "sum": forward(jnp.sum, matrix),
    "sum_rows": forward(lambda x: x.sum(0), matrix),
    "sum_columns": forward(lambda x: x.sum(1), matrix),
    "max": forward(jnp.max, matrix),
    "argmax": forward(lambda x: x.argmax(1), matrix),
    "softmax": forward(lambda x: nn.softmax(x, 1), matrix),
    "softmax_backward": differentiated(lambda x: nn.softmax(x, 1), matrix),
    "layer_norm_backward": differentiated(
        lambda x, w, b: layer_norm({"w": w, "b": b}, x), matrix, row, row),
    "transpose": forward(lambda x: x.T, matrix),
    "slice_rows": forward(lambda x: x[len(x) // 4:3 * len(x) // 4], matrix),
    "slice_columns": forward(lambda x: x[:, ::2], matrix),
    "matmul": forward(jnp.matmul, square, square),
}
for shape in [(1, 28, 32), (32, 14, 64), (64, 32, 64)]:
    name = "conv_{}x{}-{}".format(*shape)
    CASES[name + "_forward"] = conv_case(*shape, backward=False)
    CASES[name + "_backward"] = conv_case(*shape, backward=True)
