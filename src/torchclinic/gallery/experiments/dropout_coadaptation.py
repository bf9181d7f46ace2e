"""Co-adaptation: the filters of an autoencoder with and without dropout.

:number: 9
:question: Does dropout make hidden units useful on their own, and do L1 and L2 not?
:source: lecture 000 and 002, "The fight against co-adaptation"
:minutes: 6.6

Units that are trained together may lean on each other: some do the work, others mend their errors.
The lecture says that L1 and L2 cannot prevent this and dropout can, and shows the filters of an
autoencoder with 256 ReLUs after Srivastava et al. 2014: without dropout a disordered pattern, with
dropout of 0.5 strokes, edges and spots.

Leaning on each other is measured by taking units away: the reconstruction error when a random half
of the hidden units is removed and the rest is doubled. Order in a filter is its spatial
autocorrelation (Moran's I): 1 for a smooth picture, 0 for noise. Units that are silent on every
test image keep the noise of their start and draw nothing; they are left out.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Adam

import torchclinic as tc
from torchclinic.gallery import Claim, Outcome, Picture, Settings, judge
from torchclinic.gallery.arms import train_arms
from torchclinic.gallery.data import epochs, images, pixels
from torchclinic.gallery.style import COLOURS, DIVERGING, band, figure, label_ends, title_panel
from torchclinic.nn.nets import Autoencoder

LECTURE = "000, The fight against co-adaptation"
UNITS, DRAWS = 256, 20
ROWS = 1000  # of the test images, on which units are taken away
SHARES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9)
ARMS: dict[str, tuple[float, tuple[tc.Penalty, ...]]] = {
    "no regularisation": (0.0, ()),
    "L1": (0.0, (tc.Penalty("l1", 1e-5),)),
    "L2": (0.0, (tc.Penalty("l2", 1e-4),)),
    "strong L2": (0.0, (tc.Penalty("l2", 1e-3),)),
    "dropout": (0.5, ()),
}
SHADES: dict[str, str] = dict(
    zip(ARMS, ("vermilion", "ochre", "green", "purple", "blue"), strict=True)
)


def grey_values(settings: Settings) -> tc.Splits:
    """Images with values from 0 to 1, as inputs and as targets."""
    found = images(settings)
    low, high = found.train[0].min(), found.train[0].max()
    train, test = ((part[0] - low) / (high - low) for part in (found.train, found.test))
    return tc.Splits(train=(train, train), test=(test, test), name=found.name)


def recipe(settings: Settings, arm: str) -> tc.Recipe:
    """The autoencoder of an arm."""
    p, penalties = ARMS[arm]
    return tc.Recipe(
        model=partial(Autoencoder, pixels(settings), UNITS, dropout=p),
        data=grey_values(settings),
        loss=nn.MSELoss(),
        optimizer=partial(Adam, lr=1e-3),
        penalties=penalties,
        batch_size=32,
        epochs=epochs(settings, mnist=8, digits=100),
    )


def error_without(model: Autoencoder, inputs: Tensor, share: float) -> float:
    """Mean squared error when a share of the code's units is removed, mean over random choices."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        code = model.encode(inputs)
        found = []
        for _ in range(DRAWS if share else 1):
            kept = (torch.rand(UNITS, generator=generator) >= share).float()
            thinned = model.decode(code * kept / (1 - share))
            found.append(float((thinned - inputs.flatten(1)).square().mean()))
    return float(np.mean(found))


def autocorrelation(filters: Tensor) -> Tensor:
    """Moran's I of square filters: how alike neighbouring pixels are.

    **Shape**: (units, side * side) -> (units,).

    >>> step = torch.tensor([[0.0, 0.0, 1.0, 1.0]] * 4).reshape(1, 16)
    >>> round(autocorrelation(step).item(), 2)
    0.67
    """
    side = round(filters.shape[1] ** 0.5)
    z = filters.reshape(-1, side, side)
    z = z - z.mean((1, 2), keepdim=True)
    products = (z[:, 1:] * z[:, :-1]).sum((1, 2)) + (z[:, :, 1:] * z[:, :, :-1]).sum((1, 2))
    return products / (2 * side * (side - 1)) / z.square().mean((1, 2)).clamp(min=1e-12)


def run(settings: Settings) -> Outcome:
    """Train the autoencoders, take their units away, look at their filters."""
    test = grey_values(settings).test[0][:ROWS]
    errors: dict[str, list[list[float]]] = {arm: [] for arm in ARMS}
    order: dict[str, list[tuple[float, float]]] = {arm: [] for arm in ARMS}
    shown: dict[str, Tensor] = {}
    arms = {arm: recipe(settings, arm) for arm in ARMS}
    found = train_arms(arms, settings, what="autoencoders", end=0.9, keep_models=True)
    for arm, trained in found.items():
        for model in trained.models:
            errors[arm].append([error_without(model, test, share) for share in SHARES])
            active = activity(model, test) > 0
            into, out_of = model.filters.detach()[active], _decoder(model)[active]
            order[arm].append(tuple(float(autocorrelation(f).mean()) for f in (into, out_of)))  # pyright: ignore[reportArgumentType]
            shown[arm] = _drawn(model, test)
    table = {arm: np.array(rows) for arm, rows in errors.items()}
    moran = {arm: np.array(rows) for arm, rows in order.items()}
    return Outcome(
        claims=_claims(table, moran),
        numbers={
            **{
                f"error without {share:.0%} of the units/{arm}": float(value)
                for arm, rows in table.items()
                for share, value in zip(SHARES, rows.mean(axis=0), strict=True)
            },
            **{f"Moran's I, encoder/{arm}": float(v[:, 0].mean()) for arm, v in moran.items()},
            **{f"Moran's I, decoder/{arm}": float(v[:, 1].mean()) for arm, v in moran.items()},
        },
        pictures=(_filters(shown, moran), _removal(table)),
    )


def activity(model: Autoencoder, inputs: Tensor) -> Tensor:
    """Root mean square of what each unit of the code says: (units,)."""
    with torch.no_grad():
        return model.encode(inputs).square().mean(0).sqrt()


def _drawn(model: Autoencoder, inputs: Tensor) -> Tensor:
    """What each unit draws, as strongly as it does on these images: (units, pixels)."""
    return _decoder(model) * activity(model, inputs)[:, None]


def _decoder(model: Autoencoder) -> Tensor:
    """What each unit of the code adds to the picture: (units, pixels)."""
    return model.decoder[0].get_parameter("weight").detach().T


def _claims(errors: dict[str, np.ndarray], moran: dict[str, np.ndarray]) -> tuple[Claim, ...]:
    half = SHARES.index(0.5)
    plain, dropout = errors["no regularisation"], errors["dropout"]
    penalised = np.min([errors[arm][:, half] for arm in ("L1", "L2", "strong L2")], axis=0)
    return (
        judge(
            "Units that are trained together adapt to each other and fail without the others.",
            source=LECTURE,
            measure="error without half of the units over that with all of them",
            values=plain[:, half] / plain[:, 0],
            above=10.0,
        ),
        judge(
            "Dropout fights this well.",
            source=LECTURE,
            measure="error without half of the units: no regularisation over dropout",
            values=plain[:, half] / dropout[:, half],
            above=2.0,
        ),
        judge(
            "L1 and L2 cannot prevent it.",
            source=LECTURE,
            measure="error without half of the units: the best of L1 and L2 over dropout",
            values=penalised / dropout[:, half],
            above=1.0,
            reason="They do lower it, by spreading the work over many small weights, but less.",
        ),
        judge(
            "With dropout the filters are ordered: strokes, edges, spots (what units draw).",
            source=LECTURE,
            measure="Moran's I of the decoder's filters: dropout minus no regularisation",
            values=moran["dropout"][:, 1] - moran["no regularisation"][:, 1],
            above=0.1,
        ),
        judge(
            "With dropout the filters are ordered: strokes, edges, spots (what units look for).",
            source=LECTURE,
            measure="Moran's I of the encoder's filters: dropout minus no regularisation",
            values=moran["dropout"][:, 0] - moran["no regularisation"][:, 0],
            above=0.1,
            if_refuted="Where pixels hardly vary, an encoder's weights keep the noise of their "
            "random start.",
        ),
    )


def _filters(shown: dict[str, Tensor], moran: dict[str, np.ndarray]) -> Picture:
    arms = ("no regularisation", "dropout")
    plain, ordered = (moran[arm][:, 1].mean() for arm in arms)
    drawn, axes = figure(
        f"Units that cannot count on each other draw strokes and spots: Moran's I {ordered:.2f} "
        f"instead of {plain:.2f}",
        "What each of the 100 of 256 hidden units that draw most adds to the picture (columns of "
        "the decoder), each on its own scale.",
        columns=2,
        height=5.0,
    )
    for panel, arm in zip(axes[0], arms, strict=True):
        panel.imshow(_tiles(shown[arm]), cmap=DIVERGING, vmin=-1, vmax=1)
        panel.set_axis_off()
        panel.set_title(arm)
    return Picture("filters", drawn, "Decoder filters without and with dropout.")


def _tiles(filters: Tensor, side: int = 10) -> np.ndarray:
    """The strongest filters as one picture of side x side tiles."""
    strongest = filters[filters.norm(dim=1).argsort(descending=True)[: side * side]]
    width = round(filters.shape[1] ** 0.5)
    page = np.full((side * (width + 1) - 1,) * 2, np.nan)
    for place, tile in enumerate(strongest):
        row, column = divmod(place, side)
        top, left = row * (width + 1), column * (width + 1)
        scaled = tile.reshape(width, width) / tile.abs().max().clamp(min=1e-12)
        page[top : top + width, left : left + width] = scaled.numpy()
    return page


def _removal(errors: dict[str, np.ndarray]) -> Picture:
    half = SHARES.index(0.5)
    ratio = errors["no regularisation"][:, half].mean() / errors["dropout"][:, half].mean()
    drawn, axes = figure(
        f"Without half of its units the plain autoencoder errs {ratio:.0f} times as much as the "
        "one trained with dropout",
        "Reconstruction error on test images when random units are removed and the rest is scaled "
        "up; band: lowest to highest seed.",
    )
    panel = axes[0, 0]
    panel.set_yscale("log")
    for arm, shade in SHADES.items():
        band(panel, SHARES, errors[arm], label=arm, color=COLOURS[shade], marker="o", ms=4)
    title_panel(panel, "", x="share of the hidden units removed", y="mean squared error")
    label_ends(panel)
    return Picture("removal", drawn, "Reconstruction error by share of removed units.")
