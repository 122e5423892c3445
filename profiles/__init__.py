"""Runs artefacts and measures them: runners, instruction profiles, memory, cycle estimates."""
