"""Selecting findings by code, as in a linter."""

from torchclinic.clinic.selecting import narrow
from torchclinic.core import Finding, Level, Stage


def finding(code, *consequences):
    return Finding(code, "n", Level.ERROR, "t", "w", (), Stage.NUMERICS, consequences=consequences)


TREE = (finding("GRD101", finding("CRV101"), finding("LRN102")), finding("DAT101"))


def codes(findings):
    return [(f.code, [c.code for c in f.consequences]) for f in findings]


def test_everything_by_default():
    assert codes(narrow(TREE)) == codes(TREE)


def test_consequences_of_what_is_left_out_are_lifted():
    assert codes(narrow(TREE, ignore=("GRD",))) == [("CRV101", []), ("LRN102", []), ("DAT101", [])]
    assert codes(narrow(TREE, select=("crv",))) == [("CRV101", [])]


def test_ignore_reaches_consequences():
    assert codes(narrow(TREE, ignore=("CRV101",))) == [("GRD101", ["LRN102"]), ("DAT101", [])]
