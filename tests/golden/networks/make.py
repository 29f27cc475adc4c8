"""Golden values of torchvision's networks: `python make.py` writes torchvision.json and names.json beside it.

Weights and images are too large to keep, so that both sides compute them: value `i` of the tensor
named `name` is drawn from SplitMix64 seeded with the FNV-1a hash of the name. See ORIGIN.md.
"""

import json
from pathlib import Path

import numpy as np
import torch
import torchvision

CLASSES, BATCH, SIDE = 3, 4, 64
LABELS = [0, 1, 2, 1]
NAMES = ["resnet18", "resnet34", "resnet50", "densenet121", "densenet169"]


def uniform(name, count):
    """`count` numbers in [0, 1) that the name alone decides."""
    seed = 0xCBF29CE484222325
    for byte in name.encode():
        seed = ((seed ^ byte) * 0x100000001B3) % 2**64
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(11)).astype(np.float64) / 2.0**53


def values(name, shape):
    """The values of a tensor: weights of zero mean and He's variance, statistics near 0 and 1."""
    unit = uniform(name, int(np.prod(shape)))
    if len(shape) > 1 and name != "images":
        drawn = (2.0 * unit - 1.0) * np.sqrt(6.0 / np.prod(shape[1:]))
    elif name.endswith("running_var") or name.endswith("weight"):
        drawn = (0.75 + 0.5 * unit) * (0.25 if name.endswith("bn3.weight") else 1.0)
    else:
        drawn = (2.0 * unit - 1.0) * (1.0 if name == "images" else 0.1)
    return torch.from_numpy(drawn.astype(np.float32).reshape(shape))


def golden(name, shapes):
    network = getattr(torchvision.models, name)(weights=None, num_classes=CLASSES)
    state = network.state_dict()
    network.load_state_dict(
        {key: old if key.endswith("tracked") else values(key, tuple(old.shape)) for key, old in state.items()}
    )
    network.double()
    images = values("images", (BATCH, 3, SIDE, SIDE)).double()
    with torch.no_grad():
        logits = network.eval()(images)
    network.train()
    loss = torch.nn.functional.cross_entropy(network(images), torch.tensor(LABELS))
    loss.backward()
    shapes[name] = [(key, list(old.shape)) for key, old in state.items() if not key.endswith("tracked")]
    squares = sum(float((parameter.grad**2).sum()) for parameter in network.parameters())
    return {
        "architecture": name,
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "logits": logits.flatten().tolist(),
        "loss": float(loss.detach()),
        "gradient_norm": squares**0.5,
    }


if __name__ == "__main__":
    torch.manual_seed(0)
    shapes = {}
    rows = [golden(name, shapes) for name in NAMES]
    Path(__file__).with_name("names.json").write_text(json.dumps(shapes, separators=(",", ":")) + "\n")
    Path(__file__).with_name("torchvision.json").write_text(json.dumps(rows, indent=1) + "\n")
    print(torch.__version__, torchvision.__version__)
