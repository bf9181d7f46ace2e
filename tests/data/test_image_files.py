import gzip
import hashlib
import http.server
import importlib
import struct
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from torchclinic.core import DataError, OutputError
from torchclinic.data import fashion_mnist, mnist, read_idx
from torchclinic.data.download import download
from torchclinic.data.idx import parse_idx

module = importlib.import_module("torchclinic.data.mnist")


def idx_bytes(array):
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(np.uint8).tobytes()


def contents(seed=0, rows=12):
    rng = np.random.default_rng(seed)
    found = {}
    for part, count in (("train", rows), ("t10k", rows // 2)):
        found[f"{part}-images-idx3-ubyte"] = idx_bytes(rng.integers(0, 256, (count, 28, 28)))
        found[f"{part}-labels-idx1-ubyte"] = idx_bytes(np.arange(count) % 10)
    return found


def fill(folder, *, packed=True, **options):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents(**options).items():
        path = folder / (f"{name}.gz" if packed else name)
        path.write_bytes(gzip.compress(content) if packed else content)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCHCLINIC_DATA", str(tmp_path / "data"))
    return tmp_path


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("where", ["data/mnist", "data", "cache/torchclinic/mnist"])
def test_files_are_found_in_each_place(home, where, packed):
    fill(home / where, packed=packed)
    splits = mnist(download=False)
    x, y = splits.train
    assert x.shape == (12, 1, 28, 28)
    assert x.dtype == torch.float32
    assert y.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    assert splits.test[0].shape == (6, 1, 28, 28)


def test_grey_values_are_scaled_as_asked(home):
    fill(home / "data/mnist")
    raw = parse_idx(contents()["train-images-idx3-ubyte"], "images").astype(np.float32)
    plain = mnist(normalize=False, image=False).train[0]
    assert np.allclose(plain.numpy(), raw.reshape(12, 784) / 255, atol=1e-6)
    assert np.allclose(mnist().train[0].squeeze(1).numpy(), raw / 127.5 - 1, atol=1e-5)


def test_a_folder_of_ones_own_comes_before_the_cache(home):
    fill(home / "data/fashion-mnist", rows=20)
    fill(home / "cache/torchclinic/fashion-mnist", rows=30)
    assert len(fashion_mnist().train[1]) == 20


def test_mnist_in_a_flat_folder_is_not_taken_for_fashion(home, monkeypatch):
    fill(home / "data")
    digest = hashlib.sha256(contents()["train-labels-idx1-ubyte"]).hexdigest()
    monkeypatch.setitem(module.LABEL_DIGESTS, digest, "mnist")
    assert len(mnist(download=False).train[1]) == 12
    with pytest.raises(DataError, match="fashion-mnist is in none"):
        fashion_mnist(download=False)


def test_nowhere_names_the_folders_the_files_and_the_way_out(home):
    with pytest.raises(DataError) as caught:
        mnist(download=False)
    text = str(caught.value)
    for words in (
        str(home / "data" / "mnist"),
        str(home / "cache" / "torchclinic" / "mnist"),
        "train-images-idx3-ubyte.gz",
        "t10k-labels-idx1-ubyte.gz",
        "TORCHCLINIC_DATA",
    ):
        assert words in text


def test_no_network_says_the_same_and_what_the_mirrors_answered(monkeypatch):
    nobody = "http://127.0.0.1:9/"
    monkeypatch.setattr(module, "MNIST", replace(module.MNIST, mirrors=(nobody,)))
    with pytest.raises(
        DataError, match=r"in none of the folders .*127\.0\.0\.1:9.*put train-images"
    ):
        mnist()


@pytest.fixture
def mirror(tmp_path):
    folder = tmp_path / "mirror"
    fill(folder)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, directory=str(folder), **kwargs)

        def log_message(self, format, *args):  # noqa: A002
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


def digests(folder):
    return {
        name: hashlib.sha256((folder / f"{name}.gz").read_bytes()).hexdigest()
        for name in module.FILES
    }


def test_a_download_is_checked_kept_and_not_repeated(home, mirror, monkeypatch):
    folder, address = mirror
    dead = "http://127.0.0.1:9/"
    wanted = replace(module.MNIST, mirrors=(dead, address), sha256=digests(folder))
    monkeypatch.setattr(module, "MNIST", wanted)
    first = mnist().train[0]
    cached = sorted(path.name for path in (home / "cache/torchclinic/mnist").iterdir())
    assert cached == sorted(f"{name}.gz" for name in module.FILES)
    assert torch.equal(mnist(download=False).train[0], first)


def test_a_file_with_another_digest_is_refused_and_not_kept(tmp_path, mirror):
    _, address = mirror
    with pytest.raises(DataError, match="another file, sha256"):
        download("train-labels-idx1-ubyte.gz", (address,), "0" * 64, tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def test_a_cache_that_cannot_be_written_is_named(tmp_path, mirror):
    folder, address = mirror
    (tmp_path / "file").write_text("in the way")
    digest = digests(folder)["train-labels-idx1-ubyte"]
    with pytest.raises(OutputError, match="cannot be written"):
        download("train-labels-idx1-ubyte.gz", (address,), digest, tmp_path / "file" / "sub")


@given(st.lists(st.integers(0, 6), min_size=1, max_size=4), st.sampled_from([8, 9, 11, 12, 13, 14]))
def test_idx_reads_back_what_was_written(sizes, code):
    dtype = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}[code]
    array = np.arange(int(np.prod(sizes))).reshape(sizes).astype(dtype)
    content = bytes([0, 0, code, len(sizes)]) + struct.pack(f">{len(sizes)}I", *sizes)
    found = parse_idx(content + array.tobytes(), "x")
    assert found.dtype.isnative
    assert np.array_equal(found, array.astype(found.dtype))


GOOD = idx_bytes(np.arange(50))
DAMAGED = {
    "empty": (b"", "starts with nothing"),
    "text": (b"<html>", "starts with 3c 68 74 6d"),
    "element type": (b"\0\0\x07\x01" + GOOD[4:], "no IDX file"),
    "header cut": (GOOD[:6], "within its header"),
    "cut": (GOOD[:-3], r"\(50,\) elements, 50 bytes, but holds 47"),
    "too long": (GOOD + b"\0", "holds 51"),
    "gzip cut": (gzip.compress(GOOD)[:-10], "damaged gzip"),
    "gzip garbled": (gzip.compress(GOOD)[:15] + b"\xff" * 20, "damaged gzip"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_files_are_told_apart(tmp_path, case):
    content, words = DAMAGED[case]
    path = tmp_path / "some-idx"
    path.write_bytes(content)
    with pytest.raises(DataError, match=words) as caught:
        read_idx(path)
    assert "some-idx" in str(caught.value)


def test_images_and_labels_must_agree(home):
    fill(home / "data/mnist")
    (home / "data/mnist/train-labels-idx1-ubyte.gz").write_bytes(
        gzip.compress(idx_bytes(np.arange(3)))
    )
    with pytest.raises(DataError, match=r"\(12, 28, 28\).*\(3,\)"):
        mnist()


def test_an_unreadable_path_is_a_data_error(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_idx(tmp_path / "missing")
