# test_rooms.py: tools/check-rooms finds what is out of order.
# SPDX-License-Identifier: GPL-2.0-or-later
"""Each offence is put into a small tree that has none."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

ORDERLY = {
    "plugin/wire/packet.h": "int wire_read(void);\n",
    "plugin/wire/packet.c": '#include "packet.h"\n\n#include <string.h>\n\nint wire_read(void)\n{\n    return 1;\n}\n',
    "plugin/model/tracker.h": "int track(void);\n",
    "plugin/model/tracker.c": '#include "tracker.h"\n\n#include "conformance/order.h"\n#include "protocol/roles.h"\n\n'
    "int track(void)\n{\n    return check_order() + update_roles();\n}\n",
    "plugin/model/facts/facts.h": "struct facts {\n    int sender;\n};\n",
    "plugin/model/protocol/roles.h": "int update_roles(void);\n",
    "plugin/model/protocol/roles.c": '#include "roles.h"\n\n#include "../../wire/packet.h"\n\nint update_roles(void)\n{\n'
    "    return wire_read();\n}\n",
    "plugin/model/conformance/order.h": "int check_order(void);\n",
    "plugin/model/conformance/order.c": '#include "order.h"\n\n#include "../protocol/roles.h"\n\nint check_order(void)\n{\n'
    "    return update_roles();\n}\n",
    "plugin/show/tree.h": "int show_tree(void);\nint show_leaf(void);\n",
    "plugin/show/tree.c": '#include "tree.h"\n\nstatic int add_item(void)\n{\n    return show_leaf();\n}\n\n'
    "int show_tree(void)\n{\n    return add_item();\n}\n",
    "plugin/show/leaf.c": '#include "tree.h"\n\n#include "../model/facts/facts.h"\n\nint show_leaf(void)\n{\n    return 2;\n}\n',
}


class TestRooms(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        for name, text in ORDERLY.items():
            self.write(name, text)

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def append(self, name: str, text: str) -> None:
        self.write(name, ORDERLY[name] + text)

    def offences(self, *options: str) -> list[str]:
        """What check-rooms prints of the tree, without its last line."""
        done = subprocess.run([sys.executable, str(ROOT / "tools" / "check-rooms"), *options, str(self.root)],
                              capture_output=True, text=True, check=False)
        lines = done.stdout.splitlines()
        self.assertEqual(done.returncode, 1 if len(lines) > 1 else 0, done.stdout + done.stderr)
        return lines[:-1]

    def expect(self, *parts: str, options: tuple[str, ...] = ()) -> None:
        """There is one offence, and it has these parts."""
        offences = self.offences(*options)
        self.assertEqual(len(offences), 1, offences)
        for part in parts:
            self.assertIn(part, offences[0])

    def build(self) -> tuple[str, str]:
        """Compiles the tree as meson does; the options by which check-rooms reads that."""
        for tool in ("cc", "nm"):
            if shutil.which(tool) is None:
                self.skipTest(f"there is no {tool}")
        for path in sorted((self.root / "plugin").rglob("*.c")):
            name = str(path.relative_to(self.root / "plugin")).replace("/", "_") + ".o"
            target = self.root / "build" / "plugin" / "mqttscope.so.p" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["cc", "-c", "-O0", "-o", str(target), str(path)], check=True)
        return "--objects", str(self.root / "build")

    def test_orderly(self) -> None:
        self.assertEqual(self.offences(), [])
        self.assertEqual(self.offences(*self.build()), [])

    def test_room_above(self) -> None:
        self.append("plugin/wire/packet.h", '#include "../model/tracker.h"\n')
        self.expect("plugin/wire/packet.h:2:", "wire may not use model")

    def test_floor_above(self) -> None:
        self.append("plugin/model/protocol/roles.h", '#include "../conformance/order.h"\n')
        self.expect("plugin/model/protocol/roles.h:2:", "protocol may not use conformance")

    def test_inside_of_the_model(self) -> None:
        self.append("plugin/show/tree.h", '#include "../model/protocol/roles.h"\n')
        self.expect("plugin/show/tree.h:3:", "show may use the tracker and the facts")

    def test_version(self) -> None:
        for question in ("#if WIRESHARK_VERSION_MAJOR > 3\n", "#include <ws_version.h>\n", "int a = VERSION_MINOR;\n"):
            with self.subTest(question):
                self.append("plugin/show/tree.h", question)
                self.expect("plugin/show/tree.h:3:", "only plugin/compat.h")
        self.append("plugin/show/tree.h", "WS_DLL_PUBLIC_DEF const int plugin_want_major = WIRESHARK_VERSION_MAJOR;\n")
        self.assertEqual(self.offences(), [])

    def test_static_names(self) -> None:
        self.append("plugin/show/leaf.c", "\nstatic int add_item(void)\n{\n    return 3;\n}\n")
        offences = self.offences()
        self.assertEqual(len(offences), 2, offences)
        self.assertIn("plugin/show/leaf.c:10: add_item()", offences[0])

    def test_call_above(self) -> None:
        self.append("plugin/model/protocol/roles.c", "int check_order(void);\nint more(void)\n{\n    return check_order();\n}\n")
        offences = self.offences(*self.build())
        self.assertEqual(len(offences), 2, offences)
        self.assertIn("protocol may not use conformance, which is above it: it calls check_order", offences[0])
        self.assertIn("calls in a circle: ", offences[1])

    def test_call_circle(self) -> None:
        self.append("plugin/show/leaf.c", "\nint more(void)\n{\n    return show_tree();\n}\n")
        self.expect("calls in a circle: plugin/show/leaf.c calls show_tree of plugin/show/tree.c; ",
                    "plugin/show/tree.c calls show_leaf of plugin/show/leaf.c", options=self.build())

    def test_no_objects(self) -> None:
        self.expect("no object files of the plugin", options=("--objects", str(self.root / "nowhere")))


if __name__ == "__main__":
    unittest.main()
