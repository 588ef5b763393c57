#!/usr/bin/env python3
# SPDX-License-Identifier: AGPL-3.0-only
"""Embeds kernel files: embed_kernels.py OUT.cpp FILE... -> forge::embedded_kernels() (kernels_cl/embedded.hpp)."""
import os
import sys

out_path, files = sys.argv[1], sorted(sys.argv[2:])
parts = ['#include "kernels_cl/embedded.hpp"\n', "namespace {\n"]
for index, path in enumerate(files):
    with open(path, "rb") as handle:
        data = handle.read()
    rows = [",".join(str(b) for b in data[i:i + 32]) for i in range(0, len(data), 32)]
    parts.append(f"const char file_{index}[] = {{\n" + ",\n".join(rows) + (",\n" if rows else "") + "0};\n")
parts.append("const forge::embedded_kernel table[] = {\n")
for index, path in enumerate(files):
    parts.append(f'    {{"{os.path.basename(path)}", {{file_{index}, sizeof file_{index} - 1}}}},\n')
parts.append("};\n} // namespace\n")
parts.append("std::span<const forge::embedded_kernel> forge::embedded_kernels() { return table; }\n")
with open(out_path, "w", encoding="utf-8") as handle:
    handle.write("".join(parts))
