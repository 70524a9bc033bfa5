#!/usr/bin/env python3
# gui.py: Wireshark's window on a display that nobody sees; used by test_gui.py and tools/screenshot.
# SPDX-License-Identifier: GPL-2.0-or-later
"""gui.py CAPTURE PICTURE [FRAME]
gui.py --profile NAME CAPTURE PICTURE

Opens CAPTURE in Wireshark with the plugin, selects FRAME, expands its MQTT tree, and puts a picture
of the window into PICTURE. MQTTSCOPE_PLUGIN_DIR says where the plugin is, as in environment.py.
With --profile, the window has this profile as it is installed, and its packet list must be the one
that tshark prints.
"""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from environment import (Settings, ToolError, complain_about, identity, private_folder, readable,
                         program, require_plugin, run, variables, version)

PROGRAMS = {"wireshark": "wireshark", "Xvfb": "xvfb", "xdotool": "xdotool", "xclip": "xclip"}
"""What is needed, and the Debian package of each; picture() needs `import` of imagemagick as well."""

_WITHOUT_DIALOGS = {"gui.update.enabled": "FALSE", "gui.console_open": "NEVER", "gui.ask_unsaved": "FALSE",
                    "gui.fileopen.style": "LAST_OPENED"}
"""No dialog may stand in the way."""

_PREFERENCES = "".join(f"{name}: {value}\n" for name, value in _WITHOUT_DIALOGS.items()) + """\
gui.column.format: "No.", "%m", "Time", "%t", "Source", "%s", "Destination", "%d", "Protocol", "%p", "Length", "%L",
\t"Info", "%i"
"""
"""No column may depend on whose machine this is."""


_RECENT = """\
gui.geometry_main_upper_pane: 180
gui.geometry_main_lower_pane: 730
"""
_RECENT_BEFORE_4_4 = """\
gui.geometry_main_x: 0
gui.geometry_main_y: 0
gui.geometry_main_width: {width}
gui.geometry_main_height: {height}
gui.geometry_main_lower_pane_2: 540
"""
"""The window fills the display; most of it is for the packet's tree. Wireshark 4.4 and 4.6 complain of what they do not know."""


def missing() -> list[str]:
    """The Debian packages that are not there."""
    return [package for name, package in PROGRAMS.items() if shutil.which(name) is None]


class Window:
    """Wireshark's main window, showing a capture. A context manager: leaving it ends Wireshark and the display.

    Leaving it without an exception asks Wireshark to quit, as a user would; ToolError if it then ends with an error or has
    complained.
    """

    def __init__(self, capture: Path | str, display_filter: str = "", frame: int = 0, width: int = 1280,
                 height: int = 880, timeout_s: float = 60, preferences: tuple[tuple[str, str], ...] = (),
                 decode_as: tuple[str, ...] = (), profile: str = "", environment: dict[str, str] | None = None,
                 installed_profile: str = "") -> None:
        require_plugin()
        self.capture = readable(capture)
        self.arguments = ["-r", str(self.capture)]
        if display_filter:
            self.arguments += ["-Y", display_filter]
        if frame:
            self.arguments += ["-g", str(frame)]
        self.size = width, height
        self.timeout_s = timeout_s
        # The file of preferences is here; Settings would write another.
        written = _PREFERENCES + "".join(f"{name}: {value}\n" for name, value in preferences)
        recent = _RECENT + (_RECENT_BEFORE_4_4.format(width=width, height=height) if version() < (4, 4) else "")
        folder = ""
        if profile:
            self.arguments += ["-C", profile]
            folder = f"profiles/{profile}/"
        if installed_profile:
            # Files of these names would take the place of the profile's own.
            self.arguments += ["-C", installed_profile]
            for name, value in _WITHOUT_DIALOGS.items():
                self.arguments += ["-o", f"{name}:{value}"]
            self.settings = Settings(decode_as=decode_as)
        else:
            self.settings = Settings(decode_as=decode_as, files=((folder + "preferences", written), (folder + "recent", recent)))
        self.further = environment or {}
        self.window = ""

    def __enter__(self) -> Window:
        self.stderr = tempfile.TemporaryFile()
        self.display, self.environment = self._start_display()
        try:
            self.process = subprocess.Popen(["wireshark", *self.arguments], env=self.environment,
                                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self.stderr,
                                            cwd=private_folder(), **identity())
            self.window = self._wait_for("the window of the capture", self._find_window)
            self._do("windowmove", self.window, "0", "0")
            self._do("windowsize", self.window, *map(str, self.size))
            self._do("windowfocus", self.window)
            time.sleep(1)
        except BaseException as fault:
            self.__exit__(type(fault))
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        quits = False
        if hasattr(self, "process"):
            if kind is None:
                self.key("ctrl+q")
                try:
                    self.process.wait(20)
                    quits = True
                except subprocess.TimeoutExpired:
                    pass
            if self.process.poll() is None:
                self.process.kill()
            self.process.wait()
        self.display.terminate()
        self.display.wait()
        if kind is not None:
            return
        self.stderr.seek(0)
        # Wireshark 4.4 on Debian 13 says this of itself when it quits, with and without the plugin.
        said = re.sub(rb"^.*\[GUI WARNING\] -- QThreadStorage: .*$", b"", self.stderr.read(), flags=re.MULTILINE)
        self.stderr.close()
        if not quits:
            raise ToolError(f"wireshark did not quit when asked to\n{said.decode('utf-8', 'replace')}")
        complain_about(["wireshark", *self.arguments], self.process.returncode, said)

    def _start_display(self) -> tuple[subprocess.Popen[bytes], dict[str, str]]:
        """An X server of our own on a number that is free, and the environment to reach it."""
        width, height = self.size
        environment = variables(self.settings, False) | self.further
        environment.update(QT_QPA_PLATFORM="xcb", LIBGL_ALWAYS_SOFTWARE="1", WIRESHARK_ABORT_ON_DISSECTOR_BUG="1",
                           QT_LOGGING_RULES="*.warning=false")
        environment.pop("XDG_RUNTIME_DIR", None)
        numbers, end = os.pipe()
        # Without -noreset the server starts anew when its last client leaves, which xdotool may be while Wireshark comes up.
        server = subprocess.Popen(["Xvfb", "-displayfd", str(end), "-screen", "0", f"{width}x{height}x24", "-nolisten",
                                   "tcp", "-noreset"], env=environment, pass_fds=[end], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **identity())
        os.close(end)
        said = b""
        # The number and the line end may come in two pieces; Xvfb ends if nobody reads the second.
        while not said.endswith(b"\n") and select.select([numbers], [], [], 20)[0]:
            piece = os.read(numbers, 16)
            if not piece:
                break
            said += piece
        os.close(numbers)
        number = said.decode().strip()
        if not said.endswith(b"\n"):
            server.kill()
            server.wait()
            raise ToolError("Xvfb does not start")
        environment["DISPLAY"] = f":{number}"
        return server, environment

    def _wait_for(self, what: str, question: Any) -> Any:
        deadline = time.monotonic() + self.timeout_s
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                self.stderr.seek(0)
                raise ToolError(f"wireshark ended with status {self.process.returncode}\n"
                                + self.stderr.read().decode("utf-8", "replace"))
            answer = question()
            if answer:
                return answer
            time.sleep(0.2)
        raise ToolError(f"waited {self.timeout_s} s for {what}")

    def _do(self, *arguments: str) -> str:
        """Runs xdotool."""
        done = subprocess.run(["xdotool", *arguments], env=self.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=30)
        return done.stdout.decode().strip()

    def _find_window(self) -> str:
        """The id of the main window once it is named for the capture."""
        return self._do("search", "--onlyvisible", "--name", f"^{re.escape(self.capture.name)}$").partition("\n")[0]

    def key(self, *keys: str) -> None:
        """Presses keys, as xdotool calls them."""
        self._do("key", "--delay", "100", *keys)

    def click(self, x: int, y: int) -> None:
        """Clicks on a point of the window."""
        self._do("mousemove", str(x), str(y), "click", "1")
        time.sleep(0.5)

    def picture(self, path: Path | str) -> None:
        """A picture of the window, as PNG."""
        done = subprocess.run(["import", "-window", "root", "png8:-"], env=self.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=60)
        if done.returncode != 0:
            raise ToolError(f"import: {done.stderr.decode()}")
        Path(path).write_bytes(done.stdout)

    def focus_tree(self) -> None:
        """Gives the keys to the tree of the packet, and selects its last line.

        Clicks below the lines of a tree that is not expanded. Home comes first, since End selects the first line too
        when there is no selection.
        """
        self.click(20, self.size[1] - 60)
        self.key("Home", "End")

    def copied(self, *keys: str) -> str:
        """The text that these keys put on the clipboard."""
        subprocess.run(["xclip", "-selection", "clipboard", "-i"], env=self.environment, input=b"nothing",
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=30, check=True)
        self.key(*keys)

        def paste() -> str:
            done = subprocess.run(["xclip", "-selection", "clipboard", "-o"], env=self.environment,
                                  stdin=subprocess.DEVNULL, capture_output=True, timeout=30)
            text = done.stdout.decode("utf-8", "replace")
            return "" if text == "nothing" else text
        copied: str = self._wait_for(f"a copy on the clipboard after {' '.join(keys)}", paste)
        return copied

    def open_page(self) -> None:
        """Chooses the entry of the plugin: the one of the last menu in Tools."""
        self.key("alt+t", "Up", "Right", "Return")

    def message(self) -> str:
        """The text of the message box that is up, or comes up; closes it."""
        box = self._wait_for("a message", lambda: next(
            (each for each in self._do("search", "--onlyvisible", "--class", "wireshark").split() if each != self.window), ""))
        self._do("windowfocus", box)
        self._do("mousemove", "--window", box, "100", "26", "click", "1")
        text = self.copied("ctrl+a", "ctrl+c")
        self.key("Return")
        self._do("windowfocus", self.window)
        return text

    def packet_list(self) -> list[str]:
        """The rows of the packet list, as Edit > Copy > As Plain Text gives them, without the headings."""
        self.click(self.size[0] // 2, 140)
        copied = self.copied("ctrl+a", "alt+e", "Right", "Return").strip("\n").split("\n")
        return [row for row in copied if not row.startswith("No.")]

    def mqtt_tree(self) -> list[str]:
        """The lines of the last layer of the selected packet, its tree expanded, as Edit > Copy > All Visible Items
        gives them; a level is four blanks."""
        self.focus_tree()
        self.key("shift+Right")
        lines = self.copied("ctrl+alt+shift+a").strip("\n").split("\n")
        start = max(number for number, line in enumerate(lines) if not line.startswith(" "))
        return lines[start:]


def show_profile(profile: str, capture: str, picture: str) -> int:
    """0 if the window shows with a profile what tshark prints with it."""
    printed = run([program("tshark"), "-C", profile, "-r", str(readable(capture)), "-Y", "mqtt"], Settings(), False, 60)
    with Window(capture, "mqtt", installed_profile=profile) as window:
        shown = window.packet_list()
        window.picture(picture)
    # tshark has an arrow between addresses, and does not keep the blanks of a text.
    expected = [line.split() for line in printed.decode("utf-8").splitlines()]
    if [row.split() for row in shown] == expected:
        return 0
    print("the window shows", *shown, "and tshark", printed.decode("utf-8"), sep="\n", file=sys.stderr)
    return 1


def main() -> int:
    """The exit status."""
    if sys.argv[1:2] == ["--profile"] and len(sys.argv) == 5:
        return show_profile(*sys.argv[2:])
    if len(sys.argv) not in (3, 4):
        print(__doc__, file=sys.stderr)
        return 2
    with Window(sys.argv[1], "mqtt", int(sys.argv[3]) if len(sys.argv) > 3 else 0) as window:
        window.focus_tree()
        window.key("shift+Right")
        time.sleep(2)
        window.picture(sys.argv[2])
    return 0


if __name__ == "__main__":
    sys.exit(main())
