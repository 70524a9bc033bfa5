#!/usr/bin/env python3
# make-completion.py: makes the completion of the command for bash from its parser.
# SPDX-License-Identifier: GPL-2.0-or-later
"""make-completion.py: prints the file that bash-completion loads."""

import argparse
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from mqttscope_command.main import parser  # noqa: E402

HEAD = """\
# mqttscope(1) completion for bash, made by make-completion.py
# SPDX-License-Identifier: GPL-2.0-or-later

_mqttscope()
{
    local current=$2 before=$3
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W '%s' -- "$current")
        return
    fi
    case ${COMP_WORDS[1]}:$before in
"""
TAIL = """\
    esac
    case ${COMP_WORDS[1]}:$current in
%s    explain:*)
        mapfile -t COMPREPLY < <(compgen -W "$(mqttscope explain --list 2>/dev/null | sed 's/ .*//')" -- "$current")
        return
        ;;
    lint:*) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    esac
}
complete -o filenames -o bashdefault -F _mqttscope mqttscope
"""


def main() -> None:
    """Prints the file."""
    commands = next(each for each in parser()._actions if isinstance(each, argparse._SubParsersAction)).choices
    values, options = "", ""
    for name, command in commands.items():
        names = []
        for action in command._actions:
            names += action.option_strings
            if action.option_strings and action.nargs != 0:
                pattern = "|".join(f"{name}:{each}" for each in action.option_strings)
                words = f"-W '{' '.join(map(str, action.choices))}'" if action.choices else "-f" if action.metavar == "FILE" else ""
                answer = f'mapfile -t COMPREPLY < <(compgen {words} -- "$current")\n        ' if words else ""
                values += f"    {pattern})\n        {answer}return\n        ;;\n"
        options += f"    {name}:-*)\n        mapfile -t COMPREPLY < <(compgen -W '{' '.join(names)}' -- \"$current\")\n        return\n        ;;\n"
    print(HEAD % " ".join(commands) + values + TAIL % options, end="")


main()
