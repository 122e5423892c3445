"""Einsum, by transposes, diagonals, sums and matrix products of two operands at a time."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

from edgekit.importers.onnx.axes import reshaped
from edgekit.importers.onnx.context import Call, Refusal
from edgekit.ir import Value
from edgekit.ir.ops import MatMul, Mul, Reduce, Slice, Transpose


@dataclass(frozen=True)
class _Term:
    """A tensor and the label of each axis."""

    value: Value
    labels: tuple[str, ...]

    def size(self, labels: Collection[str]) -> tuple[int, ...]:
        """Sizes of some axes, in the order asked for."""
        shape = dict(zip(self.labels, self.value.type.shape, strict=True))
        return tuple(shape[label] for label in labels)


def einsum(call: Call) -> None:
    """``Einsum`` of any number of operands, with diagonals and ellipses."""
    equation = call.attr_str("equation", "").replace(" ", "")
    terms, result = _parse(call, equation)
    terms = [_diagonal(call, term) for term in terms]
    while len(terms) > 1:
        left, right, *rest = terms
        kept = {*result, *(label for term in rest for label in term.labels)}
        terms = [_contract(call, _sum(call, left, {*kept, *right.labels}),
                           _sum(call, right, {*kept, *left.labels}), kept), *rest]  # fmt: skip
    last = _sum(call, terms[0], result)
    order = tuple(last.labels.index(label) for label in result)
    out = call.output_names[0]
    if order != tuple(range(len(order))):
        call.emit(Transpose(order), [last.value])
    elif last.value is terms[0].value and len(call.input_names) == 1:
        call.result(last.value)
    else:
        call.result(reshaped(call, last.value, last.value.type.shape, out))


def _parse(call: Call, equation: str) -> tuple[list[_Term], tuple[str, ...]]:
    """Operands with labels, and the result's labels; an ellipsis becomes labels of its own."""
    left, arrow, right = equation.partition("->")
    operands = left.split(",")
    values = [call.value(i) for i in range(len(call.input_names))]
    plain = left.replace("...", "").replace(",", "") + right.replace("...", "")
    if len(operands) != len(values) or not all(c.isalpha() and c.isascii() for c in plain):
        raise Refusal(f"equation '{equation}' for {len(values)} operands", "letters and ellipses")
    terms = [_labelled(v, text, equation) for v, text in zip(values, operands, strict=True)]
    sizes: dict[str, int] = {}
    for term in terms:
        for label, size in zip(term.labels, term.value.type.shape, strict=True):
            if sizes.setdefault(label, size) != size:
                raise Refusal(f"axis '{label}' has sizes {sizes[label]} and {size} in '{equation}'")
    dots = tuple(sorted((x for x in sizes if x.startswith(".")), key=lambda x: -int(x[1:])))
    if arrow:
        head, found, tail = right.partition("...")
        result = (*head, *(dots if found else ()), *tail)
    else:
        once = sorted(c for c in set(plain) if left.count(c) == 1)
        result = (*dots, *once)
    if len(set(result)) < len(result) or not set(result) <= set(sizes):
        raise Refusal(f"result of equation '{equation}'", "each label of the operands once")
    return terms, result


def _labelled(value: Value, text: str, equation: str) -> _Term:
    head, found, tail = text.partition("...")
    extra = len(value.type.shape) - len(head) - len(tail)
    if extra < 0 or (extra and not found):
        raise Refusal(f"'{text}' of equation '{equation}' for shape {value.type.shape}")
    return _Term(value, (*head, *(f".{extra - i}" for i in range(extra)), *tail))


def _diagonal(call: Call, term: _Term) -> _Term:
    """Axes with the same label become one: every (n + 1)th element of the two joined."""
    for label in term.labels:
        if term.labels.count(label) == 1:
            continue
        first, second = [i for i, x in enumerate(term.labels) if x == label][:2]
        rest = [i for i in range(len(term.labels)) if i not in (first, second)]
        stem = f"{call.output_names[0]}_diagonal"
        x = call.add(Transpose((*rest, first, second)), [term.value], f"{stem}_turned")
        n = x.type.shape[-1]
        lead = x.type.shape[:-2]
        x = reshaped(call, x, (*lead, n * n), f"{stem}_joined")
        zeros, ones = (0,) * len(lead), (1,) * len(lead)
        x = call.add(Slice((*zeros, 0), (*lead, n), (*ones, n + 1)), [x], stem)
        return _diagonal(call, _Term(x, (*(term.labels[i] for i in rest), label)))
    return term


def _sum(call: Call, term: _Term, kept: Collection[str]) -> _Term:
    """Sum over the labels that nobody asks for."""
    axes = tuple(i for i, label in enumerate(term.labels) if label not in kept)
    if not axes:
        return term
    value = call.add(Reduce("sum", axes, False), [term.value], f"{call.output_names[0]}_sum")
    return _Term(value, tuple(label for label in term.labels if label in kept))


def _contract(call: Call, a: _Term, b: _Term, kept: Collection[str]) -> _Term:
    """Two operands as one stack of matrix products."""
    stack = [x for x in a.labels if x in b.labels and x in kept]
    summed = [x for x in a.labels if x in b.labels and x not in kept]
    rows = [x for x in a.labels if x not in b.labels]
    columns = [x for x in b.labels if x not in a.labels]
    labels = (*stack, *rows, *columns)
    out = call.output_names[0]
    if not labels or (not summed and not rows and not columns):
        left, right = _turned(call, a, stack + summed), _turned(call, b, stack + summed)
        product = call.add(Mul(), [left, right], f"{out}_product")
        return _sum(call, _Term(product, (*stack, *summed)), kept)
    shape = a.size(stack)
    depth = math.prod(a.size(summed))
    left = _turned(call, a, stack + rows + summed)
    left = reshaped(call, left, (*shape, math.prod(a.size(rows)), depth), f"{out}_left")
    right = _turned(call, b, stack + summed + columns)
    right = reshaped(call, right, (*shape, depth, math.prod(b.size(columns))), f"{out}_right")
    product = call.add(MatMul(), [left, right], f"{out}_product")
    whole = (*shape, *a.size(rows), *b.size(columns))
    return _Term(reshaped(call, product, whole, f"{out}_whole"), labels)


def _turned(call: Call, term: _Term, labels: list[str]) -> Value:
    order = tuple(term.labels.index(x) for x in labels)
    if order == tuple(range(len(order))):
        return term.value
    return call.add(Transpose(order), [term.value], f"{term.value.name}_turned")
