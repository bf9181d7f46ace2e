import json
import subprocess
import sys

import pytest

from torchclinic import render


def test_every_public_name_is_there():
    assert sorted(render.__all__) == sorted(render._HOMES)
    assert dir(render) == sorted(render.__all__)
    for name in render.__all__:
        assert getattr(render, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="render_hologram"):
        _ = render.render_hologram


def test_nothing_heavy_is_imported():
    code = (
        "import sys, json, torchclinic.render as r; before = set(sys.modules);"
        "r.render_diagnosis_text, r.render_repair_page, r.write_report, r.diagnosis_to_dict;"
        "print(json.dumps([sorted({'rich', 'jinja2'} & before),"
        " sorted({'torch', 'numpy', 'scipy', 'sklearn'} & set(sys.modules))]))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(out.stdout) == [[], []]
