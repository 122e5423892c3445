"""edgekit: trained neural networks to verified firmware.

This module holds the version and nothing heavy; the public Python API is `edgekit.api`.
"""

__version__ = "0.1.0"
