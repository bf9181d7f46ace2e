"""What a command line may name, and what it gets told when that is wrong."""

import pytest

from torchclinic.clinic import load_recipe
from torchclinic.core import Recipe, RecipeError

HEADER = "import torchclinic as tc\n"
ONE = "tc.Recipe(model=list, loss=min, optimizer=list, epochs={}, data=[1])\n"


def write(tmp_path, text):
    path = tmp_path / "my_training.py"
    path.write_text(HEADER + text)
    return str(path)


def test_the_name_recipe_is_taken_first(tmp_path):
    path = write(tmp_path, "other = " + ONE.format(1) + "recipe = " + ONE.format(2))
    assert load_recipe(path).epochs == 2
    assert load_recipe(path + ":other").epochs == 1


def test_the_only_recipe_needs_no_name(tmp_path):
    assert load_recipe(write(tmp_path, "mine = " + ONE.format(3))).epochs == 3


def test_a_function_is_called(tmp_path):
    path = write(tmp_path, "def make():\n    return " + ONE.format(4))
    assert load_recipe(path + ":make").epochs == 4


def test_a_module_by_its_dotted_name():
    recipe = load_recipe("torchclinic.gallery.sigmoid_paralysis:recipe")
    assert isinstance(recipe, Recipe)
    assert recipe.metric == "accuracy"


def test_a_file_may_import_its_neighbour(tmp_path):
    (tmp_path / "neighbour.py").write_text("epochs = 7\n")
    path = write(tmp_path, "import neighbour\nrecipe = " + ONE.format("neighbour.epochs"))
    assert load_recipe(path).epochs == 7


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("x = 1\n", "", "holds no Recipe"),
        ("a = " + ONE.format(1) + "b = " + ONE.format(2), "", "2 Recipes"),
        ("x = 1\n", ":y", "has no 'y'"),
        ("x = 1\n", ":x", "int, neither"),
        ("def x():\n    return 5\n", ":x", "returns int"),
        ("1 / 0\n", "", "ZeroDivisionError"),
        ("def f(:\n", "", "SyntaxError"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, name, said):
    with pytest.raises(RecipeError, match=said):
        load_recipe(write(tmp_path, text) + name)


def test_missing_files_and_modules():
    with pytest.raises(RecipeError, match="no file"):
        load_recipe("not_here.py")
    with pytest.raises(RecipeError, match="no_such_package"):
        load_recipe("no_such_package.module:recipe")
