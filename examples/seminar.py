"""Five ways to train one small convolutional net, compared over paired seeds.

The net has two convolutions and a head 196-128-128-10. The arms differ in the head only: plain,
dropout after each hidden layer, DropConnect in place of every linear map, BatchNorm and LayerNorm
before each ReLU. All hidden layers have the same width, and every arm has the same learning rate.

    python examples/seminar.py                         # MNIST, 10 seeds, 5 epochs
    python examples/seminar.py --epochs 20 -o seminar.html
    python examples/seminar.py --data digits --fast    # seconds

Each run is kept in `--store` as soon as it is finished: the same command goes on from there.
"""

from __future__ import annotations

import argparse
from functools import partial

from torch import nn
from torch.optim import Adam

import torchclinic as tc
from torchclinic.nn.nets import TestNetwork

LR, BATCH, SEEDS = 1e-3, 128, 10
SIZES = {"mnist": 28, "fashion-mnist": 28, "digits": 8}  # pixels of each side
EPOCHS = {"mnist": 5, "fashion-mnist": 5, "digits": 40}
FAST_SEEDS, FAST_SHARE = 8, 5  # with fewer than 8 seeds four comparisons can show nothing

ARMS = {
    "baseline": {},
    "dropout 0.3": {"model.dropout": 0.3},
    "DropConnect 0.2": {"model.drop_connect": 0.2},
    "BatchNorm": {"model.norm": "batch"},
    "LayerNorm": {"model.norm": "layer"},
}


def base(data: str, epochs: int) -> tc.Recipe:
    return tc.Recipe(
        name="TestNetwork",
        model=partial(TestNetwork, size=SIZES[data]),
        data=tc.data.load_named(data),
        loss=nn.NLLLoss(),
        optimizer=partial(Adam, lr=LR),
        batch_size=BATCH,
        epochs=epochs,
        metric="accuracy",
    )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", choices=SIZES, default="mnist")
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--fast", action="store_true", help="a fifth of the epochs, 8 seeds")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--store", help="folder that keeps each run")
    parser.add_argument("-o", "--output", help="HTML report")
    parser.add_argument("--markdown", action="store_true", help="print the table for a document")
    return parser.parse_args()


def main() -> None:
    asked = arguments()
    epochs = asked.epochs or EPOCHS[asked.data] // (FAST_SHARE if asked.fast else 1)
    seeds = asked.seeds or (FAST_SEEDS if asked.fast else SEEDS)
    study = tc.compare(
        tc.variants(base(asked.data, epochs), ARMS),
        seeds=seeds,
        engine=asked.engine,
        store=asked.store,
        name=f"Seminar: {asked.data}, {epochs} epochs",
        progress=True,
    )
    print(study)
    if asked.markdown:
        print()
        print(study.table().markdown())
    if asked.output:
        study.report(asked.output)


if __name__ == "__main__":
    main()
