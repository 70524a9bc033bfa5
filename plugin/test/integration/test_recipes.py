# test_recipes.py: what the README and plugin/doc say is true: their output, their filters, and their recipes, which are run.
# SPDX-License-Identifier: GPL-2.0-or-later
"""Each block of code that the documents mark to be run (`<!-- run: NAME -->`) has a test here, which runs it as it stands
there (with longer waits), in a folder that also has test-captures and tools.

Recipes that capture run in a network namespace of their own, as an ordinary user: every port is free there, and its
loopback interface carries nothing else. What they need and is not there is named by the skip.
"""

from __future__ import annotations

import functools
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from documents import FOLDER, TREE, block, broken_links, documents, first_cells, markers
from harness import Order, Settings, info_column, level_times, program, require_plugin, rows, tshark, tshark_statistics
from environment import identity, private_folder, readable, variables, without_secrets

CAPTURES = TREE / "test-captures"
NAMESPACE = ["unshare", "--user", "--map-current-user", "--keep-caps", "--net", "--kill-child"]
DEBIAN_PYTHON = "/usr/bin/python3"
"""The Python for which Debian's paho is installed; another may be first in the path."""


def run(script: str, folder: Path, namespace: bool = False, **more: str) -> str:
    """The output of a shell script in `folder`, which must end well; the plugin is loaded by what it starts."""
    require_plugin()
    environment = variables(Settings(), False) | more
    environment["PATH"] += ":/usr/sbin:/sbin"
    command = ["bash", "-euc", script]
    if namespace:
        command = [*NAMESPACE, "bash", "-euc", "ip link set lo up\n" + script]
    done = subprocess.run(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=120, **identity())
    output = done.stdout.decode("utf-8", "replace")
    if done.returncode != 0:
        raise AssertionError(f"status {done.returncode} from\n{script}\n{output}\n{done.stderr.decode('utf-8', 'replace')}")
    return output


@functools.cache
def namespace_works() -> bool:
    """True if an ordinary user may make a network namespace here."""
    if shutil.which("unshare") is None or shutil.which("ip", path=os.environ["PATH"] + ":/usr/sbin:/sbin") is None:
        return False
    done = subprocess.run([*NAMESPACE, "sh", "-c", "PATH=$PATH:/usr/sbin:/sbin; ip link set lo up"],
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=30, **identity())
    return done.returncode == 0


class Recipe(unittest.TestCase):
    """A test with a folder in which the documents' commands work."""

    maxDiff = None

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="recipe-", dir=private_folder()))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        for name in ("test-captures", "tools"):
            # Copied where the ordinary user may not read the tree.
            source = TREE / name
            if readable(source / "README.md" if (source / "README.md").exists() else next(
                    each for each in source.rglob("*") if each.is_file())).is_relative_to(TREE):
                (self.folder / name).symlink_to(source)
            else:
                shutil.copytree(source, self.folder / name)
        self.folder.chmod(0o755)
        if os.geteuid() == 0:
            os.chown(self.folder, 65534, 65534)

    def need(self, *programs: str) -> None:
        """Skips the test, saying why, where a program is missing or no namespace can be made."""
        path = os.environ["PATH"] + ":/usr/sbin:/sbin"
        absent = [each for each in programs if shutil.which(each, path=path) is None]
        if absent:
            self.skipTest("not installed: " + ", ".join(absent))
        if not namespace_works():
            self.skipTest("an ordinary user cannot make a network namespace here (unshare, ip)")

    def expect(self, output: str, *entries: str) -> None:
        """Each entry stands in a line of its own in the output, in this order."""
        lines = iter(output.split("\n"))
        for entry in entries:
            self.assertTrue(any(entry in line for line in lines), f"'{entry}' is not there, or not in its place:\n{output}")


class TestDocuments(Recipe):
    def test_output(self) -> None:
        """Each screenful of output is its capture's."""
        self.assertGreaterEqual(len(markers("output")), 2)
        for capture in markers("output"):
            with self.subTest(capture):
                self.assertEqual(block(f"output: {capture}").rstrip(), tshark("-Y", "mqtt", capture=TREE / capture).rstrip())

    def test_tree(self) -> None:
        self.assertTrue(markers("tree"))
        for marker in markers("tree"):
            capture, frame = marker.split()
            with self.subTest(marker):
                shown = tshark("-O", "mqtt", "-Y", f"frame.number == {frame}", capture=TREE / capture, order=Order.TWO_PASSES)
                self.assertEqual(level_times(block(f"tree: {marker}").rstrip()),
                                 level_times(shown[shown.index("\nMQ Telemetry") + 1:].rstrip()))

    def test_filters(self) -> None:
        """Wireshark knows every filter of the table, and each finds something in some capture."""
        filters = first_cells(FOLDER / "filters.md", "filter")
        self.assertGreater(len(filters), 15)
        captures = [CAPTURES / name for name in (
            "real/readme-pair-v5.pcap", "real/mosquitto-v5.pcap", "real/mosquitto-v5-properties.pcap",
            "real/mosquitto-refused.pcap", "real/mosquitto-bridge-v311.pcap", "real/mosquitto-will.pcap",
            "real/mosquitto-session.pcap", "real/mosquitto-snaplen.pcap", "real/mosquitto-midstream.pcap",
            "real/paho-v5-properties.pcap", "cases/string-past-end.pcap",
            "cases/suback-codes.pcap", "real/burst-level4.pcap")]
        merged = self.folder / "merged.pcapng"
        subprocess.run([program("mergecap"), "-a", "-w", str(merged), *map(str, captures)], check=True, timeout=60)
        merged.chmod(0o644)
        # Crafted connections share addresses, so that they cannot be merged.
        looked_at = [merged, *(CAPTURES / "cases" / name for name in (
            "exchange-resend-v311.pcap", "session-taken-over.pcap", "qos-3.pcap", "rules/sessions-denied-kept.pcap"))]
        for each in filters:
            with self.subTest(filter=each):
                self.assertTrue(any(rows(capture, ["frame.number"], display_filter=each) for capture in looked_at))

    def test_statistics(self) -> None:
        """Each statistic is in the table, and has something to say."""
        words = {"mqttscope,sessions": "sub-12", "mqttscope,clients": "sub-12", "mqttscope,deliveries": "kitchen", "mqttscope,messages": "kitchen",
                 "conv,mqttscope": "sub-12",
                 "endpoints,mqttscope": "sub-12", "mqttscope,json": "sub-12", "mqttscope_packets,tree": "PUBLISH",
                 "mqttscope_topics,tree": "kitchen", "mqttscope_clients,tree": "sub-12", "mqttscope,srt": "PUBLISH-PUBACK",
                 "mqttscope,rules": "disconnect_with_will_without_will", "mqttscope,events": "MQTT Events",
                 "flow,mqttscope,standard": "CONNACK Success"}
        listed = {each.removeprefix("-q -z ").split("[")[0] for each in first_cells(FOLDER / "statistics.md", "tshark")
                  if each.startswith("-q -z ")}
        self.assertEqual(listed, set(words))
        self.assertEqual({each.removesuffix(",standard") for each in listed}, set(tshark_statistics()))
        for name, word in words.items():
            with self.subTest(statistic=name):
                self.assertIn(word, tshark("-q", "-z", name, capture=CAPTURES / "real/mosquitto-v5.pcap"))

    def test_questions(self) -> None:
        """Each answer of the README's first five minutes has something to say."""
        text = (TREE / "README.md").read_text(encoding="utf-8")
        start = text.index("\n| question ")
        answers = re.findall(r"^\| [^|`]+\? \| `(.*?)` \|", text[start:text.index("\n\n", start)], re.MULTILINE)
        self.assertGreater(len(answers), 4)
        captures = [CAPTURES / name for name in ("real/mosquitto-v5.pcap", "real/mosquitto-session.pcap", "cases/qos-3.pcap")]
        for each in answers:
            with self.subTest(answer=each):
                self.assertTrue(any(tshark(*shlex.split(each), capture=capture) for capture in captures))

    def test_links(self) -> None:
        """The files and headings that the documents link to are there."""
        self.assertEqual(broken_links(documents()), [])

    def test_readme_is_short(self) -> None:
        self.assertLessEqual(len((TREE / "README.md").read_text(encoding="utf-8").splitlines()), 150)

    def test_every_recipe_is_run(self) -> None:
        tested = {name.removeprefix("test_").replace("_", "-") for name in dir(TestRecipes) if name.startswith("test_")}
        self.assertEqual(set(markers("run")) - {"tls-read"} - CONTAINER, tested - {"replay", "container"})


CONTAINER = {"docker-exec", "nsenter"}
"""What TestRecipes.test_container runs."""


class TestRecipes(Recipe):
    def test_midstream(self) -> None:
        output = run(block("run: midstream"), self.folder)
        self.expect(output, "PUBLISH", "PINGREQ")

    def test_aws(self) -> None:
        self.expect(run(block("run: aws"), self.folder), "CONNECT v3.1.1", "CONNACK", "DISCONNECT")

    def test_websocket(self) -> None:
        self.expect(run(block("run: websocket"), self.folder), "CONNECT v3.1.1", "CONNECT v5", "DISCONNECT")

    def test_lo(self) -> None:
        """A broker, a subscriber, a publisher and tcpdump, as the recipe has them."""
        self.need("tcpdump", "mosquitto", "mosquitto_pub", "mosquitto_sub")
        (self.folder / "broker.conf").write_text("listener 1883\nallow_anonymous true\n")
        # The machine may be busy with other tests.
        (self.folder / "recipe.sh").write_text(block("run: lo").replace("sleep 1", "sleep 3"))
        output = run("mosquitto -c broker.conf >broker.log 2>&1 &\nsleep 3\nbash -eu recipe.sh\nkill %1", self.folder,
                     namespace=True)
        self.expect(output, "CONNECT v3.1.1", "CONNACK", "SUBSCRIBE (1) topic/# QoS 1", "SUBACK (1)",
                    'PUBLISH topic/001 QoS 0 "hello!"')

    def test_container(self) -> None:
        """What docker would run in a container runs here; inspect names the broker's process. Wireshark's place is taken by tshark."""
        self.need("tcpdump", "mosquitto", "mosquitto_pub", "nsenter")
        (self.folder / "broker.conf").write_text("listener 1883\nallow_anonymous true\n")
        stand_ins = {"docker": 'if [ "$1" = inspect ]; then cat pid; else shift 3; exec "$@"; fi', "wireshark": "exec tshark -r - -Y mqtt",
                     "tcpdump": f'exec timeout -s INT 10 {shutil.which("tcpdump", path=os.environ["PATH"] + ":/usr/sbin:/sbin")} "$@"'}
        for name, text in stand_ins.items():
            (self.folder / "bin").mkdir(exist_ok=True)
            (self.folder / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
            (self.folder / "bin" / name).chmod(0o755)
        (self.folder / "bin").chmod(0o755)
        for marker in sorted(CONTAINER):
            with self.subTest(marker):
                output = run(f"""mosquitto -c broker.conf >broker.log 2>&1 &
                    echo $! >pid
                    export PATH=$PWD/bin:$PATH:/usr/sbin:/sbin
                    until ss -H -l -t -n 'sport = :1883' | grep -q .; do sleep 0.1; done
                    (sleep 4; mosquitto_pub -t topic/001 -m 'hello!') &
                    {block(f"run: {marker}").strip()}
                    kill $(cat pid)
                    wait""", self.folder, namespace=True)
                self.expect(output, "CONNECT v3.1.1", "CONNACK", 'PUBLISH topic/001 QoS 0 "hello!"')

    def test_tls_mosquitto(self) -> None:
        self.need("cc", "mosquitto_pub")
        self._over_tls(block("run: tls-mosquitto"), 'PUBLISH topic/001 QoS 0 "hello!"')

    def test_tls_python(self) -> None:
        self.need(DEBIAN_PYTHON)
        if subprocess.run([DEBIAN_PYTHON, "-c", "import paho.mqtt.client"], capture_output=True).returncode != 0:
            self.skipTest("not installed: python3-paho-mqtt")
        (self.folder / "client.py").write_text(block("run: tls-python"))
        self._over_tls(f"{DEBIAN_PYTHON} client.py", 'PUBLISH topic/001 QoS 0 "hello!"')

    def test_tls_node(self) -> None:
        """MQTT.js need not be there for this: a client made of bytes has the same key log."""
        self.need("node")
        (self.folder / "client.js").write_text("""
            const socket = require('tls').connect({ host: 'localhost', port: 8883,
              ca: require('fs').readFileSync('ca.crt') }, () => socket.write(Buffer.from('101000044d5154540402003c00046e6f6465',
              'hex')))
            socket.on('data', () => socket.end(Buffer.from('e000', 'hex')))
            """)
        self._over_tls(block("run: tls-node"), "CONNECT v3.1.1", "CONNACK", "DISCONNECT")

    def test_replay(self) -> None:
        """Recorded captures read with their key log in each way of the recipe, on every version of Wireshark."""
        without_secrets(CAPTURES / "real" / "tls-mosquitto.pcapng", self.folder / "mqtt.pcap")
        shutil.copy(CAPTURES / "real" / "tls-mosquitto.keys", self.folder / "keys.log")
        for each in self.folder.glob("*.*"):
            each.chmod(0o644)
        self.assertEqual(info_column(self.folder / "mqtt.pcap", display_filter="mqtt"), {})
        wanted = info_column(CAPTURES / "real" / "tls-mosquitto.pcapng", display_filter="mqtt")
        self.assertGreater(len(wanted), 10)
        output = run(block("run: tls-read"), self.folder)
        self.expect(output, *wanted.values(), *wanted.values())

    def _over_tls(self, client: str, *entries: str) -> None:
        """Records a broker with TLS while `client` runs, reads the capture with the key log in both ways."""
        self.need("tcpdump", "mosquitto", "openssl", "editcap")
        self._make_certificates()
        (self.folder / "broker.conf").write_text("listener 8883\nallow_anonymous true\ncafile ca.crt\n"
                                                 "certfile server.crt\nkeyfile server.key\n")
        output = run(f"""mosquitto -c broker.conf >broker.log 2>&1 &
            broker=$!
            tcpdump -i lo -U --immediate-mode -w mqtt.pcap 'tcp port 8883' 2>tcpdump.log &
            recorder=$!
            until grep -q 'listening on' tcpdump.log && ss -H -l -t -n 'sport = :8883' | grep -q .; do sleep 0.1; done
            {client.strip()}
            sleep 2
            kill $recorder $broker
            wait $recorder || true
            """ + block("run: tls-read"), self.folder, namespace=True)
        self.expect(output, *entries, *entries)

    def _make_certificates(self) -> None:
        """An authority and a certificate for localhost, gone with the folder."""
        key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
        run(f"""openssl req -x509 {key} -days 2 -subj '/CN=Test authority' -keyout ca.key -out ca.crt
            openssl req {key} -subj /CN=localhost -keyout server.key -out server.csr
            printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\\n' >server.ext
            openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile server.ext \\
                -out server.crt
            """, self.folder)


if __name__ == "__main__":
    unittest.main()
