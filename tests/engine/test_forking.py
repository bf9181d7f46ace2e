import pytest
import torch
from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset

from engine.recipes import points, recipe
from torchclinic.core import Splits
from torchclinic.engine import forking
from torchclinic.engine.cores import _quota, available_cores
from torchclinic.engine.forking import why_not_forked

X, Y = points()


class FileDataset(Dataset):
    def __getitem__(self, index):
        return X[index], Y[index]

    def __len__(self):
        return len(X)


@pytest.mark.parametrize(
    "data",
    [
        (X, Y),
        {"x": X, "y": Y},
        [(X, Y)],
        TensorDataset(X, Y),
        Subset(TensorDataset(X, Y), [0, 1]),
        DataLoader(TensorDataset(X, Y)),
        Splits(train=(X, Y), validation=TensorDataset(X, Y), test=None),
    ],
    ids=lambda data: type(data).__name__,
)
def test_data_in_memory_may_be_forked(data, monkeypatch):
    monkeypatch.setattr(forking.sys, "platform", "linux")
    assert why_not_forked([recipe(data=data)]) == ""


@pytest.mark.parametrize(
    "data",
    [
        FileDataset(),
        DataLoader(FileDataset()),
        DataLoader(TensorDataset(X, Y), num_workers=1),
        ((X, Y) for _ in range(3)),
        Splits(train=(X, Y), validation=FileDataset()),
    ],
    ids=lambda data: type(data).__name__,
)
def test_data_that_may_read_files_may_not(data, monkeypatch):
    monkeypatch.setattr(forking.sys, "platform", "linux")
    assert "may read a file" in why_not_forked([recipe(), recipe(data=data)])


def test_other_machines_may_not(monkeypatch):
    monkeypatch.setattr(forking.sys, "platform", "darwin")
    assert "darwin" in why_not_forked([recipe()])
    monkeypatch.setattr(forking.sys, "platform", "linux")
    assert "cuda" in why_not_forked([recipe(device="cuda")])
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    assert "CUDA" in why_not_forked([recipe()])


@pytest.mark.parametrize(
    ("text", "cores"),
    [("200000 100000\n", 2), ("50000 100000", 1), ("max 100000", None), ("", None)],
)
def test_quota_of_a_container(tmp_path, text, cores):
    path = tmp_path / "cpu.max"
    path.write_text(text)
    assert _quota(path) == cores
    assert _quota(tmp_path / "missing") is None


def test_there_is_a_core():
    assert available_cores() >= 1
