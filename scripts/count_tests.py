#!/usr/bin/env python3
# SPDX-License-Identifier: AGPL-3.0-only
"""Sums Catch's counts over a CTest log: count_tests.py LastTest.log. Prints every line that says SKIPPED."""
import re
import sys

text = open(sys.argv[1], encoding="utf-8", errors="replace").read()
cases = assertions = 0
for found in re.finditer(r"All tests passed \((\d+) assertions? in (\d+) test cases?\)", text):
    assertions += int(found.group(1))
    cases += int(found.group(2))
for found in re.finditer(r"^test cases:\s+(\d+) \|.*\nassertions:\s+(\d+) \|", text, re.M):
    cases += int(found.group(1))
    assertions += int(found.group(2))
skipped = sorted({line.strip() for line in text.splitlines() if "SKIPPED" in line})
print(f"{cases} test cases, {assertions} assertions, {len(skipped)} skipped")
for line in skipped:
    print("  " + line)
