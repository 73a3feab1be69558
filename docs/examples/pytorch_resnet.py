"""A residual network for FER-2013 in plain PyTorch, logged for Emoscope's pages by three lines.

    python docs/examples/pytorch_resnet.py DATA    # the folder that holds fer2013.csv, plain or compressed

Needs PyTorch and pandas; a GPU is used where there is one. The run that ships as ``artifacts/PyTorch-ResNet`` is what
this script wrote.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import emoscope

CLASSES = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]


def read(data: Path) -> dict[str, tuple[Tensor, Tensor]]:
    """Return images, float32, shape (N, 1, 48, 48), about -2..2, and labels of each split."""
    table = pandas.read_csv(next(iter(sorted(data.glob("fer2013.csv*")))))
    pixels = np.stack([np.fromstring(text, np.uint8, sep=" ") for text in table["pixels"]]).reshape(-1, 1, 48, 48)
    images = (torch.from_numpy(pixels).float() - 128) / 64
    labels = torch.tensor(table["emotion"].to_numpy())
    return {name: (images[rows], labels[rows]) for name, rows in table.groupby("Usage").indices.items()}


class Block(nn.Module):
    """Two convolutions with what went in added to what comes out."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.skip = nn.Conv2d(inputs, outputs, 1, stride) if stride > 1 or inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Return the features of the next layer, shape (B, outputs, H / stride, W / stride)."""
        return torch.relu(self.body(x) + self.skip(x))


def network() -> nn.Module:
    """Return the network: 48x48 gray in, seven scores out."""
    stages = [(32, 64, 2), (64, 128, 2), (128, 256, 2)]
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(),
        *(Block(*stage) for stage in stages),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.4), nn.Linear(256, len(CLASSES)),
    )  # fmt: skip


def augmented(images: Tensor) -> Tensor:
    """Return each batch mirrored by chance, and moved by up to four pixels."""
    if torch.rand(()) < 0.5:
        images = images.flip(-1)
    down, right = torch.randint(0, 9, (2,)).tolist()
    padded = nn.functional.pad(images, (4, 4, 4, 4), mode="replicate")
    return padded[..., down : down + 48, right : right + 48]


@torch.no_grad()
def probabilities(model: nn.Module, images: Tensor) -> Tensor:
    """Return the mean of the network's probabilities for an image and its mirror image, shape (N, 7)."""
    model.eval()
    with torch.autocast(images.device.type, torch.bfloat16):
        scores = [(model(part), model(part.flip(-1))) for part in images.split(256)]
    return torch.cat([(one.float().softmax(1) + other.float().softmax(1)) / 2 for one, other in scores]).cpu()


def main() -> None:
    """Train, and log epochs and predictions."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--name", default="PyTorch ResNet")
    options = parser.parse_args()

    torch.manual_seed(0)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    splits = {name: (images.to(device), labels.to(device)) for name, (images, labels) in read(options.data).items()}
    images, labels = splits["Training"]
    batch, rate = 128, 0.1
    steps = -(-len(images) // batch)
    model = network().to(device, memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), rate, momentum=0.9, weight_decay=5e-4, nesterov=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, options.epochs * steps)
    config = {"framework": f"PyTorch {torch.__version__}", "batch_size": batch, "optimizer": "SGD", "max_lr": rate}

    log = emoscope.RunLogger(options.name, config=config, class_names=CLASSES)
    for epoch in range(options.epochs):
        model.train()
        losses, right = [], 0
        for rows in torch.randperm(len(images), device=device).split(batch):
            with torch.autocast(device, torch.bfloat16):
                scores = model(augmented(images[rows]))
                loss = cross_entropy(scores, labels[rows], label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(float(loss.detach()))
            right += int((scores.argmax(1) == labels[rows]).sum())
        found = probabilities(model, splits["PublicTest"][0])
        truth = splits["PublicTest"][1].cpu()
        measured = {
            "loss": sum(losses) / len(losses),
            "accuracy": right / len(images),
            "val_loss": float(nn.functional.nll_loss(found.clamp_min(1e-7).log(), truth)),
            "val_accuracy": float((found.argmax(1) == truth).float().mean()),
            "learning_rate": schedule.get_last_lr()[0],
        }
        log.epoch(**measured)
        print(f"epoch {epoch + 1}: " + ", ".join(f"{name} {value:.4g}" for name, value in measured.items()))
    for split in ("PublicTest", "PrivateTest"):
        log.predictions(splits[split][1].cpu(), probabilities(model, splits[split][0]), split=split)


if __name__ == "__main__":
    main()
