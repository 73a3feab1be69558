"""``python -m training config``: check a configuration and print it with every default filled in."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from pathlib import Path

from emoscope.training.config.schema import add_config_flags, config_names, config_overrides, load_config


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the flags of ``python -m training config``."""
    known = ", ".join(config_names())
    parser.add_argument("config", nargs="?", type=Path, default="emoscope", help=f"YAML file or one of: {known}")
    add_config_flags(parser)


def run(args: Namespace) -> int:
    """Print the configuration as JSON, which is YAML, too, and so can be trained from.

    Raises:
        ConfigError: A key or a value is not possible.
    """
    print(json.dumps(asdict(load_config(args.config, config_overrides(args))), indent=2))
    return 0
