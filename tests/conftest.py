"""Makes tests/lib importable and its fixtures known to every test."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

from fixtures import build_cache, gateway, module_gateway, module_origin, module_upstream, origin  # noqa: E402,F401
