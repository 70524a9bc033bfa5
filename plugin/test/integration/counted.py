# counted.py: how much the tests compared, so that a change of the tests cannot lose any of it unseen.
# SPDX-License-Identifier: GPL-2.0-or-later
"""`compared` is added to where something is compared, and read and emptied by run.py after each test."""

from __future__ import annotations

from collections import Counter

compared: Counter[str] = Counter()
"""What was compared, in the plural, to how often."""
