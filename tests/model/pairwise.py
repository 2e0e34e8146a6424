"""A small set of rows in which every pair of choices that can stand together stands together once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations

Row = dict[str, str]
Pair = tuple[tuple[str, str], tuple[str, str]]


def pairs(factors: Mapping[str, Sequence[str]]) -> Iterator[Pair]:
    """Every pair of choices of two different factors."""
    for one, other in combinations(factors, 2):
        for first in factors[one]:
            for second in factors[other]:
                yield (one, first), (other, second)


def covering(factors: Mapping[str, Sequence[str]], allowed: Callable[[Row], bool]) -> tuple[list[Row], list[Pair]]:
    """(rows, pairs that no allowed row can hold). `allowed` judges partial rows too: what is missing cannot offend.

    Greedy: each row starts from an uncovered pair and takes, factor by factor, the choice that covers most new pairs.
    """
    uncovered, impossible, rows = dict.fromkeys(pairs(factors)), [], []
    while uncovered:
        pair = next(iter(uncovered))
        row = _complete(dict(pair), factors, allowed, uncovered)
        if row is None:
            impossible.append(pair)
            del uncovered[pair]
            continue
        rows.append(row)
        for covered in combinations(row.items(), 2):
            uncovered.pop(covered, None)
    return rows, impossible


def _complete(
    row: Row, factors: Mapping[str, Sequence[str]], allowed: Callable[[Row], bool], uncovered: Mapping[Pair, None]
) -> Row | None:
    """`row` with the missing factors filled in (in the order of `factors`), or None where that cannot be done."""
    if not allowed(row):
        return None
    missing = next((factor for factor in factors if factor not in row), None)
    if missing is None:
        return {factor: row[factor] for factor in factors}

    def gain(choice: str) -> int:
        more = {**row, missing: choice}
        ordered = [(factor, more[factor]) for factor in factors if factor in more]
        return sum(pair in uncovered for pair in combinations(ordered, 2))

    for choice in sorted(factors[missing], key=gain, reverse=True):
        whole = _complete({**row, missing: choice}, factors, allowed, uncovered)
        if whole is not None:
            return whole
    return None
