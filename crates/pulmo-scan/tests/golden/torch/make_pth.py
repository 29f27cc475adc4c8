"""Small files of PyTorch: `python make_pth.py` writes them beside it. See ORIGIN.md."""

from collections import OrderedDict
from pathlib import Path

import torch

here = Path(__file__).parent
counting = torch.arange(24, dtype=torch.float32) / 8 - 1
weights = OrderedDict(
    plain=counting.reshape(2, 3, 4).clone(),
    turned=counting.reshape(4, 6).clone().t(),
    part=counting[5:9],
    rest=counting[9:],
    channels_last=counting.reshape(1, 4, 2, 3).clone().to(memory_format=torch.channels_last),
    double=counting[:4].double().clone(),
    half=counting[:4].half().clone(),
    bfloat=counting[:4].bfloat16().clone(),
    scalar=torch.tensor(0.5),
    num_batches_tracked=torch.tensor(7),
    parameter=torch.nn.Parameter(counting[:2].clone()),
)
if __name__ == "__main__":
    torch.save(weights, here / "archive.pth")
    torch.save({"epoch": 3, "lr": 0.1, "state_dict": weights, "names": ["a", "b"]}, here / "nested.pth")
    torch.save(weights, here / "stream.pth", _use_new_zipfile_serialization=False)
    torch.save(torch.nn.Linear(2, 1), here / "object.pth")
    norm = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    torch.save(norm.state_dict(), here / "module.pth")
    print(torch.__version__)
