"""Energy flow polynomials of jets (Komiske, Metodiev, Thaler 1712.07124)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import combinations_with_replacement, permutations

import numpy as np
from numpy.typing import NDArray

Graph = tuple[tuple[int, int], ...]
"""A multigraph: its edges, each a pair of vertices numbered from 0."""
Values = NDArray[np.floating]
AT_ONCE = 250


@cache
def connected(edges: int) -> tuple[Graph, ...]:
    """Return every connected multigraph of so many edges, one of each shape.

    >>> [len(connected(edges)) for edges in (1, 2, 3, 4)]
    [1, 2, 5, 12]
    """
    if edges == 1:
        return (((0, 1),),)
    return tuple(sorted({canonical((*graph, edge)) for graph in connected(edges - 1) for edge in further(graph)}))


def further(graph: Graph) -> Iterator[tuple[int, int]]:
    """Yield the edges that leave a graph connected: between two of its vertices, or to a new one."""
    size = vertices(graph)
    yield from ((a, b) for b in range(size + 1) for a in range(min(b, size)))


def canonical(graph: Graph) -> Graph:
    """Return the same for all numberings of the vertices."""
    return min(
        tuple(sorted((min(p[a], p[b]), max(p[a], p[b])) for a, b in graph))
        for p in permutations(range(vertices(graph)))
    )


def vertices(graph: Graph) -> int:
    return 1 + max(map(max, graph))


def products(edges: int) -> tuple[tuple[Graph, ...], ...]:
    """Return every multigraph of at most so many edges as its connected parts; the first has none.

    >>> len(products(4))
    36
    """
    known = [graph for count in range(1, edges + 1) for graph in connected(count)]
    sets = [c for parts in range(edges + 1) for c in combinations_with_replacement(known, parts)]
    return tuple(each for each in sets if sum(map(len, each)) <= edges)


def with_four() -> tuple[Graph, ...]:
    """Return the five connected multigraphs of four vertices and four edges, which jetnet's ``w1efp`` takes."""
    return tuple(graph for graph in connected(4) if vertices(graph) == 4)


def flow_polynomial(particles: Values, graph: Graph) -> Values:
    r"""Return :math:`\sum_{i_1\dots i_n}\prod_v z_{i_v}\prod_{(a,b)}\theta_{i_a i_b}` of jets, ``(N,)``.

    Parameters
    ----------
    particles
        ``(N, M, 3)``: eta, phi [rad], share of pT z; zero padded. theta is the distance in (eta, phi).
    graph
        Connected.
    """
    found = [one_batch(particles[i : i + AT_ONCE], graph) for i in range(0, len(particles), AT_ONCE)]
    return np.concatenate(found)


def one_batch(particles: Values, graph: Graph) -> Values:
    eta, phi, z = np.moveaxis(particles.astype(float), -1, 0)
    theta = np.hypot(eta[:, :, None] - eta[:, None], phi[:, :, None] - phi[:, None])
    letters = "abcdefgh"
    counted = Counter(graph)
    terms = ["z" + letters[v] for v in range(vertices(graph))] + ["z" + letters[a] + letters[b] for a, b in counted]
    factors = [z] * vertices(graph) + [theta**count for count in counted.values()]
    return np.einsum(",".join(terms) + "->z", *factors, optimize="greedy")


def all_connected(particles: Values, edges: int = 4) -> dict[Graph, Values]:
    """Return the polynomials of all connected multigraphs of at most so many edges, each ``(N,)``."""
    return {g: flow_polynomial(particles, g) for count in range(1, edges + 1) for g in connected(count)}


def features(particles: Values, known: Mapping[Graph, Values], edges: int = 4) -> Values:
    """Return the 36 polynomials of at most four edges ``(N, 36)``: the features of FPD and KPD."""
    total = particles[..., 2].sum(1, dtype=float)
    columns = [np.prod([known[g] for g in parts], 0) if parts else total for parts in products(edges)]
    return np.stack(columns, 1)
