# __init__.py: the command mqttscope.
# SPDX-License-Identifier: GPL-2.0-or-later
"""Python's standard library only; tshark with the plugin does the work.

    main.py       the command line, and the exit status
    capture.py    runs tshark on a capture, and what it wrote
    judge.py      which findings count, and the verdict
    report.py     text for people, JSON, and what the formats share
    junit.py      JUnit XML
    sarif.py      SARIF 2.1.0
    page/         a page to look at, and messages as tables and diagrams
    listings.py   Code Quality of GitLab, annotations of GitHub, Markdown
    live.py       captures around a command
    baseline.py   what is known to be broken
    explain.py    what is known of each rule and statement, without a capture
    doctor.py     what is installed, whether it works together, and what to do

What comes from a capture is data: it is never part of a command, a path, a filter or a pattern.
"""
