"""Runs one simulator as a process of its own: `python -m batchctl.simulator provider|receiver`.

The first line on stdout is the base URL; the process answers until it is ended by a signal.
"""

import argparse
import sys
import threading
from pathlib import Path

from batchctl.simulator.provider import SimulatedProvider
from batchctl.simulator.receiver import Receiver
from batchctl.simulator.script import Script, apply_directive, script_from_prompt


def main(arguments: list[str] | None = None) -> int:
    """Start the simulator that the command line names, print its base URL and wait; 130 when interrupted."""
    options = _parser().parse_args(arguments)
    if options.simulator == "provider":
        base = apply_directive(options.script, Script())
        simulator: SimulatedProvider | Receiver = SimulatedProvider(
            script_for=lambda prompt, model: script_from_prompt(prompt, model, base=base),
            api_key=options.api_key,
            journal=options.journal,
            port=options.port,
        )
    else:
        simulator = Receiver(secret=options.secret, journal=options.journal, port=options.port)
    try:
        with simulator:
            sys.stdout.write(f"{simulator.base_url}\n")
            sys.stdout.flush()
            threading.Event().wait()
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m batchctl.simulator", description=__doc__)
    simulators = parser.add_subparsers(dest="simulator", required=True)
    provider = simulators.add_parser("provider", help="the provider of contract §4")
    provider.add_argument("--api-key", help="the only token that is good; without it any token is")
    provider.add_argument(
        "--script", default="", help='words of a directive for every task, e.g. "polls=3 latency=0.05"'
    )
    receiver = simulators.add_parser("receiver", help="the customers' webhook receiver")
    receiver.add_argument("--secret", help="verify signatures with this secret")
    for subparser in (provider, receiver):
        subparser.add_argument("--port", type=int, default=0, help="0 takes a free one")
        subparser.add_argument("--journal", type=Path, help="append each request to this file, one JSON object a line")
    return parser


if __name__ == "__main__":
    sys.exit(main())
