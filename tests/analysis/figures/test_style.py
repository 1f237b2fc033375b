"""One style: a class has one colour and one name everywhere."""

import itertools

from analysis.figures.style import CLASSES, COLOURS, class_colours, class_label


def test_a_class_has_one_colour_whatever_is_beside_it():
    for names in itertools.permutations(["qcd", "w", "top", "gluon"]):
        found = class_colours(names)
        assert {name: found[name] for name in CLASSES} == {name: colour for name, (_, colour) in CLASSES.items()}
        assert len({*found.values()}) == 4


def test_unknown_classes_have_colours_of_their_own():
    assert [*class_colours(["a", "b"]).values()] == [*COLOURS[:2]]
    assert len({*class_colours("abcdef").values()}) == 6


def test_names_are_written_in_one_way():
    assert [class_label(name) for name in ("qcd", "QCD", "w", "top", "Top", "Z")] == [
        "QCD",
        "QCD",
        "W",
        "top",
        "top",
        "Z",
    ]
