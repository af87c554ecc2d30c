"""Compile the kernels: `python -m packetpig.loaders.kernels.build`. Part of set-up; needs numba and a C linker (cc).

Writes `compiled/kernels.so` and, beside it, `kernels.json` (each kernel's parameters, and the digest of the sources
that tells whether it is current).
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import llvmlite.binding as llvm
from packetpig.loaders.kernels.kernel import KERNELS
from packetpig.loaders.kernels.native import COMPILED, SOURCES, sources_digest

# Old enough for any server of the last fifteen years, so that what is compiled here runs on every node.
PROCESSORS = {"x86_64": "x86-64-v2"}

# Symbols of numba's runtime that code refers to but never calls: kernels allocate nothing.
UNUSED = ("NRT_MemInfo_call_dtor",)


def compile_module(names: list[str]) -> bytes:
    """One object file with the kernels NAMES under their own names, everything else hidden."""
    whole = llvm.parse_assembly(f'target triple = "{llvm.get_process_triple()}"')
    for name in names:
        kernel = KERNELS[name][1]
        text = kernel._library.get_llvm_str().replace(f'"{kernel.native_name}"', f'"{name}"')
        module = llvm.parse_assembly(text.replace(f"@{kernel.native_name}(", f"@{name}("))
        for function in module.functions:
            if not function.is_declaration and function.name != name:
                function.linkage = llvm.Linkage.internal
        whole.link_in(module)
    target = llvm.Target.from_triple(llvm.get_process_triple())
    machine = target.create_target_machine(
        cpu=PROCESSORS.get(platform.machine(), "generic"), opt=3, reloc="pic", codemodel="default"
    )
    # once more over the whole: it removes the reporting of exceptions that no kernel can raise (one that could would
    # leave a symbol unresolved, and the library would not load)
    passes = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=3))
    passes.getModulePassManager().run(whole, passes)
    return bytes(machine.emit_object(whole))


def build() -> Path:
    """Compile all kernels and put the library in its place; give its path."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    for source in SOURCES:
        importlib.import_module(f"packetpig.loaders.kernels.{source.stem}")
    COMPILED.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "kernels.o").write_bytes(compile_module(list(KERNELS)))
        stubs = "".join(f"long long {name}(void) {{ return 0; }}\n" for name in UNUSED)
        (folder / "stubs.c").write_text(stubs)
        library = COMPILED / f"kernels.{os.getpid()}.so"
        command = ["cc", "-shared", "-fPIC", "-O2", "-o", str(library)]
        command += [str(folder / "kernels.o"), str(folder / "stubs.c"), "-lm"]
        subprocess.run(command, check=True)
    ctypes.CDLL(str(library))
    library.replace(COMPILED / "kernels.so")
    table = {"sources": sources_digest(), "kernels": {name: types for name, (types, _) in KERNELS.items()}}
    (COMPILED / "kernels.json").write_text(json.dumps(table, indent=1) + "\n")
    return COMPILED / "kernels.so"


if __name__ == "__main__":
    print(build(), file=sys.stderr)
