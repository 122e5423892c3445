"""A model of two steps with state, written by hand against the API of generated code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgekit.artefact import Artefact, Manifest, Port, StepInfo, Tensor
from edgekit.ir import DType

WEIGHTS = np.arange(-16, 16, dtype=np.int8).reshape(4, 8)
ARENA_BYTES = 96

HEADER = """
#ifndef TINY_H
#define TINY_H
#include <stdint.h>
#define TINY_ARENA_BYTES 96
#define TINY_ARENA_ALIGN 16
#define TINY_STATE_BYTES 16
void tiny_init(void *state);
int tiny_run(void *arena, void *state);
int tiny_run_copy(void *arena, void *state, const int8_t *in0, const int16_t *in1,
                  int8_t *out0, int32_t *out1);
#endif
"""

SOURCE = """
#include "tiny.h"
#include <string.h>
#define NOINLINE __attribute__((noinline))
#ifdef TINY_TRACE
extern void tiny_trace(int step, const void *arena);
#define TRACE(n) tiny_trace(n, arena)
#else
#define TRACE(n) (void)0
#endif
static const int8_t tiny_w_0[32] = {@WEIGHTS@};
static const int32_t tiny_q_0[4] = {70000, -3, 900000, 12};

/* hidden[i] = weights[i] . in0 + table[i] */
static NOINLINE void tiny_s0_dense(uint8_t *arena)
{
    const int8_t *x = (const int8_t *)(arena + 0);
    int32_t *hidden = (int32_t *)(void *)(arena + 32);
    for (int i = 0; i < 4; i++) {
        int32_t sum = tiny_q_0[i];
        for (int k = 0; k < 8; k++) {
            sum += (int32_t)tiny_w_0[8 * i + k] * x[k];
        }
        hidden[i] = sum;
    }
}

/* state += hidden; out0 = relu(state / in1[0]) as int8; out1 = sum of |state| */
static NOINLINE void tiny_s1_gate(uint8_t *arena, int32_t *state)
{
    const int32_t *hidden = (const int32_t *)(void *)(arena + 32);
    const int16_t *divisor = (const int16_t *)(void *)(arena + 16);
    int8_t *y = (int8_t *)(arena + 64);
    int32_t total = 0;
    for (int i = 0; i < 4; i++) {
        state[i] += hidden[i];
        const int32_t q = state[i] / divisor[0];
        if (q < 0) {
            y[i] = 0;
        } else {
            y[i] = (int8_t)(q > 127 ? 127 : q);
            total += q;
        }
    }
    memcpy(arena + 80, &total, sizeof total);
}

void tiny_init(void *state)
{
    memset(state, 0, TINY_STATE_BYTES);
}

int tiny_run(void *arena, void *state)
{
    tiny_s0_dense(arena);
    TRACE(0);
    tiny_s1_gate(arena, state);
    TRACE(1);
    return 0;
}

int tiny_run_copy(void *arena, void *state, const int8_t *in0, const int16_t *in1,
                  int8_t *out0, int32_t *out1)
{
    uint8_t *bytes = arena;
    memcpy(bytes + 0, in0, 8);
    memcpy(bytes + 16, in1, 6);
    const int status = tiny_run(arena, state);
    memcpy(out0, bytes + 64, 4);
    memcpy(out1, bytes + 80, 4);
    return status;
}
"""


def artefact(source: str = SOURCE) -> Artefact:
    """The model's files and manifest."""

    def port(name: str, dtype: DType, shape: tuple[int, ...], offset: int) -> Port:
        return Port(name, name, dtype, shape, "NC", None, offset, dtype, shape)

    hidden = Tensor("hidden", DType.INT32, (1, 4), 32)
    y = Tensor("y", DType.INT8, (1, 4), 64)
    manifest = Manifest(
        kind="c",
        name="tiny",
        target="cortex-m4",
        precision="int8",
        sources=("tiny.c",),
        headers=("tiny.h",),
        inputs=(port("x", DType.INT8, (1, 8), 0), port("divisor", DType.INT16, (1, 3), 16)),
        outputs=(port("y", DType.INT8, (1, 4), 64), port("total", DType.INT32, (1, 1), 80)),
        arena_bytes=ARENA_BYTES,
        arena_align=16,
        state_bytes=16,
        scratch_bytes=0,
        steps=(
            StepInfo("tiny_s0_dense", "dense", "QDense", 32, writes=(hidden,)),
            StepInfo("tiny_s1_gate", "gate", "QGate", 0, writes=(y,)),
        ),
        run_symbol="tiny_run",
        run_copy_symbol="tiny_run_copy",
        init_symbol="tiny_init",
        weights_bytes=32,
        table_bytes=16,
    )
    weights = ", ".join(str(int(w)) for w in WEIGHTS.ravel())
    files = {"tiny.h": HEADER, "tiny.c": source.replace("@WEIGHTS@", weights)}
    return Artefact(manifest, files)


def write(folder: Path, source: str = SOURCE) -> Manifest:
    """Write the model below ``folder``."""
    made = artefact(source)
    made.write(folder)
    return made.manifest


def inputs(samples: int) -> list[NDArray[np.generic]]:
    """Random inputs; a divisor of 0 never occurs."""
    rng = np.random.default_rng(7)
    x = rng.integers(-128, 128, (samples, 8)).astype(np.int8)
    divisor = rng.integers(1000, 30000, (samples, 3)).astype(np.int16)
    return [x, divisor]


def expected(values: list[NDArray[np.generic]], carry_state: bool) -> list[NDArray[np.generic]]:
    """The same in numpy; the state is kept between samples with ``carry_state``."""
    x, divisor = values[0].astype(np.int64), values[1].astype(np.int64)
    table = np.array([70000, -3, 900000, 12], dtype=np.int64)
    state = np.zeros(4, dtype=np.int64)
    ys, totals = [], []
    for row, by in zip(x, divisor[:, 0], strict=True):
        if not carry_state:
            state[:] = 0
        state += WEIGHTS.astype(np.int64) @ row + table
        q = np.maximum(np.trunc(state / by).astype(np.int64), 0)
        ys.append(np.minimum(q, 127).astype(np.int8))
        totals.append([q.sum()])
    return [np.array(ys, dtype=np.int8), np.array(totals, dtype=np.int32)]
