"""python -m batchctl."""

import sys
from pathlib import Path

from batchctl.cli import main

sys.exit(main(program=f"{Path(sys.executable).name} -m batchctl"))
