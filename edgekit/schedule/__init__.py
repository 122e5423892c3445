"""Scheduling: a graph becomes an explicit program with static offsets, checked independently."""

from edgekit.schedule.overlap import Overlap
from edgekit.schedule.plan import PlanOptions, plan
from edgekit.schedule.program import Buffer, Certificate, Move, Program, Region, Split, Step
from edgekit.schedule.split import Room, plan_split
from edgekit.schedule.verify import verify_program

__all__ = [
    "Buffer",
    "Certificate",
    "Move",
    "Overlap",
    "PlanOptions",
    "Program",
    "Region",
    "Room",
    "Split",
    "Step",
    "plan",
    "plan_split",
    "verify_program",
]
