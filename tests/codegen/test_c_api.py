"""The C API as a caller meets it: a small C program uses every function of a header."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgekit.ir import Graph, Quant, TensorType
from edgekit.ir.dtype import DType
from edgekit.ir.ops import QAdd, QRescale, Rounding
from quantize.requantize import make_requant
from quantize.schemes import dequantize_array, quantize_array
from tests.codegen import graphs
from tests.codegen.states import accumulator, plain
from tests.proofs.emission import STRICT, Emission, compiler, emission, run

HEAD = """
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "net.h"
#define CHECK(condition) do { if (!(condition)) { \\
    printf("line %d: %s\\n", __LINE__, #condition); return 1; } } while (0)
static union { long double align; unsigned char bytes[NET_ARENA_BYTES + 16]; } room;
"""


def two_ports() -> Graph:
    """Two inputs, two outputs, all of different sizes."""
    rng = np.random.default_rng(0)
    graph = Graph("ports")
    a, b = graph.add_input("a", plain(1, 3, 5)), graph.add_input("b", plain(1, 1, 5))
    spec = make_requant([2.0**-17], Rounding.DOUBLE)
    total = graph.add_node(QAdd(graphs.rescale(rng), graphs.rescale(rng), spec), [a, b], a.type)
    wider = make_requant([0.75], Rounding.SINGLE, 3, bounds=[255])
    second = graph.add_node(QRescale(wider, -5), [b], b.type)
    graph.outputs = [total.output, second.output]
    graph.bind_ports(["total", "second"])
    return graph


def build_and_run(made: Emission, body: str, folder: Path, tool: str = "gcc") -> str:
    made.artefact.write(folder)
    (folder / "main.c").write_text(HEAD + body, encoding="utf-8")
    flags = [flag for flag in STRICT if flag != "-pedantic"]
    run([*compiler(tool), *flags, "-O1", "net.c", "main.c", "-o", "main"], folder)
    return run([folder / "main"], folder)


PORTS = """
int main(void)
{
    unsigned char *arena = room.bytes;
    int8_t a[NET_INPUT_0_SIZE], b[NET_INPUT_1_SIZE], total[NET_OUTPUT_0_SIZE];
    int8_t second[NET_OUTPUT_1_SIZE], again[NET_OUTPUT_0_SIZE];
    int i;
    CHECK(NET_INPUT_COUNT == 2 && NET_OUTPUT_COUNT == 2 && NET_STATE_BYTES == 0);
    CHECK(NET_INPUT_0_SIZE == 15 && NET_INPUT_1_SIZE == 5);
    CHECK(NET_OUTPUT_0_SIZE == 15 && NET_OUTPUT_1_SIZE == 5);
    for (i = 0; i < 15; ++i) a[i] = (int8_t)(17 * i - 120);
    for (i = 0; i < 5; ++i) b[i] = (int8_t)(50 * i - 100);

    /* Addresses lie inside the arena; there is none for an index that does not exist. */
    for (i = 0; i < 2; ++i) {
        unsigned char *in = net_input(arena, i), *out = net_output(arena, i);
        CHECK(in >= arena && in < arena + NET_ARENA_BYTES);
        CHECK(out >= arena && out < arena + NET_ARENA_BYTES);
    }
    CHECK(net_input(arena, 0) != net_input(arena, 1));
    CHECK(net_output(arena, 0) != net_output(arena, 1));
    CHECK(net_input(arena, 2) == NULL && net_input(arena, -1) == NULL);
    CHECK(net_output(arena, 2) == NULL && net_output(arena, -1) == NULL);

    /* In place and by copy: the same. */
    net_init(NULL);
    memset(arena, 0x5a, NET_ARENA_BYTES);
    memcpy(net_input(arena, 0), a, sizeof a);
    memcpy(net_input(arena, 1), b, sizeof b);
    CHECK(net_run(arena, NULL) == 0);
    memcpy(again, net_output(arena, 0), sizeof again);
    memset(arena, 0xa5, NET_ARENA_BYTES);
    CHECK(net_run_copy(arena, NULL, a, b, total, second) == 0);
    CHECK(memcmp(total, again, sizeof total) == 0);
    CHECK(memcmp(second, net_output(arena, 1), sizeof second) == 0);

    /* Nothing is touched, and -1 comes back, where the arena is missing or misaligned. */
    memset(total, 99, sizeof total);
    CHECK(net_run(NULL, NULL) == -1);
    CHECK(net_run(arena + 1, NULL) == -1 && net_run(arena + 2, NULL) == -1);
    CHECK(net_run_copy(NULL, NULL, a, b, total, second) == -1);
    CHECK(net_run_copy(arena + 3, NULL, a, b, total, second) == -1);
    for (i = 0; i < NET_OUTPUT_0_SIZE; ++i) CHECK(total[i] == 99);
    CHECK(net_run_copy(arena + NET_ARENA_ALIGN, NULL, a, b, total, second) == 0);
    CHECK(memcmp(total, again, sizeof total) == 0);
    for (i = 0; i < NET_OUTPUT_0_SIZE; ++i) printf("%d ", total[i]);
    for (i = 0; i < NET_OUTPUT_1_SIZE; ++i) printf("%d ", second[i]);
    return 0;
}
"""


@pytest.mark.parametrize("tool", ["gcc", "zig"])
def test_ports_addresses_and_refusals(tool: str, tmp_path: Path) -> None:
    made = emission(two_ports(), "net", "litert")
    text = build_and_run(made, PORTS, tmp_path, tool)
    a = (17 * np.arange(15) - 120).astype(np.int8).reshape(1, 3, 5)
    b = (50 * np.arange(5) - 100).astype(np.int8).reshape(1, 1, 5)
    wanted = np.concatenate([x.ravel() for x in made.reference([a, b])])
    assert np.array(text.split(), np.int8).tolist() == wanted.tolist()


STATE = """
static union { long double align; unsigned char bytes[NET_STATE_BYTES + 16]; } kept;
int main(void)
{
    unsigned char *arena = room.bytes, *state = kept.bytes;
    int8_t x[NET_INPUT_0_SIZE], y[NET_OUTPUT_0_SIZE];
    int i, turn;
    CHECK(NET_STATE_BYTES >= NET_OUTPUT_0_SIZE);
    for (i = 0; i < NET_INPUT_0_SIZE; ++i) x[i] = (int8_t)(i + 1);
    memset(state, 0x77, NET_STATE_BYTES);
    net_init(state);
    CHECK(net_run(arena, NULL) == -1 && net_run(arena, state + 1) == -1);
    CHECK(net_run_copy(arena, NULL, x, y) == -1 && net_run_copy(NULL, state, x, y) == -1);
    for (turn = 0; turn < 4; ++turn) {
        if (turn == 3) net_init(state); /* a reset */
        CHECK(net_run_copy(arena, state, x, y) == 0);
        for (i = 0; i < NET_OUTPUT_0_SIZE; ++i) printf("%d ", y[i]);
    }
    return 0;
}
"""


def test_state_in_c(tmp_path: Path) -> None:
    graph = accumulator(4)
    text = build_and_run(emission(graph, "net", "litert"), STATE, tmp_path)
    first, step = np.array([10, 20, 30, 40]), np.arange(1, 5)
    turns = [first + step, first + 2 * step, first + 3 * step, first + step]
    assert np.array(text.split(), np.int64).tolist() == np.concatenate(turns).tolist()


QUANTIZERS = """
int main(void)
{
    union { uint32_t bits; float value; } x;
    int q;
    while (fread(&x, sizeof x, 1, stdin) == 1) {
        putchar((unsigned char)net_quantize_input_0(x.value));
    }
    for (q = -128; q < 128; ++q) {
        x.value = net_dequantize_output_0((int8_t)q);
        fwrite(&x, sizeof x, 1, stdout);
    }
    return 0;
}
"""


def through_helpers(quant: Quant, x: NDArray[np.float32], folder: Path) -> tuple[bytes, bytes]:
    """What the header's helpers make of ``x`` and of every int8."""
    graph = Graph("helpers")
    source = graph.add_input("x", TensorType((1, 4), DType.INT8, "", quant))
    spec = make_requant([0.5], Rounding.DOUBLE)
    graph.outputs = [graph.add_node(QRescale(spec), [source], source.type).output]
    graph.bind_ports()
    made = emission(graph, "net", "litert")
    made.artefact.write(folder)
    body = HEAD.partition("#define CHECK")[0] + QUANTIZERS
    (folder / "main.c").write_text(body, encoding="utf-8")
    run([*compiler("gcc"), *STRICT, "-O2", "net.c", "main.c", "-o", "main"], folder)
    done = subprocess.run([folder / "main"], input=x.tobytes(), capture_output=True, check=True)
    return done.stdout[: len(x)], done.stdout[len(x) :]


@pytest.mark.parametrize("scale", [0.5, 2.0**-7, 0.1, 0.0037010, 3.1e-5, 117.0, 1e-38, 1e30])
@pytest.mark.parametrize("zero_point", [-128, 0, 3, 127])
def test_quantize_helpers(scale: float, zero_point: int, tmp_path: Path) -> None:
    quant = Quant.per_tensor(float(np.float32(scale)), zero_point)
    rng = np.random.default_rng(1)
    steps = np.float32(scale) * (np.arange(-2000, 2001) / np.float32(4)).astype(np.float32)
    wild = rng.normal(0, 1, 500) * 10.0 ** rng.integers(-40, 38, 500)
    special = np.array([0.0, -0.0, 3.4e38, -3.4e38, 1e-45, np.inf, -np.inf])
    with np.errstate(over="ignore", under="ignore"):
        x = np.concatenate([steps, wild.astype(np.float32), special]).astype(np.float32)
        wanted = quantize_array(x, quant)
    codes, reals = through_helpers(quant, x, tmp_path)
    np.testing.assert_array_equal(np.frombuffer(codes, np.int8), wanted)
    every = np.arange(-128, 128).astype(np.int8)
    np.testing.assert_allclose(
        np.frombuffer(reals, np.float32), dequantize_array(every, quant), rtol=1.2e-7
    )
