"""The cases in PyTorch, eager: fused Adam, channels-last convolutions, scaled_dot_product_attention,
gradients set to None."""

import torch
import torch.nn.functional as F
from torch import nn

SCALAR_LINKS = 50  # as in ../cases.h
LOADER_SAMPLES = 20000


def start(threads):
    torch.set_num_threads(threads)


def prepare(what, size):
    torch.manual_seed(1)
    make = CASES.get(what)
    return make(size) if make else None


def columns(size):
    return 100 if size < 10000 else 1000


def matrix(size):
    return torch.randn(size // columns(size), columns(size))


# --- models


def make_mlp():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))


def make_cnn():
    cnn = nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(3136, 128), nn.ReLU(), nn.Linear(128, 10))
    return cnn.to(memory_format=torch.channels_last)


class ResidualBlock(nn.Module):
    def __init__(self):
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(64, 64, 3, padding=1) for _ in range(3))
        self.norms = nn.ModuleList(nn.BatchNorm2d(64) for _ in range(3))

    def forward(self, x):
        y = F.relu(self.norms[0](self.convs[0](x)), inplace=True)
        y = F.relu(self.norms[1](self.convs[1](y)), inplace=True)
        return F.relu(self.norms[2](self.convs[2](y)).add_(x), inplace=True)


class GptLayer(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(128), nn.LayerNorm(128)
        self.qkv, self.out = nn.Linear(128, 384), nn.Linear(128, 128)
        self.up, self.down = nn.Linear(128, 512), nn.Linear(512, 128)

    def forward(self, x):
        batch, time, _ = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(batch, time, 3, 4, 32).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).reshape(batch, time, 128))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class Gpt(nn.Module):
    def __init__(self):
        super().__init__()
        self.token, self.position = nn.Embedding(65, 128), nn.Embedding(128, 128)
        self.layers = nn.ModuleList(GptLayer() for _ in range(4))
        self.norm, self.head = nn.LayerNorm(128), nn.Linear(128, 65)
        self.register_buffer("positions", torch.arange(128))

    def forward(self, text):
        x = self.token(text) + self.position(self.positions)
        for layer in self.layers:
            x = layer(x)
        return self.head(self.norm(x)).flatten(0, 1)


class CharLstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(65, 128)
        self.lstm = nn.LSTM(128, 128, batch_first=True)
        self.head = nn.Linear(128, 65)

    def forward(self, text):
        return self.head(self.lstm(self.embedding(text))[0]).flatten(0, 1)


def train(model, x, labels):
    adam = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)

    def step():
        adam.zero_grad(set_to_none=True)
        F.cross_entropy(model(x), labels).backward()
        adam.step()

    return step


def train_images(model):
    return lambda size: train(model(), torch.rand(size, 1, 28, 28), torch.randint(0, 10, (size,)))


def train_text(model):
    return lambda size: train(
        model(), torch.randint(0, 65, (size, 128)), torch.randint(0, 65, (size * 128,)))


def infer(make_model):
    def make(size):
        model = make_model().eval()
        x = torch.rand(size, 1, 28, 28)

        @torch.inference_mode()
        def step():
            model(x)

        return step

    return make


def residual(size):
    block = ResidualBlock().to(memory_format=torch.channels_last)
    sgd = torch.optim.SGD(block.parameters(), lr=1e-3, fused=True)
    x = torch.randn(size, 64, 32, 32).to(memory_format=torch.channels_last).requires_grad_()
    dy = torch.randn(size, 64, 32, 32).to(memory_format=torch.channels_last)

    def step():
        sgd.zero_grad(set_to_none=True)
        x.grad = None
        block(x).backward(dy)
        sgd.step()

    return step


# --- single operations


def forward(f, *inputs):
    """`inputs` make tensors from the size; `f` of them, without the tape."""

    def make(size):
        tensors = [i(size) for i in inputs]

        @torch.inference_mode()
        def step():
            f(*tensors)

        return step

    return make


def differentiated(f, *inputs):
    def make(size):
        tensors = [i(size).requires_grad_() for i in inputs]
        dy = torch.rand_like(tensors[0])

        def step():
            for t in tensors:
                t.grad = None
            f(*tensors).backward(dy)

        return step

    return make


def vector(size):
    return torch.randn(size)


def row(size):
    return torch.rand(columns(size))


def column(size):
    return torch.rand(size // columns(size), 1)


def square(size):
    return torch.randn(size, size)


def chain8(x, y):
    return (((x * 2 + 1).relu() * y - x) * 0.5 + y).abs()


def conv_inputs(size, channels, side, out):
    x = torch.randn(size, channels, side, side).to(memory_format=torch.channels_last)
    w = torch.randn(out, channels, 3, 3).to(memory_format=torch.channels_last)
    return x, w, torch.randn(out)


def conv_forward(*shape):
    def make(size):
        x, w, b = conv_inputs(size, *shape)

        @torch.inference_mode()
        def step():
            F.conv2d(x, w, b, padding=1)

        return step

    return make


def conv_backward(*shape):
    def make(size):
        x, w, b = conv_inputs(size, *shape)
        inputs = [w.requires_grad_(), b.requires_grad_()]
        if shape[0] > 1:  # pictures need no gradient
            inputs.append(x.requires_grad_())
        y = F.conv2d(x, w, b, padding=1)
        dy = torch.rand_like(y)
        return lambda: torch.autograd.grad(y, inputs, dy, retain_graph=True)

    return make


def scalar_chain(w, b):
    y = w
    for _ in range(SCALAR_LINKS):
        y = y * w + b
    return y


def op_no_grad(_):
    w, b = torch.tensor(0.9), torch.tensor(0.1)

    @torch.inference_mode()
    def step():
        scalar_chain(w, b)

    return step


def op_forward(_):
    w, b = torch.rand(()).requires_grad_(), torch.rand(()).requires_grad_()
    return lambda: scalar_chain(w, b)


def op_forward_backward(_):
    w, b = torch.rand(()).requires_grad_(), torch.rand(()).requires_grad_()

    def step():
        w.grad = b.grad = None
        scalar_chain(w, b).backward()

    return step


def data_loader(size):
    from torch.utils.data import BatchSampler, DataLoader, RandomSampler, TensorDataset

    data = TensorDataset(
        torch.rand(LOADER_SAMPLES, 1, 28, 28), torch.randint(0, 10, (LOADER_SAMPLES,)))
    # A batch as one index: a set of tensors then gives it at once, not sample by sample.
    batches = BatchSampler(RandomSampler(data), size, drop_last=False)
    loader = DataLoader(data, sampler=batches, batch_size=None)

    def step():
        for _ in loader:
            pass

    return step


def optimizer_step(make, **fastest):
    def make_step(size):
        p = torch.randn(size, requires_grad=True)
        p.grad = torch.randn(size)
        return make([p], **fastest).step

    return make_step


CASES = {
    "mlp_train": train_images(make_mlp),
    "cnn_train": train_images(make_cnn),
    "residual_train": residual,
    "gpt_train": train_text(Gpt),
    "lstm_train": train_text(CharLstm),
    "mlp_infer": infer(make_mlp),
    "cnn_infer": infer(make_cnn),
    "add": forward(torch.add, vector, vector),
    "mul": forward(torch.mul, vector, vector),
    "exp": forward(torch.exp, vector),
    "tanh": forward(torch.tanh, vector),
    "relu": forward(torch.relu, vector),
    "gelu": forward(F.gelu, vector),
    "sigmoid": forward(torch.sigmoid, vector),
    "tanh(ab+c)_backward": differentiated(
        lambda a, b, c: torch.tanh(a * b + c), vector, vector, vector),
    "tanh(ab+c)_unfused_backward": differentiated(
        lambda a, b, c: torch.tanh(a * b + c), vector, vector, vector),
    "chain8": forward(chain8, vector, vector),
    "chain8_unfused": forward(chain8, vector, vector),
    "add_row": forward(torch.add, matrix, row),
    "add_column": forward(torch.add, matrix, column),
    "sum": forward(torch.sum, matrix),
    "sum_rows": forward(lambda x: x.sum(0), matrix),
    "sum_columns": forward(lambda x: x.sum(1), matrix),
    "max": forward(torch.max, matrix),
    "argmax": forward(lambda x: x.argmax(1), matrix),
    "softmax": forward(lambda x: x.softmax(1), matrix),
    "softmax_backward": differentiated(lambda x: x.softmax(1), matrix),
    "layer_norm_backward": differentiated(
        lambda x, w, b: F.layer_norm(x, x.shape[1:], w, b), matrix, row, row),
    "transpose": forward(lambda x: x.t().contiguous(), matrix),
    "slice_rows": forward(lambda x: x[x.size(0) // 4:3 * x.size(0) // 4].clone(), matrix),
    "slice_columns": forward(lambda x: x[:, ::2].contiguous(), matrix),
    "sgd_step": optimizer_step(torch.optim.SGD, fused=True),
    "adam_step": optimizer_step(torch.optim.Adam, fused=True),
    "adagrad_step": optimizer_step(torch.optim.Adagrad, fused=True),
    "rmsprop_step": optimizer_step(torch.optim.RMSprop),
    "matmul": forward(torch.matmul, square, square),
    "op_no_grad": op_no_grad,
    "op_forward": op_forward,
    "op_forward_backward": op_forward_backward,
    "data_loader": data_loader,
}
for shape in [(1, 28, 32), (32, 14, 64), (64, 32, 64)]:
    name = "conv_{}x{}-{}".format(*shape)
    CASES[name + "_forward"] = conv_forward(*shape)
    CASES[name + "_backward"] = conv_backward(*shape)
