"""Scheduling: a graph becomes an explicit program with static offsets, checked independently."""

from edgekit.schedule.plan import plan
from edgekit.schedule.program import Buffer, Move, Program, Step
from edgekit.schedule.verify import verify_program

__all__ = ["Buffer", "Move", "Program", "Step", "plan", "verify_program"]
