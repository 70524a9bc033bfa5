#!/usr/bin/env python3
# make-man.py: makes the man page of the command from its help.
# SPDX-License-Identifier: GPL-2.0-or-later
"""make-man.py VERSION"""

import os
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
os.environ["COLUMNS"] = "90"

from mqttscope_command.main import parser  # noqa: E402


def roff(text: str) -> str:
    """Text as it stands."""
    return "\n".join(("\\&" if line.startswith((".", "'")) else "") + line for line in text.replace("\\", "\\e").replace("-", "\\-").splitlines())


def main() -> None:
    """Prints the page."""
    whole = parser()
    commands = next(each for each in whole._actions if hasattr(each, "choices") and isinstance(each.choices, dict))
    print(f'.\\" SPDX-License-Identifier: GPL-2.0-or-later\n.TH MQTTSCOPE 1 "" "mqttscope {sys.argv[1]}"')
    print(".SH NAME\nmqttscope \\- judges captures of MQTT by the rules of the specifications")
    print(f".SH DESCRIPTION\n{roff(whole.description or '')}")
    assert isinstance(commands.choices, dict)
    for name, command in commands.choices.items():
        print(f".SH {name.upper()}\n.nf\n{roff(command.format_help())}\n.fi")
    print(".SH SEE ALSO\n.BR tshark (1)")


main()
