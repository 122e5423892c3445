"""Scheduling: a graph becomes an explicit program with static offsets, checked independently."""

from edgekit.schedule.overlap import Overlap
from edgekit.schedule.plan import PlanOptions, plan
from edgekit.schedule.program import Buffer, Certificate, Move, Program, Step
from edgekit.schedule.verify import verify_program

__all__ = [
    "Buffer",
    "Certificate",
    "Move",
    "Overlap",
    "PlanOptions",
    "Program",
    "Step",
    "plan",
    "verify_program",
]
