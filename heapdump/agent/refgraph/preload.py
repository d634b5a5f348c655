"""Run at the start of a Python that agent.so is preloaded into, as `refgraph dump -- COMMAND` does,
or by hand: LD_PRELOAD=.../refgraph/agent.so REFGRAPH_DUMP=a.rgs python3 app.py
"""

import importlib.util
import os
import sys


def _step_aside():
    """Leave the environment, and so what this process starts, as it was."""
    kept = os.environ.pop("REFGRAPH_LD_PRELOAD", "")
    if kept:
        os.environ["LD_PRELOAD"] = kept
    else:
        os.environ.pop("LD_PRELOAD", None)


def _load(folder):
    """The package refgraph, wherever this Python looks for others."""
    spec = importlib.util.spec_from_file_location(
        "refgraph", os.path.join(folder, "__init__.py"), submodule_search_locations=[folder])
    module = importlib.util.module_from_spec(spec)
    sys.modules["refgraph"] = module
    spec.loader.exec_module(module)
    return module


def _main():
    path = os.environ.pop("REFGRAPH_DUMP", "")
    when = os.environ.pop("REFGRAPH_DUMP_ON", "exit")
    values = not os.environ.pop("REFGRAPH_DUMP_NO_VALUES", "")
    _step_aside()
    if not path:
        return
    try:
        _load(os.path.dirname(os.path.abspath(__file__))).arm(path, on=when, values=values)
    except Exception as error:      # the program is to run, whatever becomes of the snapshot
        print("refgraph: no snapshot will be written: %s" % error, file=sys.stderr)


_main()
