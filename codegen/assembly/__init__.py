"""Kernels in assembly, written for the shapes of one model: one package for each instruction set.

A compiler spills the accumulators of a register-blocked loop; a block written here does not. Each
package names its variants in `VARIANTS`; `codegen.c.choice` takes the one that its own
count says is cheapest. Beside every block stands a portable kernel of the same arguments, which a
build for any other machine calls instead (`codegen/c/kernels`).
"""
