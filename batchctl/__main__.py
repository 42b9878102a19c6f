"""python -m batchctl."""

import sys

from batchctl.cli import main

sys.exit(main())
