"""The Python that has the packages of the independent reader."""

import subprocess
import sys
from pathlib import Path

from harness.tools import ROOT

READER = ROOT / "reader"


def python() -> Path:
    """The Python with the reader's packages, made as `./test` makes it."""
    venv = ROOT / "target" / "venv"
    stamp, needs = venv / "ready", READER / "requirements.txt"
    if not stamp.exists() or stamp.stat().st_mtime < needs.stat().st_mtime:
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        pip = [
            str(venv / "bin" / "pip"),
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "-r",
            str(needs),
        ]
        subprocess.run(pip, check=True)
        stamp.touch()
    return venv / "bin" / "python"
