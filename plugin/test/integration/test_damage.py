# test_damage.py: damaged captures break nothing, and what was merely lost is held against nobody.
# SPDX-License-Identifier: GPL-2.0-or-later
"""Each capture is damaged in many ways, from fixed seeds (damage.py).

Frames that are lost, cut, repeated, missing at the ends, captured twice at different addresses, or stamped
by a clock that runs back must not raise a finding of severity warning or error that the undamaged capture
lacks. Frames that are altered may raise any finding, but must not crash the plugin, and the order of
dissection must not show.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import damage  # noqa: E402
from counted import compared  # noqa: E402
import harness  # noqa: E402

ROOT = Path(__file__).resolve().parents[3]
CAPTURES = ROOT / "test-captures"
SOURCES = (*sorted(f"real/{path.name}" for path in (CAPTURES / "real").glob("*.pcap") if damage.is_usable(path)),
           "cases/connack-grants.pcap", "cases/every-split-point.pcap", "cases/websocket-packet-in-messages.pcap")
SEEDS = int(os.environ.get("MQTTSCOPE_DAMAGE_SEEDS", "2"))
"""Variants for each kind of damage; more than the usual ones for a long run."""
MOST_FRAMES = 120
"""Longer captures are used up to here."""
PREFERENCES: dict[str, tuple[tuple[str, str], ...]] = {
    "default": (),
    "no_reassembly": (("mqttscope.reassemble", "FALSE"),),
    "no_tcp_reassembly": (("tcp.desegment_tcp_streams", "FALSE"),),
    "absolute": (("tcp.relative_sequence_numbers", "FALSE"),),
    "no_analysis": (("tcp.analyze_sequence_numbers", "FALSE"),),
    "out_of_order": (("tcp.reassemble_out_of_order", "TRUE"),),
}

Named = tuple[str, damage.Frames]


def _source(name: str) -> damage.Frames:
    return damage.read_frames(CAPTURES / name)[:MOST_FRAMES]


def _variants(name: str, kinds: dict[str, damage.Damage]) -> list[Named]:
    """The undamaged capture, and then each kind of damage done to it from each seed."""
    frames = _source(name)
    made: list[Named] = [("undamaged", frames)]
    for kind, function in kinds.items():
        for seed in range(SEEDS):
            made.append((f"{kind} {seed}", function(frames, random.Random(f"{name} {kind} {seed}"))))
    return [each for each in made if each[1]]


class TestDamage(unittest.TestCase):
    """See the file's head."""

    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = Path(self.folder.name) / "damaged.pcap"

    def check_losses(self, name: str, preferences: tuple[tuple[str, str], ...]) -> None:
        """No damage that loses makes the plugin report a rule that was not broken."""
        variants = _variants(name, damage.LOSSES)
        owners = damage.write_variants(self.path, [frames for _, frames in variants])
        first = {owner: owners.index(owner) for owner in set(owners)}
        grave = [each for each in harness.findings(self.path, display_filter=f"mqttscope and {harness.HAS_GRAVE_FINDINGS}",
                                                   settings=harness.Settings(preferences))
                 if each.severity in ("warning", "error")]
        compared.update({"damaged frames": len(owners), "grave findings in damaged frames": len(grave)})
        allowed = {each.name for each in grave if owners[each.frame - 1] == 0}
        wrong = []
        for each in grave:
            if each.name not in allowed:
                owner = owners[each.frame - 1]
                wrong.append(f"{variants[owner][0]}, frame {each.frame - first[owner]}: {each.name} {each.severity} "
                             f"[{each.message}]")
        self.assertEqual(wrong, [], f"{name}: {len(wrong)} false accusations\n" + "\n".join(wrong[:10]))

    def check_changes(self, name: str) -> None:
        """Altered frames do no harm in one pass, in two, and as text."""
        variants = _variants(name, damage.CHANGES | damage.LOSSES)
        damage.write_variants(self.path, [frames for _, frames in variants])
        one, two = (harness.info_column(self.path, display_filter="mqttscope or websocket", order=order)
                    for order in (harness.Order.ONE_PASS, harness.Order.TWO_PASSES))
        if "websocket" in name:
            # A WebSocket message that waits for bytes which never come hides others in Wireshark's first pass alone.
            hidden = two.keys() - one.keys()
            self.assertLess(len(hidden), len(two) / 1000)
            two = {frame: info for frame, info in two.items() if frame not in hidden}
        self.assertEqual(one, two)
        compared["altered frames"] += len(one)
        harness.tshark("-V", capture=self.path)


def _add_tests() -> None:
    def add(kind: str, name: str, *arguments: object) -> None:
        def test(self: TestDamage) -> None:
            getattr(self, f"check_{kind}")(name, *arguments)
        words = f"test_{kind}_{Path(name).stem}" + ("_" + label if label != "default" else "")
        test.__name__ = words.replace("-", "_")
        setattr(TestDamage, test.__name__, test)

    for at, name in enumerate(SOURCES):
        label = "default"
        add("losses", name, PREFERENCES[label])
        if at % 3 == 0:
            add("changes", name)
        label = "on_request"
        add("losses", name, tuple(harness.ON_REQUEST.items()))
        label = sorted(PREFERENCES)[at % len(PREFERENCES)]
        if label != "default":
            add("losses", name, PREFERENCES[label])


_add_tests()

if __name__ == "__main__":
    unittest.main()
