import importlib.util
import json
import pickle
import sys
import threading

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from engine.recipes import points, recipe, with_step
from torchclinic.core import RecipeError, Splits
from torchclinic.engine.ray import cluster as cluster_module
from torchclinic.engine.ray.cluster import import_ray
from torchclinic.engine.ray.modules import importable, traveling
from torchclinic.engine.ray.shipping import packed, unpacked
from torchclinic.training import train

pack = import_ray().cloudpickle.dumps


def shipped(one):
    shipment = packed({"a": one}, pack)
    return unpacked(shipment.recipes["a"], shipment.data[shipment.keys["a"]], pickle.loads)


class FileRows(Dataset):
    def __init__(self, path):
        self.file = path.open("rb")

    def __len__(self):
        return 3


LOCK = threading.Lock()
REFUSED = {
    "step": with_step(lambda model, batch: model(batch[0]).sum() if LOCK else None),
    "data.train": recipe(data=[LOCK]),
    "data.validation": recipe(data=Splits(points(), (row for row in [points()]))),
    "data.meta": recipe(data=Splits(points(), meta={"lock": LOCK})),
    "metric": recipe(metric=lambda out, target: float(LOCK.locked())),
}


@pytest.mark.parametrize("field", REFUSED)
def test_what_cannot_be_shipped_is_named(field):
    with pytest.raises(
        RecipeError, match=rf"^{field} of the arm 'lstm' cannot be shipped"
    ) as caught:
        packed({"fine": recipe(), "lstm": REFUSED[field]}, pack)
    assert "cannot pickle" in caught.value.message
    assert caught.value.hint


def test_a_loader_with_an_open_file_is_told_where_to_open_it(tmp_path):
    path = tmp_path / "rows.bin"
    path.write_bytes(b"123")
    rows = FileRows(path)
    with pytest.raises(
        RecipeError, match=r"data\.train of the arm 'a'.*BufferedReader.*__getitem__"
    ):
        packed({"a": recipe(data=DataLoader(rows))}, pack)
    rows.file.close()


def test_a_shipped_recipe_trains_to_the_same_bits():
    x, y = points()
    generator = torch.Generator().manual_seed(5)
    rows = torch.utils.data.TensorDataset(x, y)
    loader = DataLoader(rows, 8, shuffle=True, generator=generator)
    for one in (
        recipe(),
        recipe(data=loader),
        recipe(data=Splits((x, y), (x[:9], y[:9]), name="n")),
    ):
        here, there = train(one, 3).history, train(shipped(one), 3).history
        assert (here.losses, here.evaluations) == (there.losses, there.evaluations)


def test_shared_data_is_packed_once():
    data = Splits(points(), points())
    arms = {"a": recipe(data=data), "b": recipe(data=data, steps=3), "c": recipe()}
    shipment = packed(arms, pack)
    assert shipment.keys["a"] == shipment.keys["b"] != shipment.keys["c"]
    assert len(shipment.data) == 2
    assert shipment.size == sum(map(len, [*shipment.recipes.values(), *shipment.data.values()]))


def test_everything_but_the_data_is_kept():
    one = recipe(data=Splits(points(), name="n", meta={"classes": 2}), clip_norm=2.0, name="r")
    copy = shipped(one)
    assert (copy.splits.name, copy.splits.meta, copy.name) == ("n", {"classes": 2}, "r")
    assert (copy.clip_norm, copy.steps, copy.batch_size) == (2.0, 12, 8)
    assert isinstance(copy.loss, nn.MSELoss)


def test_each_unpacking_makes_data_of_its_own():
    shipment = packed({"a": recipe()}, pack)
    one, two = (
        unpacked(shipment.recipes["a"], shipment.data[shipment.keys["a"]], pickle.loads)
        for _ in range(2)
    )
    one.splits.train[0].zero_()
    assert torch.equal(two.splits.train[0], points()[0])


@pytest.fixture
def script(tmp_path):
    """A module loaded by its path, as the command line does with a user's file."""
    path = tmp_path / "a_script.py"
    path.write_text("def answer():\n    return 42\n", "utf-8")
    spec = importlib.util.spec_from_file_location("a_script", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["a_script"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["a_script"]


def test_code_of_a_script_travels_with_the_recipe(script, tmp_path, monkeypatch):
    cloudpickle = import_ray().cloudpickle
    assert not importable("a_script", script)
    with traveling(cloudpickle, same_machine=True):
        assert len(cloudpickle.dumps(script.answer)) > 200
    assert cloudpickle.list_registry_pickle_by_value() == set()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert importable("a_script", script)
    with traveling(cloudpickle, same_machine=True):
        assert len(cloudpickle.dumps(script.answer)) < 100
    with traveling(cloudpickle, same_machine=False):
        assert len(cloudpickle.dumps(script.answer)) > 200


def test_installed_code_never_travels():
    cloudpickle = import_ray().cloudpickle
    with traveling(cloudpickle, same_machine=False):
        known = cloudpickle.list_registry_pickle_by_value()
        assert len(cloudpickle.dumps(json.dumps)) < 100
        assert len(cloudpickle.dumps(train)) < 100
    assert not any(name.split(".")[0] in ("torchclinic", "torch", "json") for name in known)


def test_without_ray_the_extra_is_named(monkeypatch):
    from torchclinic.core import UsageError
    from torchclinic.engine import run_arms

    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r'pip install "torchclinic\[ray\]"'):
        run_arms({"a": recipe()}, [0], engine="ray")
    assert cluster_module.import_ray is import_ray
