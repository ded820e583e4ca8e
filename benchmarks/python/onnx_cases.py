"""Inference in ONNX Runtime, its graph optimisations on, inputs and outputs bound once."""

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

SPINS = 0.03  # seconds for which its threads still spin after the last call: nobody's turn

options = onnxruntime.SessionOptions()


def start(threads):
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL


def prepare(what, size):
    make = CASES.get(what)
    return make(size) if make else None


class Graph:
    """A chain of nodes, each reading what the one before it wrote."""

    def __init__(self):
        self.nodes, self.weights, self.last = [], [], "x"
        self.random = np.random.default_rng(1)

    def add(self, op, *shapes, **attributes):
        """`shapes` are those of the node's weights."""
        bound = 1 / np.sqrt(np.prod(shapes[0][1:])) if shapes else 0
        names = []
        for shape in shapes:
            names.append(f"w{len(self.weights)}")
            values = self.random.uniform(-bound, bound, shape).astype(np.float32)
            self.weights.append(numpy_helper.from_array(values, names[-1]))
        output = f"y{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, [self.last, *names], [output], **attributes))
        self.last = output
        return self

    def conv(self, inputs, outputs):
        self.add("Conv", (outputs, inputs, 3, 3), (outputs,), kernel_shape=[3, 3], pads=[1] * 4)
        return self.add("Relu").add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])

    def linear(self, inputs, outputs):
        return self.add("Gemm", (outputs, inputs), (outputs,), transB=1)

    def session(self, input_shape, output_shape):
        value = lambda name, shape: helper.make_tensor_value_info(
            name, onnx.TensorProto.FLOAT, shape)
        graph = helper.make_graph(self.nodes, "model", [value("x", input_shape)],
                                  [value(self.last, output_shape)], self.weights)
        model = helper.make_model(
            graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
        return onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def bound(graph, size):
    shape = (size, 1, 28, 28)
    session = graph.session(shape, (size, 10))
    binding = session.io_binding()
    pictures = np.random.default_rng(1).random(shape, dtype=np.float32)
    binding.bind_ortvalue_input("x", onnxruntime.OrtValue.ortvalue_from_numpy(pictures))
    output = onnxruntime.OrtValue.ortvalue_from_numpy(np.empty((size, 10), np.float32))
    binding.bind_ortvalue_output(graph.last, output)
    return lambda: session.run_with_iobinding(binding)


def mlp(size):
    return bound(Graph().add("Flatten").linear(784, 128).add("Relu").linear(128, 10), size)


def cnn(size):
    graph = Graph().conv(1, 32).conv(32, 64).add("Flatten")
    return bound(graph.linear(3136, 128).add("Relu").linear(128, 10), size)


CASES = {"mlp_infer": mlp, "cnn_infer": cnn}
