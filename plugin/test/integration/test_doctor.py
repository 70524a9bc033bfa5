# test_doctor.py: mqttscope doctor: each thing that can be amiss is brought about, and is named with what to do.
# SPDX-License-Identifier: GPL-2.0-or-later

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import harness  # noqa: E402
from environment import Settings, identity, private_folder, variables, version  # noqa: E402
from test_command import installed  # noqa: E402

HEALTHY, AMISS, UNJUDGED = range(3)
PLUGIN = "lib/wireshark/plugins/{}/epan/mqttscope.so"
MAY_CAPTURE = '#!/bin/sh\ncase "$*" in -D) echo "1. lo (Loopback)" ;; esac\n'
MAY_NOT = '#!/bin/sh\ncase "$*" in -D) echo "1. lo (Loopback)" ;; *) exit 2 ;; esac\n'
OLD_TSHARK = "#!/bin/sh\necho 'TShark (Wireshark) 3.6.2 (Git)'\n"


class Doctor(unittest.TestCase):
    def setUp(self) -> None:
        self.home = Path(tempfile.mkdtemp(dir=private_folder()))
        self.addCleanup(shutil.rmtree, self.home)
        self.command = installed() / "bin" / "mqttscope"

    def put(self, path: str, data: bytes) -> Path:
        """A file in the user's home that everybody may read and run."""
        target = self.home / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        subprocess.run(["chmod", "-R", "a+rwX", str(self.home)], check=True)
        target.chmod(0o755)
        return target

    def doctor(self, settings: Settings = Settings(), before: tuple[str, ...] = (), **environment: str) -> tuple[int, str]:
        """Exit status and output of the command."""
        harness.require_plugin()
        self.put("bin/dumpcap", environment.pop("dumpcap", MAY_CAPTURE).encode())
        told = variables(settings, False) | {"HOME": str(self.home), "PATH": f"{self.home}/bin:{os.environ['PATH']}"} | environment
        done = subprocess.run([*before, "/usr/bin/python3", str(self.command), "doctor"], env=told, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, encoding="utf-8", timeout=120, cwd=private_folder(), check=False, **identity())
        self.assertEqual(done.stderr, "")
        return done.returncode, done.stdout

    def expect(self, outcome: tuple[int, str], status: int, *patterns: str) -> None:
        """The exit status, and lines that are there."""
        self.assertEqual(outcome[0], status, outcome[1])
        for pattern in patterns:
            self.assertRegex(outcome[1], f"(?m){pattern}")

    def plugin(self) -> bytes:
        """The plugin that is tested."""
        return Path(variables(Settings(), False)["WIRESHARK_PLUGIN_DIR"], "{}.{}".format(*version()), "epan", "mqttscope.so").read_bytes()

    def test_healthy(self) -> None:
        self.expect(self.doctor(), HEALTHY, r"^ok +tshark +/.* loads mqttscope \d", "^ok +MQTT +is read by the plugin", "^ok +capture .*allowed \\(lo\\)",
                    "^mqttscope doctor: 0 problems$")

    def test_switched_off(self) -> None:
        self.expect(self.doctor(Settings(disabled=("mqttscope",))), AMISS, "^problem +MQTT .*plugin is switched off\n +-> .*Enabled Protocols",
                    "^mqttscope doctor: 1 problem$")
        self.expect(self.doctor(Settings(disabled=("mqtt",))), AMISS, "^problem +MQTT .*protocol MQTT is switched off\n +-> ")

    def test_decode_as(self) -> None:
        self.expect(self.doctor(Settings(decode_as=("tcp.port==1883,http",))), AMISS, "^problem +MQTT .*port 1883 .*decode_as_entries.*\n +-> .*Decode As")

    def test_none(self) -> None:
        empty = tempfile.mkdtemp(dir=private_folder())
        self.expect(self.doctor(WIRESHARK_PLUGIN_DIR=empty), UNJUDGED, "^problem +tshark .*does not have the plugin; it looks in .*\n +-> .*install.md")
        self.expect(self.doctor(MQTTSCOPE_TSHARK="/nonexistent/tshark"), UNJUDGED, "^problem +tshark +is not installed")

    def test_other_version(self) -> None:
        """A plugin for a version that is not there is found, and so is a Wireshark that is too old."""
        other = self.put(".local/" + PLUGIN.format("3.9"), b"")
        self.expect(self.doctor(WIRESHARK_PLUGIN_DIR=str(self.home / "none")), UNJUDGED,
                    f"^problem .*needs a plugin built for {version()[0]}.{version()[1]}; there is only {other}")
        old = self.put("old/tshark", OLD_TSHARK.encode())
        self.expect(self.doctor(MQTTSCOPE_TSHARK=str(old)), UNJUDGED, r"^problem .*\(3\.6\.2\) is too old")

    def test_not_loadable(self) -> None:
        """What is no plugin stands where it should be."""
        folder = self.put("none/{}.{}/epan/mqttscope.so".format(*version()), b"no library").parents[2]
        self.expect(self.doctor(WIRESHARK_PLUGIN_DIR=str(folder)), UNJUDGED, f"^problem .*does not load {folder}/.*\n +-> build the plugin again")

    def test_two_copies(self) -> None:
        self.put(".local/" + PLUGIN.format("{}.{}".format(*version())), self.plugin())
        self.expect(self.doctor(), AMISS, "^problem +copies +the plugin is there more than once: .* is used\n +-> remove")

    def test_other_release(self) -> None:
        """The command and the plugin are of different releases."""
        shutil.copytree(installed(), self.home / "installed")
        rules = self.home / "installed" / "share" / "mqttscope" / "rules.json"
        rules.write_text('{"version": "0.0.1", "rules": {}, "statements": []}', encoding="utf-8")
        self.command = self.home / "installed" / "bin" / "mqttscope"
        self.expect(self.doctor(), AMISS, r"^problem +tshark .*; this command is 0\.0\.1\n +-> ")

    def test_flatpak(self) -> None:
        self.put(".local/share/flatpak/app/org.wireshark.Wireshark/current", b"")
        self.expect(self.doctor(), HEALTHY, "^note +Wireshark +there is one from Flatpak .*\n +-> use the Wireshark of your distribution")

    def test_capture(self) -> None:
        """That it is not allowed is said, and is no fault of the installation."""
        self.expect(self.doctor(dumpcap=MAY_NOT), HEALTHY, "^note +capture +live capture is not allowed\n +-> .*dpkg-reconfigure wireshark-common")

    def test_root(self) -> None:
        """Root does not load what is in a personal folder."""
        as_root = ("unshare", "--user", "--map-root-user")
        if subprocess.run([*as_root, "true"], capture_output=True, check=False, **identity()).returncode != 0:
            self.skipTest("needs a user namespace, to be root in it")
        self.put(".local/" + PLUGIN.format("{}.{}".format(*version())), self.plugin())
        self.expect(self.doctor(before=as_root, WIRESHARK_PLUGIN_DIR=str(self.home / "none")), UNJUDGED,
                    "^problem .*root loads no personal plugins: .*\n +-> run it as an ordinary user")


if __name__ == "__main__":
    unittest.main()
