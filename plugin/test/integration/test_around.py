# test_around.py: the command around other commands: live capture, baseline, whose exit status it is, and the snippets of ci.md.
# SPDX-License-Identifier: GPL-2.0-or-later
"""A small client with a fault that is known, in a folder of its own, is put under `mqttscope lint -i lo` as ci.md has it. Capturing is
done in a network namespace, as an ordinary user (test_recipes.py)."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tools"), str(Path(__file__).resolve().parent)]

import harness  # noqa: E402
from environment import Settings, identity, private_folder, variables  # noqa: E402
from test_command import CLEAN_STATUS, FINDINGS, UNJUDGED, USAGE, installed  # noqa: E402
from test_recipes import NAMESPACE, namespace_works  # noqa: E402

DOCUMENT = (ROOT / "plugin" / "doc" / "ci.md").read_text(encoding="utf-8")
FAULT = 'PUBLISH = b"\\x36\\x05\\x00\\x01a\\x00\\x01"  # QoS 3\n'
MENDED = 'PUBLISH = b"\\x30\\x04\\x00\\x01ax"\n'
CLIENT = '''\
"""A client and the little of a broker that it needs, and their test."""
import os, socket, sys, threading, unittest
{publish}

def serve(server):
    connection, _ = server.accept()
    connection.recv(100)
    connection.sendall(b"\\x20\\x02\\x00\\x00")
    while connection.recv(100):
        pass

def publish(port):
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"\\x10\\x12\\x00\\x04MQTT\\x04\\x02\\x00\\x3c\\x00\\x06sensor")
        client.recv(4)
        client.sendall(PUBLISH + b"\\xe0\\x00")

class TestPublish(unittest.TestCase):
    def test_publish(self):
        with socket.create_server(("127.0.0.1", 1883)) as server:
            threading.Thread(target=serve, args=(server,), daemon=True).start()
            publish(1883)

if __name__ == "__main__":
    unittest.main()
'''
TLS_CLIENT = '''\
"""The same over TLS, with a certificate of its own."""
import socket, ssl, threading
from test_client import PUBLISH

def serve(server):
    connection, _ = server.accept()
    try:
        connection.recv(100)
        connection.sendall(b"\\x20\\x02\\x00\\x00")
        while connection.recv(100):
            pass
    except OSError:
        pass

outside = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
outside.load_cert_chain("cert.pem", "key.pem")
context = ssl.create_default_context(cafile="cert.pem")
context.check_hostname = False
with outside.wrap_socket(socket.create_server(("127.0.0.1", 8883)), server_side=True) as server:
    thread = threading.Thread(target=serve, args=(server,))
    thread.start()
    with context.wrap_socket(socket.create_connection(("127.0.0.1", 8883))) as client:
        client.sendall(b"\\x10\\x12\\x00\\x04MQTT\\x04\\x02\\x00\\x3c\\x00\\x06sensor")
        client.recv(4)
        client.sendall(PUBLISH + b"\\xe0\\x00")
    thread.join()
'''
CHECK = "#!/bin/sh\n/usr/bin/python3 -m unittest -q test_client || exit 1\nexit ${FAILURE:-0}\n"


def block(name: str) -> str:
    """The snippet of ci.md."""
    found = re.search(rf"<!-- ci: {name} -->\n```\w+\n(.*?)```\n", DOCUMENT, re.DOTALL)
    if found is None:
        raise AssertionError(f"ci.md has no block {name}")
    return found[1]


class AroundTest(unittest.TestCase):
    maxDiff = None

    def setUp(self) -> None:
        harness.require_plugin()
        if shutil.which("dumpcap") is None:
            self.skipTest("not installed: dumpcap (wireshark-common)")
        if not namespace_works():
            self.skipTest("an ordinary user cannot capture in a network namespace here (unshare, ip)")
        self.folder = Path(tempfile.mkdtemp(prefix="around-", dir=private_folder()))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.temporary = self.folder / "tmp"
        self.temporary.mkdir()
        self.write("check", CHECK).chmod(0o755)
        self.client(FAULT)
        subprocess.run(["chmod", "-R", "a+rwX", str(self.folder)], check=True)

    def write(self, name: str, text: str) -> Path:
        """A file of the client's folder."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o666)
        return path

    def client(self, publish: str) -> None:
        """The client and its test."""
        self.write("test_client.py", CLIENT.replace("{publish}", publish))

    def start(self, script: str, **environment: str) -> subprocess.Popen[str]:
        """A shell in the client's folder, with the command in its path, that may capture."""
        given = variables(Settings(), False) | {"TMPDIR": str(self.temporary)} | environment
        given["PATH"] = os.pathsep.join([str(installed() / "bin"), "/usr/bin", "/bin", given["PATH"], "/usr/sbin", "/sbin"])
        return subprocess.Popen([*NAMESPACE, "bash", "-euc", "ip link set lo up\n" + script], cwd=self.folder, env=given, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace", **identity())

    def run_script(self, script: str, status: int, words: str = "", **environment: str) -> str:
        """What a script says that ends with a status; the temporary folder is empty then."""
        with self.start(script, **environment) as process:
            output, complaints = process.communicate(timeout=120)
        said = output + complaints
        self.assertEqual(process.returncode, status, said)
        self.assertNotIn("Traceback", said)
        if words:
            self.assertRegex(said, words)
        self.assertEqual(list(self.temporary.iterdir()), [])
        return said

    def lint(self, options: str, status: int, words: str = "", **environment: str) -> str:
        """The command around the client's test."""
        return self.run_script(f"exec mqttscope lint -i lo {options}", status, words, **environment)


class Around(AroundTest):
    def test_red_green_stale(self) -> None:
        """From the document: red with the statement, known, green after the mend, red where the baseline is stale."""
        first, known = block("baseline-first"), block("baseline")
        self.lint("-- ./check", FINDINGS, r"(?s)QoS of PUBLISH is 3 \[MQTT-3\.3\.1-4\].*exit status 1: the verdict's\)\n\Z")
        self.run_script(first, CLEAN_STATUS, "1 finding known")
        self.assertEqual(json.loads((self.folder / "known.json").read_text(encoding="utf-8"))["known"],
                         [{"rule": "publish_qos_3", "side": "client", "client": "sensor", "count": 1}])
        self.run_script(known, CLEAN_STATUS, "1 finding known")
        self.client(MENDED)
        self.lint("-- ./check", CLEAN_STATUS, "mqttscope: clean")
        self.run_script(known, FINDINGS, "baseline is stale: nothing fits publish_qos_3, client, sensor")

    def test_own_failure(self) -> None:
        """The command's failure is passed on, by whatever it ended, and is said to be the command's."""
        self.lint("-- ./check", 7, r"exit status 7: the command's\)\n\Z", FAILURE="7")
        self.lint("-- sh -c 'kill -TERM $$'", 128 + signal.SIGTERM, "the command's")
        self.lint("-- ./nonexistent", 127, "No such file")
        for name in ("json", "junit", "sarif", "gitlab", "github", "markdown"):
            self.assertIn("exit status 7: the command", self.lint(f"--format {name} -- ./check 2>/dev/null", 7, FAILURE="7"))

    def test_no_mqtt(self) -> None:
        self.lint("-- true", UNJUDGED, "no MQTT in it")

    def test_tls(self) -> None:
        """What is sent over TLS is judged with the keys that the client writes, and cannot be judged without."""
        if shutil.which("openssl") is None:
            self.skipTest("not installed: openssl")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-days", "2", "-subj", "/CN=localhost"],
                       cwd=self.folder, check=True, capture_output=True)
        subprocess.run(["chmod", "a+r", str(self.folder / "key.pem")], check=True)
        self.write("tls.py", TLS_CLIENT)
        self.lint("-- /usr/bin/python3 tls.py", FINDINGS, r"QoS of PUBLISH is 3 \[MQTT-3\.3\.1-4\]")
        self.lint("-- env -u SSLKEYLOGFILE /usr/bin/python3 tls.py", UNJUDGED, "stream of MQTT by port or ALPN could not be read")

    def test_ports(self) -> None:
        """Other ports than those asked for are not captured."""
        self.lint("--port 1884 -- ./check", UNJUDGED, "no MQTT in it")
        self.lint("--port 1884 --port 1883 -- ./check", FINDINGS)
        for wrong in ("--port 0 -- true", "--port '1883 or tcp' -- true", "--for x -- true", "", "capture.pcap -- true"):
            self.lint(wrong, USAGE)

    def test_time(self) -> None:
        """A command that runs on is ended, and that is no failure; without one it is the time of the capture."""
        self.lint("--for 2s -- sh -c './check; exec sleep 100'", FINDINGS, "the verdict's")
        self.lint("--for 500ms", UNJUDGED, "no MQTT in it")

    def test_keep(self) -> None:
        """The capture is kept where it is asked for, for its owner alone; keys are not in it."""
        kept = self.folder / "kept.pcapng"
        self.lint("--keep kept.pcapng -- ./check", FINDINGS)
        self.assertEqual(stat.S_IMODE(kept.stat().st_mode), 0o600)

    def test_modes(self) -> None:
        """While the command runs the folder and what is in it are for their owner alone."""
        said = self.lint("-- sh -c './check; stat -c \"%a %F\" $TMPDIR/mqttscope-* $TMPDIR/mqttscope-*/*; test -f $SSLKEYLOGFILE'", FINDINGS)
        modes = re.findall(r"^(\d+) (directory|regular)", said, re.MULTILINE)
        self.assertEqual({each for each in modes}, {("700", "directory"), ("600", "regular")})

    def test_signals(self) -> None:
        """A signal ends the command and dumpcap, and then the command line as such a signal does; capture and key log are gone. A terminal sends
        SIGINT to the command as well."""
        for number, send in ((signal.SIGTERM, os.kill), (signal.SIGINT, os.kill), (signal.SIGINT, os.killpg), (signal.SIGHUP, os.kill)):
            # A shell's background job ignores SIGINT unless told otherwise.
            script = "setsid env --default-signal=INT mqttscope lint -i lo -- sh -c 'echo $$ >started; mv started running; exec sleep 100' & echo $! >pid\nwait $!"
            with self.subTest(signal=number, send=send.__name__), self.start(script) as process:
                end = time.monotonic() + 30
                while not (self.folder / "running").exists() and time.monotonic() < end:
                    time.sleep(0.05)
                running = int((self.folder / "running").read_text())
                (self.folder / "running").unlink()
                self.assertLessEqual({"keys.log", "live.pcapng"}, {each.name for each in self.temporary.glob("*/*")})
                send(int((self.folder / "pid").read_text()), number)
                output, complaints = process.communicate(timeout=60)
                self.assertEqual(process.returncode, 128 + number, output + complaints)
                self.assertNotIn("Traceback", complaints)
                self.assertEqual(list(self.temporary.iterdir()), [])
                self.assertFalse(Path(f"/proc/{running}").exists())

    def test_not_allowed(self) -> None:
        """Where capturing is not allowed it is said what to do, and the command is not started."""
        without = "setpriv --inh-caps=-all --ambient-caps=-all --bounding-set=-all mqttscope lint -i lo -- touch started"
        self.run_script(without, UNJUDGED, "(?s)live capture is not allowed here.*cap-add=NET_RAW")
        self.assertFalse((self.folder / "started").exists())
        self.run_script("mqttscope lint -i nonexistent0 -- touch started", UNJUDGED, "dumpcap does not capture|not allowed")

    def test_dropped(self) -> None:
        """Packets that dumpcap dropped make the verdict partial."""
        real = shutil.which("dumpcap")
        fake = self.folder / "fake"
        fake.mkdir()
        self.write("fake/dumpcap", f"#!/bin/sh\ntrap 'kill -INT $child' INT\n{real} \"$@\" 2>dumpcap.said & child=$!\n"
                   "until grep -q ^File: dumpcap.said; do sleep 0.05; done\necho 'File: x' >&2\nwait $child\nwait $child\n"
                   "echo \"Packets received/dropped on interface 'lo': 12/3 (pcap:3/dumpcap:0/flushed:0/ps_ifdrop:0) (80.0%)\" >&2\n").chmod(0o755)
        subprocess.run(["chmod", "-R", "a+rwX", str(fake)], check=True)
        self.run_script("PATH=$PWD/fake:$PATH exec mqttscope lint -i lo -- ./check", FINDINGS, "partial: dumpcap dropped 3 packets")
        self.run_script("PATH=$PWD/fake:$PATH exec mqttscope lint -i lo --require-complete -- ./check", UNJUDGED)


class Snippets(AroundTest):
    """The commands of ci.md, as they stand there."""

    def setUp(self) -> None:
        super().setUp()
        self.run_script(block("baseline-first"), CLEAN_STATUS)

    def test_each_is_tested(self) -> None:
        """No block is left out."""
        self.assertEqual(set(re.findall(r"<!-- ci: (\S+) -->", DOCUMENT)),
                         {"baseline-first", "baseline", "makefile", "pytest", "node", "github", "gitlab", "jenkins"})

    def outputs(self, *names: str) -> None:
        """The reports are there."""
        for name in names:
            self.assertGreater((self.folder / name).stat().st_size, 0, name)

    def test_makefile(self) -> None:
        if shutil.which("make") is None:
            self.skipTest("not installed: make")
        self.write("Makefile", block("makefile"))
        self.run_script("exec make check", CLEAN_STATUS)
        self.client(FAULT.replace("\\x00\\x01a", "\\x00\\x01b"))
        self.run_script("make check FAILURE=3 || exit 9", 9, FAILURE="3")

    def test_pytest(self) -> None:
        if subprocess.run(["/usr/bin/python3", "-c", "import pytest"], capture_output=True, check=False).returncode != 0:
            self.skipTest("not installed: python3-pytest")
        self.run_script(block("pytest"), FINDINGS, "1 passed")
        self.outputs("mqtt.xml")

    def test_node(self) -> None:
        if shutil.which("node") is None:
            self.skipTest("not installed: nodejs")
        self.write("check.test.js", "const { test } = require('node:test')\nconst { execFileSync } = require('node:child_process')\n"
                   "test('publishes', () => { execFileSync('./check') })\n")
        self.run_script(block("node"), FINDINGS, "pass 1")
        self.outputs("mqtt.xml")

    def test_github(self) -> None:
        steps = re.findall(r"- run: >\n(.*?)\n      - ", block("github"), re.DOTALL)
        said = self.run_script(" ".join(textwrap.dedent(steps[0]).split()), CLEAN_STATUS)
        self.assertRegex(said, r"(?m)^::error file=.*title=QoS of PUBLISH is 3 \[MQTT-3\.3\.1-4\]::")
        summary = re.search(r"run: (cat .*)", block("github"))
        assert summary is not None
        self.run_script(summary[1], CLEAN_STATUS, GITHUB_STEP_SUMMARY="summary.md")
        self.outputs("mqtt.sarif", "summary.md")

    def test_gitlab(self) -> None:
        command = re.search(r"- (mqttscope .*)", block("gitlab"))
        assert command is not None
        self.run_script(command[1], CLEAN_STATUS)
        self.outputs("gl-code-quality-report.json", "mqtt.xml")
        issues = json.loads((self.folder / "gl-code-quality-report.json").read_text(encoding="utf-8"))
        self.assertEqual([(each["check_name"], each["severity"]) for each in issues], [("publish_qos_3", "critical")])

    def test_jenkins(self) -> None:
        command = re.search(r"sh '(.*)'", block("jenkins"))
        assert command is not None
        self.run_script(command[1], CLEAN_STATUS)
        self.outputs("mqtt.xml", "mqtt.sarif")


if __name__ == "__main__":
    unittest.main()
