import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from torchclinic.core import DataError
from torchclinic.data import load_csv, load_npz


def test_npz_with_all_parts(tmp_path):
    path = tmp_path / "my set.npz"
    rng = np.random.default_rng(0)
    arrays = {}
    for part, rows in (("train", 8), ("val", 4), ("test", 2)):
        arrays[f"x_{part}"], arrays[f"y_{part}"] = rng.random((rows, 3)), np.arange(rows) % 2
    np.savez(path, **arrays)
    splits = load_npz(path)
    assert splits.name == "my set"
    for part, short in (("train", "train"), ("validation", "val"), ("test", "test")):
        x, y = getattr(splits, part)
        assert (x.dtype, y.dtype) == (torch.float32, torch.int64)
        assert np.allclose(x.numpy(), arrays[f"x_{short}"])
        assert y.tolist() == arrays[f"y_{short}"].tolist()


def test_npz_with_one_part(tmp_path):
    np.savez(tmp_path / "a.npz", X=np.zeros((4, 1)), y=np.linspace(0, 1, 4))
    splits = load_npz(tmp_path / "a.npz")
    assert splits.test is None
    assert splits.train[1].dtype == torch.float32


def test_npz_never_unpickles(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("it was unpickled",))

    np.savez(tmp_path / "bomb.npz", x=np.array([Bomb()], dtype=object), y=np.zeros(1))
    with pytest.raises(DataError, match="Python objects"):
        load_npz(tmp_path / "bomb.npz")


BAD_NPZ = {
    "names": ({"a": np.zeros(2)}, r"\['a'\]"),
    "no targets": ({"x_train": np.zeros((2, 2))}, "has no targets"),
    "rows": ({"x": np.zeros((3, 2)), "y": np.zeros(2)}, "3 rows of inputs but 2"),
    "words": ({"x": np.zeros((1, 2)), "y": np.array(["a"])}, "<U1"),
}


@pytest.mark.parametrize("case", BAD_NPZ)
def test_bad_archives_are_quoted(tmp_path, case):
    arrays, words = BAD_NPZ[case]
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(DataError, match=words):
        load_npz(tmp_path / "a.npz")


def test_what_is_no_archive_is_refused(tmp_path):
    (tmp_path / "text.npz").write_text("hello")
    (tmp_path / "zip.npz").write_bytes(b"PK\x03\x04 cut")
    np.save(tmp_path / "single.npy", np.zeros(2))
    for name in ("text.npz", "zip.npz", "single.npy", "missing.npz"):
        with pytest.raises(DataError, match=name):
            load_npz(tmp_path / name)


def write(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "table.csv"
    path.write_text(text, encoding=encoding)
    return path


def test_csv_with_classes_by_name(tmp_path):
    path = write(tmp_path, "a,kind,b\n1,dog,2.5\n3,cat,4\n5,dog,-1e3\n", "utf-8-sig")
    splits = load_csv(path, target="kind", test_fraction=0)
    assert splits.train[0].tolist() == [[1, 2.5], [3, 4], [5, -1000]]
    assert splits.train[1].tolist() == [1, 0, 1]
    assert splits.meta == {"features": ("a", "b"), "classes": ("cat", "dog")}


@given(st.lists(st.tuples(st.floats(-1e6, 1e6, width=32), st.integers(0, 3)), min_size=20))
def test_csv_reads_back_numbers(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    path.write_text("x,y\n" + "".join(f"{a!r},{b}\n" for a, b in rows))
    splits = load_csv(path, test_fraction=0.25)
    x = torch.cat([splits.train[0], splits.test[0]]).flatten().tolist()
    assert sorted(x) == sorted(a for a, _ in rows)
    y = torch.cat([splits.train[1], splits.test[1]])
    assert y.dtype == torch.int64
    assert sorted(y.tolist()) == sorted(b for _, b in rows)


def test_a_real_target_is_a_column(tmp_path):
    _, y = load_csv(write(tmp_path, "x;y\n1;0.5\n2;1.5\n"), delimiter=";", test_fraction=0).train
    assert y.tolist() == [[0.5], [1.5]]


def test_gaps_written_as_nan_are_kept_for_the_diagnosis(tmp_path):
    x, _ = load_csv(write(tmp_path, "x,y\nnan,0\n2,1\n"), test_fraction=0).train
    assert x.isnan().tolist() == [[True], [False]]


BAD_CSV = {
    "empty": ("", {}, r"header \[\]"),
    "one column": ("a\n1\n", {}, "is the delimiter right"),
    "twice": ("a,a\n1,2\n", {}, "different column names"),
    "no header": ("1,2\n3,4\n", {}, "add a header line"),
    "no rows": ("a,b\n", {}, "no rows"),
    "ragged": ("a,b\n1,2\n1,2,3\n", {}, "line 3: 3 columns"),
    "word": ("a,b\n1,2\nx,3\n", {}, "line 3, column 'a': 'x' is no number"),
    "gap": ("a,b\n,2\n", {}, "'' is no number"),
    "mixed target": ("a,b\n1,2\n1,two\n", {}, "line 3: the target 'two'"),
    "no such name": ("a,b\n1,2\n", {"target": "c"}, r"no column 'c' .*\['a', 'b'\]"),
    "no such place": ("a,b\n1,2\n", {"target": 5}, "no column 5"),
}


@pytest.mark.parametrize("case", BAD_CSV)
def test_bad_tables_are_quoted(tmp_path, case):
    text, options, words = BAD_CSV[case]
    with pytest.raises(DataError, match=words):
        load_csv(write(tmp_path, text), **options)


def test_a_binary_file_is_no_table(tmp_path):
    (tmp_path / "t.csv").write_bytes(bytes(range(256)))
    with pytest.raises(DataError, match="cannot be read"):
        load_csv(tmp_path / "t.csv")
