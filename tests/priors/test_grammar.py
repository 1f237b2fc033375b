"""The string that names a space: reads back what it writes, and errors point at their place."""

import pickle
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from priors import LatentStringError, Normal, Space, VonMises, parse

positive = st.sampled_from(["1", ".25", "0.1", "2e-2", "3.5"])


def several(count):
    return st.lists(positive, min_size=count, max_size=count).map(",".join)


def with_options(letter, low, high, options):
    """Factors of one letter; ``options(dim)`` gives the strategies of its options."""

    def build(dim):
        chosen = st.fixed_dictionaries({}, optional=options(dim))
        return chosen.map(lambda o: f"{letter}{dim}" + (f"({','.join(f'{k}={v}' for k, v in o.items())})" if o else ""))

    return st.integers(low, high).flatmap(build)


def weights(dim):
    return {"weights": several(dim), "learn": st.sampled_from(["true", "false"])}


plain = st.one_of(
    with_options("R", 1, 9, lambda dim: {}),
    with_options("T", 1, 3, lambda dim: {"concentration": positive}),
    with_options("S", 1, 1, lambda dim: {"posterior": st.sampled_from(["vmf", "power", "von_mises"])}),
    with_options("S", 2, 5, lambda dim: {"posterior": st.sampled_from(["vmf", "power"])}),
    with_options("D", 2, 4, lambda dim: {"alpha": several(dim) | positive}),
    with_options("L", 2, 4, lambda dim: {"alpha": several(dim) | positive}),
    with_options("H", 1, 3, lambda dim: {}),
    with_options("C", 2, 4, lambda dim: weights(dim) | {"posterior": st.just("straight-through")}).filter(
        lambda text: "posterior" in text
    ),
    st.builds("{}{}:{}".format, st.sampled_from("GV"), st.integers(1, 3), st.integers(1, 4)),
    st.just("priors.normal:Normal(3)"),
)
product = st.lists(plain | st.just("R0"), min_size=1, max_size=3).map(" x ".join)
enumerated = with_options("C", 2, 4, weights)
superposition = st.lists(product, min_size=2, max_size=3).flatmap(
    lambda parts: st.fixed_dictionaries({}, optional=weights(len(parts))).map(
        lambda o: f"({' | '.join(parts)})" + (f"({','.join(f'{k}={v}' for k, v in o.items())})" if o else "")
    )
)
spaces = st.lists(plain | enumerated | superposition | product.map("({})".format), min_size=1, max_size=3).map(
    lambda factors: " x ".join(factors)
)
spaces = spaces.filter(lambda text: re.sub(r"R0|[x() ]", "", text))  # R0 alone is no latent space


@settings(deadline=None, max_examples=150, derandomize=True)
@given(spaces)
def test_a_space_reads_back_what_it_writes(text):
    space = parse(text)
    again = parse(str(space))
    assert again == space
    assert str(again) == str(space)
    assert [str(factor) for factor in again.factors] == [str(factor) for factor in space.factors]
    assert again.outputs == space.outputs
    names = space.coordinate_names
    assert len(set(names)) == len(names) == len(space.coordinate_kinds) == len(space.coordinate_factors)


def test_r0_is_one_in_a_product_and_a_manifold_of_a_sum():
    assert parse("R0 x R3 x (R0)") == parse("R3") == Space() * Normal(3)
    assert parse("R4 x (R0|R3)") == Normal(4) * (Space() | Normal(3))
    assert str(parse("R4 x ((R0 x R0) | R0 x R3)")) == "R4 x (R0 | R3)"
    assert str(parse("R1 | (R0 | S1)")) == "R1 | R0 | S1"
    assert str(parse("(R0 | R3)(weights=.5,.5) x S1")) == "(R0 | R3)(weights=0.5,0.5) x S1"


def test_operators_build_what_the_string_names():
    line, plane, circle = Normal(1), Normal(2), VonMises(1)
    assert line | plane * circle == parse("R1 | R2 x S1")
    assert (line | plane) * circle == parse("(R1 | R2) x S1")
    assert line | plane | circle == parse("R1 | (R2 | S1)") == parse("R1|R2|S1")
    assert parse("R1xS1") == line * circle


@pytest.mark.parametrize(
    ("text", "position", "problem"),
    [
        ("R4 x Q2", 5, "unknown family 'Q'"),
        ("R4 x", 4, "expected a factor"),
        ("R0", 0, "no latent at all"),
        ("R0 x (R0)", 0, "no latent at all"),
        ("R0(learn=true) | R1", 2, "expected 'x', '|' or the end"),
        ("R0:2 | R1", 0, "R takes no ':2'"),
        ("S0 | R1", 0, ">= 1"),
        ("R4 x (S1", 8, "expected ')'"),
        ("R4 S1", 3, "expected 'x', '|' or the end"),
        ("D3(alpha=1,2)", 0, "alpha needs 1 or 3"),
        ("R2(alpha=1)", 0, "no option 'alpha' here; there is none"),
        ("S2(posterior=von_mises)", 0, "one of power, vmf"),
        ("C3(posterior=magic)", 0, "enumerate, straight-through, relaxed"),
        ("R4:3", 0, "R takes no ':3'"),
        ("R2 x (R1 x S1)(learn=true)", 14, "only a superposition"),
        ("R1 | C2 x R2", 0, "cannot stand inside"),
        ("R1 x no_such_module:Heavy(2)", 5, "no module 'no_such_module'"),
        ("priors.normal:Normql(2)", 0, "did you mean Normal?"),
        ("priors.normal:Normal", 20, "expected '('"),
        ("R4 % S1", 3, "unexpected '%'"),
    ],
)
def test_errors_point_at_their_place(text, position, problem):
    with pytest.raises(LatentStringError, match=re.escape(problem)) as caught:
        parse(text)
    error = caught.value
    if "learn" not in text:
        assert error.position == position
    place = f"{text[: error.position]}>>>{text[error.position :]}"
    assert str(error) == f"latent string {text!r}: {error.problem} (at column {error.position + 1}: {place})"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_an_error_is_one_line():
    with pytest.raises(LatentStringError) as caught:
        parse("R4 x\n  Q2")
    assert str(caught.value).endswith("(at column 8: R4 x >>>Q2)")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("R" + "9" * 5000, "a number of 5000 digits"),
        ("R4 x " * 600 + "R1", "more than 500 factors"),
        ("R4 x " * 3000 + "R1", "longer than 10,000 characters"),
        ("(" * 900 + "R1" + ")" * 900, "more than 20 parentheses"),
        ("R1 | " * 501 + "R2", "more than 500 factors"),
        ("D1000000000000", "D1000000000000 is too large: at most 10,000"),
        ("C99999999", "too large"),
        ("G9999:9999", "times components 1,000,000"),
        ("V2:999999999", "too large"),
        ("priors.normal:Normal(99999)", "too large"),
        ("D3(alpha=1e999)", "a number too large"),
        ("D3(alpha=" + "9" * 5000 + ")", "a number of 5000 digits"),
        ("R1(self=1)", "self"),
        ("D3(position=1)", "position"),
        ("R1(build=2)", "build"),
        ("S2(posterior=vmf,posterior=vmf)", "posterior is given twice"),
        ("R\u0664", "unexpected"),
        ("C2(posterior=eval)", "one of enumerate, straight-through, relaxed"),
        ("C3(temperature=0.5)", "no option 'temperature' here; there is posterior, method"),
        ("C3(posterior=straight-through,temperature=0.5)", "no option 'temperature' here"),
        ("(R1 | R2)(learn=maybe)", "learn is true or false"),
        ("C2(learn=1)", "learn is true or false"),
        ("G2:3(apart=1e308)", "apart is a number from 0"),
        ("G2:3(apart=-1)", "apart is a number from 0"),
        ("G2:3(apart=far)", "apart is a number from 0"),
        ("R4 x " + "a" * 9000, "expected a factor"),
    ],
)
def test_what_no_latent_space_is_ends_in_one_short_line(text, problem):
    with pytest.raises(LatentStringError, match=re.escape(problem)) as error:
        parse(text)
    assert len(str(error.value)) < 500
    assert "\n" not in str(error.value)


def test_as_large_as_it_may_be():
    assert len(parse("R4 x " * 499 + "R1").factors) == 500
    assert parse("D10000").features_size == 10_000
