"""What is printed fits 80 columns and says everything."""

import re

from torchclinic.gallery import GALLERY
from torchclinic.gallery.text import listing, result_text
from torchclinic.gallery.text.numbers import short


def test_a_result_fits_80_columns(planted_result):
    text = result_text(planted_result, "some/folder")
    assert max(map(len, text.splitlines())) <= 80
    for word in ("HOLDS", "REFUTED", "NOT SETTLED", "Sentence <holds>.", "wanted: above 0", "why:"):
        assert word in text
    assert "digits, fast, 2 seeds" in text


def test_the_list_names_every_experiment():
    text = listing(GALLERY.members())
    assert max(map(len, text.splitlines())) <= 80
    for member in GALLERY.members():
        assert re.search(rf"^ *{member.number}  {member.name}:", text, re.MULTILINE)


def test_short_numbers():
    assert [short(v) for v in (0.0, 1234.5678, -0.000123456)] == ["0", "1235", "-0.0001235"]
