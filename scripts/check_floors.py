#!/usr/bin/env python3
# SPDX-License-Identifier: AGPL-3.0-only
"""Fails on an include that goes up or sideways, or on a third-party header away from its home.

Usage: check_floors.py [ROOT]. Prints one line per breach; exit 1 when there is any. The table is the
drawing of docs/ARCHITECTURE.md.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)

FLOOR = {"base": 0, "numerics": 1, "flow": 1, "lattice": 2, "engine": 3, "solver": 4, "action": 5,
         "observable": 5, "learn": 5, "hmc": 6, "control": 7}
# An adapter implements a port of some floor and may include up to that floor; nobody in libactors includes it.
ADAPTER = {"engine/reference": 3, "engine/opencl": 3, "engine/dense": 3, "engine/npu": 3, "wire": 7, "checkpoint": 0, "ledger": 7,
           "transport": 0, "formats": 2, "energy": 0}
HOME = [
    (r"^caf/", ("actors/", "tests/actors/")),
    (r"^(CL/|clblast)", ("libactors/engine/opencl/", "tests/opencl/")),
    (r"^(capnp/|kj/)|\.capnp\.h$", ("libactors/wire/",)),
    (r"^(boost/asio|boost/beast)", ("libactors/transport/",)),
    (r"^openssl/", ("libactors/transport/", "libactors/base/hash.cpp")),
    (r"^(Eigen|Spectra)/", ("libactors/learn/",)),
    (r"^sqlite3", ("libactors/ledger/", "tests/ledger/", "tests/scenario/")),
    (r"^toml", ("libactors/control/toml_section",)),
    (r"^spdlog/", ("libactors/base/log",)),
    (r"^(CLI/|nlohmann/)", ("apps/", "tests/")),
    (r"^dlfcn\.h", ("libactors/energy/",)),
    (r"^catch2/", ("tests/",)),
]


def room(path):
    """(kind, name, floor) of a path inside libactors; kind is 'floor' or 'adapter'; None elsewhere."""
    if not path.startswith("libactors/"):
        return None
    rest = path[len("libactors/"):]
    for name, floor in ADAPTER.items():
        if rest.startswith(name + "/"):
            return ("adapter", name, floor)
    head = rest.split("/")[0]
    return ("floor", head, FLOOR[head]) if head in FLOOR else ("unknown", head, -1)


def breaches(path, target):
    for pattern, homes in HOME:
        if re.search(pattern, target) and not path.startswith(homes):
            yield f"{target} is not at home here (only in {', '.join(homes)})"
    here, there = room(path), room(target)
    if here is None:
        if path.startswith("actors/") and target.startswith("apps/"):
            yield f"actors include {target}"
        return
    if here[0] == "unknown":
        yield f"libactors/{here[1]} has no floor: add it to the table"
        return
    if target.startswith(("actors/", "apps/", "tests/")):
        yield f"libactors includes {target}"
    if there is None or there[1] == here[1]:
        return
    if there[0] != "floor":
        yield f"{here[1]} includes the adapter {there[1]}"
    elif there[2] > here[2] or (here[0] == "floor" and there[2] == here[2]):
        yield f"{here[1]} (floor {here[2]}) includes {there[1]} (floor {there[2]}), which is not below it"


# Two classes of one name are one class to the linker: what one file destroys the other has laid out (the one definition rule).
CLASS = re.compile(r"^(?:struct|class)\s+(\w+)(?:\s+final)?\s*(?::(?!:).*)?\{")
defined = {}

found = []
for folder in ("libactors", "actors", "apps", "kernels_cl", "tests"):
    for file in sorted((ROOT / folder).rglob("*")):
        if file.suffix not in (".hpp", ".cpp", ".h"):
            continue
        name = file.relative_to(ROOT).as_posix()
        space = ""
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            include = re.match(r'\s*#\s*include\s*[<"]([^">]+)[">]', line)
            opened = re.match(r"namespace\s+([\w:]+)\s*\{", line)
            if opened:
                space = opened.group(1)
            known = CLASS.match(line) if file.suffix == ".hpp" and folder in ("libactors", "actors") else None
            if known:
                first = defined.setdefault((space, known.group(1)), f"{name}:{number}")
                if not first.startswith(name + ":"):
                    found.append(f"{name}:{number}: {space}::{known.group(1)} is also a class of {first}")
            if include:
                found += [f"{name}:{number}: {text}" for text in breaches(name, include.group(1))]
print("\n".join(found) if found else "floors: every include goes down")
sys.exit(1 if found else 0)
