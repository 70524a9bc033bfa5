# __init__.py: `mqttscope report`: a page to look at and to hand on, and other exits of the same data.
# SPDX-License-Identifier: GPL-2.0-or-later
"""The data comes from the JSON tap, object by object, and is bounded wherever a capture decides how much there is.

    make.py       the sub-command: runs tshark, gathers, writes
    gather.py     flows, series of time and journeys of messages, from the objects
    details.py    which messages are shown one by one, and each of them whole
    data.py       what the page knows, as one object
    page.py       the HTML file: policy, style, script and data
    redact.py     replaces what is from the wire by pseudonyms
    exits.py      CSV, JSON Lines and Mermaid
    page.html, page.css, page.js

Nothing of a capture reaches the page but inside the JSON script element.
"""
