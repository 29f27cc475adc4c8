#!/usr/bin/env python3
"""Writes `every.onnx` with the package `onnx`: the graph that `tests/golden.rs` draws, every operator once.

    python make.py        # then ORIGIN.md's versions
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET, IR_VERSION = 17, 8


def node(operator, inputs, name, **attributes):
    return helper.make_node(operator, inputs, [name], name, **attributes)


def weight(name, values, kind=np.float32):
    return numpy_helper.from_array(np.asarray(values, kind), name)


def ramp(*shape):
    return (np.arange(np.prod(shape), dtype=np.float32) / 8).reshape(shape)


nodes = [
    node("Conv", ["voxels", "stem.weight", "stem.bias"], "stem.Conv", kernel_shape=[3, 3], pads=[1] * 4, strides=[2, 2]),
    node("BatchNormalization", ["stem.Conv", "stem.gamma", "stem.beta", "stem.mean", "stem.variance"],
         "stem.BatchNormalization", epsilon=1e-5),
    node("Relu", ["stem.BatchNormalization"], "stem.Relu"),
    node("MaxPool", ["stem.Relu"], "MaxPool", kernel_shape=[3, 3], pads=[1] * 4, strides=[2, 2]),
    node("AveragePool", ["MaxPool"], "AveragePool", kernel_shape=[2, 2], pads=[0] * 4, strides=[2, 2]),
    node("ReduceMean", ["AveragePool"], "ReduceMean", axes=[2, 3], keepdims=0),
    node("ReduceMax", ["AveragePool"], "ReduceMax", axes=[2, 3], keepdims=0),
    node("Concat", ["ReduceMean", "ReduceMax"], "Concat", axis=1),
    node("Shape", ["voxels"], "Shape", start=0, end=1),
    node("Concat", ["Shape", "width"], "Concat_2", axis=0),
    node("Reshape", ["Concat", "Concat_2"], "Reshape"),
    node("Unsqueeze", ["Reshape", "axes"], "Unsqueeze"),
    node("ReduceSum", ["Unsqueeze", "axes"], "ReduceSum", keepdims=0),
    node("Pad", ["ReduceSum", "pads"], "Pad", mode="edge"),
    node("Slice", ["Pad", "starts", "ends", "axes"], "Slice"),
    node("MatMul", ["Slice", "head"], "MatMul"),
    node("Softmax", ["MatMul"], "Softmax", axis=1),
    node("Clip", ["Softmax", "least"], "Clip"),
    node("Log", ["Clip"], "Log"),
    node("Add", ["Log", "least"], "Add"),
    node("Sub", ["Add", "least"], "Sub"),
    node("Mul", ["Sub", "least"], "Mul"),
    node("Div", ["Mul", "least"], "Div"),
    node("Sigmoid", ["Div"], "Sigmoid"),
    node("Tanh", ["Sigmoid"], "Tanh"),
    node("Mean", ["Sigmoid", "Tanh"], "Mean"),
    node("Identity", ["Mean"], "logits"),
]
weights = [
    weight("stem.weight", ramp(2, 1, 3, 3)),
    weight("stem.bias", ramp(2)),
    *[weight(f"stem.{name}", ramp(2)) for name in ["gamma", "beta", "mean", "variance"]],
    weight("width", [4], np.int64),
    weight("axes", [1], np.int64),
    weight("pads", [0, 1, 0, -1], np.int64),
    weight("starts", [0], np.int64),
    weight("ends", [4], np.int64),
    weight("head", ramp(4, 2)),
    weight("least", 1.1754943508222875e-38),
]
voxels = helper.make_tensor_value_info("voxels", TensorProto.FLOAT, ["cases", 1, "rows", "columns"])
logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["cases", 2])
graph = helper.make_graph(nodes, "every", [voxels], [logits], weights)
model = helper.make_model(
    graph, ir_version=IR_VERSION, opset_imports=[helper.make_opsetid("", OPSET)],
    producer_name="golden", producer_version="1", doc_string="Every operator once.",
)  # fmt: skip
helper.set_model_props(model, {"first": "one", "second": "{}"})
onnx.checker.check_model(model, full_check=True)
Path(__file__).with_name("every.onnx").write_bytes(model.SerializeToString(deterministic=True))
