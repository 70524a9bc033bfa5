# test_cases.py: every crafted case is decoded as its file says, in whatever order frames are dissected.
# SPDX-License-Identifier: GPL-2.0-or-later
"""One test for each test-captures/cases/*.case, named after the file.

Its capture must be what the case builds; what the case asserts must hold in one pass and in two;
and what is shown must be the same in one pass, in two, and in random access.
"""

from __future__ import annotations

import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tools"), str(Path(__file__).resolve().parent)]

import harness  # noqa: E402
from counted import compared  # noqa: E402
from casefile import SEVERITIES, Case, FieldAssertion, FindingAssertion, InfoAssertion, read_case  # noqa: E402
from casewire import Capture, build  # noqa: E402

CASES = ROOT / "test-captures" / "cases"
EVENT_PREFIX = "mqttscope.event."


def settings_of(case: Case) -> harness.Settings:
    """The settings that a case asks for."""
    return harness.Settings(tuple(case.preferences), tuple(case.heuristics), tuple(case.decode_as))


def _check_info(assertion: InfoAssertion, packet: harness.Packet) -> str | None:
    if (packet.info == assertion.text) if assertion.exact else (assertion.text in packet.info):
        return None
    return f"Info: expected {'' if assertion.exact else 'one with '}[{assertion.text}], found [{packet.info}]"


def _check_field(assertion: FieldAssertion, packet: harness.Packet) -> str | None:
    values = packet.values.get(assertion.name, [])
    if bool(values) if assertion.values is None else values == assertion.values:
        return None
    expected = "any value" if assertion.values is None else assertion.values or "none"
    return f"{assertion.name}: expected {expected}, found {values or 'none'}"


def _is_expected(name: str, case: Case, asserted: list[FindingAssertion]) -> bool:
    """Events happen in most cases; they count in those that are about events, and in others where they are asserted."""
    return (not name.startswith(EVENT_PREFIX) or case.path.parent == CASES / "events"
            or any(each.name == name for each in asserted))


def _check_findings(case: Case, labels: dict[str, int | None], packets: list[harness.Packet]) -> list[str]:
    """The findings of severity note or higher must be exactly those asserted; lower ones may be asserted."""
    asserted = [each for each in case.assertions if isinstance(each, FindingAssertion)]
    left = [finding for packet in packets for finding in packet.findings if _is_expected(finding.name, case, asserted)]
    found = {packet.number: ", ".join(f"{each.name} {each.severity} [{each.message}]" for each in packet.findings)
             for packet in packets}
    faults = []
    for each in sorted(asserted, key=lambda assertion: assertion.text is None):
        for finding in left:
            if ((finding.frame, finding.name, finding.severity) == (labels[each.label], each.name, each.severity)
                    and (each.text is None or each.text in finding.message)):
                left.remove(finding)
                break
        else:
            text = "" if each.text is None else f" with the text [{each.text}]"
            number = labels[each.label]
            faults.append(f"line {each.line}: frame {number} (@{each.label}): expected the finding {each.name} "
                          f"{each.severity}{text}, found {found.get(number) or 'none'}")
    for finding in left:
        if SEVERITIES.index(finding.severity) >= SEVERITIES.index("note"):
            faults.append(f"frame {finding.frame}: expected no further finding, found {finding.name} {finding.severity} "
                          f"[{finding.message}]")
    return faults


def check_case(case: Case, capture: Capture, packets: list[harness.Packet]) -> list[str]:
    """What a case asserts and the packets do not show, one text for each; empty if all holds."""
    by_number = {packet.number: packet for packet in packets}
    faults = []
    for assertion in case.assertions:
        if isinstance(assertion, FindingAssertion):
            continue
        number = capture.labels[assertion.label]
        packet = by_number[number or 0]
        fault = (_check_info(assertion, packet) if isinstance(assertion, InfoAssertion)
                 else _check_field(assertion, packet))
        if fault is not None:
            faults.append(f"line {assertion.line}: frame {number} (@{assertion.label}): {fault}")
    return faults + _check_findings(case, capture.labels, packets)


class TestCases(unittest.TestCase):
    """Filled below with one test for each case file."""

    maxDiff = None

    def run_case(self, path: Path) -> None:
        """The whole test of one case file."""
        case = read_case(path)
        capture = build(case)
        pcap = path.with_suffix(".pcap")
        self.assertTrue(pcap.exists(), f"{pcap.name} is missing: run tools/case2pcap {path.name}")
        self.assertEqual(pcap.read_bytes(), capture.data, f"{pcap.name} is not what {path.name} builds")
        if harness.version() < case.wireshark:
            self.skipTest("Wireshark shows what it asserts from {}.{} on".format(*case.wireshark))
        shown = harness.three_orders(pcap, settings_of(case))
        one, two = (check_case(case, capture, shown[order])
                    for order in (harness.Order.ONE_PASS, harness.Order.TWO_PASSES))
        faults = one + [f"in two passes: {fault}" for fault in two if fault not in one]
        if faults:
            self.fail("".join(f"{path.name}: {fault}\n" for fault in faults))
        harness.assert_same_in_every_order(shown)
        compared.update({"cases": 1, "assertions of cases": 2 * len(case.assertions)})

    def test_there_are_cases(self) -> None:
        """An empty folder must not pass."""
        self.assertTrue(list(CASES.rglob("*.case")))

    def test_no_capture_without_a_case(self) -> None:
        """A capture beside the cases is built from one of them."""
        orphans = [each.name for each in CASES.rglob("*.pcap") if not each.with_suffix(".case").exists()]
        self.assertEqual(orphans, [])


def _add_tests() -> None:
    for path in sorted(CASES.rglob("*.case")):
        def test(self: TestCases, path: Path = path) -> None:
            self.run_case(path)
        name = path.relative_to(CASES).with_suffix("").as_posix()
        test.__name__ = "test_" + name.replace("-", "_").replace("/", "_")
        test.__doc__ = f"{path.name} holds."
        test.case = name  # for run.py
        setattr(TestCases, test.__name__, test)


_add_tests()

if __name__ == "__main__":
    unittest.main()
