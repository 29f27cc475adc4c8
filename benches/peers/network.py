"""A bundle's network in PyTorch: the structure from network.json, the weights from weights.safetensors.

Nothing of pulmo's is used, so equal logits say that pulmo's forward pass is the network that its files describe.
"""

import json
import logging
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional


def convolution(channels, side, stride):
    return nn.Conv2d(*channels, side, stride, padding=side // 2, bias=False)


class Block(nn.Module):
    def __init__(self, channels, stride):
        super().__init__()
        width = channels[1]
        self.conv1, self.norm1 = convolution(channels, 3, stride), nn.BatchNorm2d(width)
        self.conv2, self.norm2 = convolution((width, width), 3, 1), nn.BatchNorm2d(width)
        if stride != 1 or channels[0] != width:
            self.shortcut, self.shortcut_norm = convolution(channels, 1, stride), nn.BatchNorm2d(width)

    def forward(self, maps):
        around = self.shortcut_norm(self.shortcut(maps)) if hasattr(self, "shortcut") else maps
        maps = functional.relu(self.norm1(self.conv1(maps)))
        return functional.relu(self.norm2(self.conv2(maps)) + around)


class Encoder(nn.Module):
    """Images `[batch, channels, height, width]` to vectors `[batch, features]`."""

    def __init__(self, config, channels):
        super().__init__()
        widths = config["widths"]
        self.pool, self.pooling = config.get("stem_pool", False), config.get("pooling", "average")
        self.stem = convolution((channels, widths[0]), config.get("stem_kernel", 3), config.get("stem_stride", 2))
        self.stem_norm = nn.BatchNorm2d(widths[0])
        self.blocks, before = nn.ModuleList(), widths[0]
        for stage, (width, depth) in enumerate(zip(widths, config["depths"])):
            for block in range(depth):
                self.blocks.append(Block((before, width), 2 if stage > 0 and block == 0 else 1))
                before = width

    def forward(self, images):
        maps = functional.relu(self.stem_norm(self.stem(images)))
        if self.pool:
            maps = functional.max_pool2d(maps, 3, 2, 1)
        for block in self.blocks:
            maps = block(maps)
        mean, highest = maps.mean((2, 3)), maps.amax((2, 3))
        return {"average": mean, "max": highest, "average_max": torch.cat([mean, highest], 1)}[self.pooling]


def resnet(config, channels):
    """torchvision's network without its head: the parts and names that pulmo's have too."""
    import torchvision

    if config.get("pooling", "average") != "average":
        raise SystemExit("of torchvision's networks only those that average are compared")
    encoder = getattr(torchvision.models, config["architecture"])(weights=None)
    if channels != 3:
        encoder.conv1 = nn.Conv2d(channels, 64, 7, 2, 3, bias=False)
    encoder.fc = nn.Identity()
    return encoder


class Network(nn.Module):
    """Images to logits: one row an image (kind `slice`) or one row for all of them, a study (`mil`)."""

    def __init__(self, config, weights):
        super().__init__()
        self.is_study, self.neighbours = config["kind"] == "mil", config.get("neighbours", 0)
        self.channels = 2 * self.neighbours + 1
        build = resnet if "architecture" in config["encoder"] else Encoder
        self.encoder = build(config["encoder"], self.channels)
        loose = {name: value for name, value in weights.items() if not name.startswith("encoder.")}
        for name, value in loose.items():
            self.register_parameter(name.replace(".", "_"), nn.Parameter(value))
        norms = {"gamma": "weight", "beta": "bias"}
        named = {}
        for name, value in weights.items():
            if name.startswith("encoder."):
                path, _, leaf = name.removeprefix("encoder.").rpartition(".")
                named[f"{path}.{norms.get(leaf, leaf)}"] = value
        missing, unused = self.encoder.load_state_dict(named, strict=False)
        missing = [name for name in missing if not name.endswith("num_batches_tracked")]
        if missing or unused:
            raise SystemExit(f"the weights do not fit network.json: missing {missing}, unused {unused}")

    def forward(self, images):
        features = self.encoder(images)
        if self.is_study:
            features = self.pooled(features)
        return features @ self.head + self.head_bias

    def pooled(self, features):
        """Gated attention over the slices of a study (arXiv:1802.04712, equation 9), and their maximum."""
        content = torch.tanh(features @ self.attention_content + self.attention_content_bias)
        gate = torch.sigmoid(features @ self.attention_gate + self.attention_gate_bias)
        weights = torch.softmax((content * gate) @ self.attention_score, 0)
        mean = (features * weights).sum(0, keepdim=True)
        if self.head.shape[0] == features.shape[1]:
            return mean
        return torch.cat([mean, features.amax(0, keepdim=True)], 1)


def open_network(bundle):
    """The network of a bundle's folder, for inference."""
    config = json.loads((Path(bundle) / "network.json").read_text(encoding="utf-8"))
    return Network(config, load_file(Path(bundle) / "weights.safetensors")).eval()


def with_neighbours(volume, neighbours):
    """A volume `[slices, rows, columns]` as images with their neighbours as channels, the outermost repeated."""
    shifts = range(-neighbours, neighbours + 1)
    places = np.arange(len(volume))[:, None] + np.array(shifts)
    return np.ascontiguousarray(volume[places.clip(0, len(volume) - 1)], np.float32)


def onnx_session(network, images, path, threads):
    """The network in onnxruntime, for batches of any number of images."""
    import onnxruntime

    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    batch = {"images": {0: torch.export.Dim("batch", min=1, max=4096)}}
    torch.onnx.export(
        network, (torch.from_numpy(images),), str(path), input_names=["images"], output_names=["logits"],
        dynamo=True, dynamic_shapes=batch, verbose=False,
    )  # fmt: skip
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    providers = [p for p in onnxruntime.get_available_providers() if p in ("CUDAExecutionProvider",)]
    return onnxruntime.InferenceSession(str(path), options, providers=providers + ["CPUExecutionProvider"])
