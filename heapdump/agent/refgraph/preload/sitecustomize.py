"""Run by Python at its start where `refgraph dump -- COMMAND` has put this folder in its way."""

import importlib.util
import os
import sys


def _step_aside(here):
    """Leave the path, and what this process starts, as they were; run the one that this hides."""
    sys.path[:] = [folder for folder in sys.path if os.path.abspath(folder or ".") != here]
    kept = os.environ.pop("REFGRAPH_PYTHONPATH", "")
    if kept:
        os.environ["PYTHONPATH"] = kept
    else:
        os.environ.pop("PYTHONPATH", None)
    this = sys.modules.pop(__name__, None)
    try:
        import sitecustomize  # noqa: F401
    except ImportError:
        pass
    sys.modules.setdefault(__name__, this)


def _load(here):
    """The package refgraph above, wherever this Python looks for others."""
    folder = os.path.dirname(here)
    spec = importlib.util.spec_from_file_location(
        "refgraph", os.path.join(folder, "__init__.py"), submodule_search_locations=[folder])
    module = importlib.util.module_from_spec(spec)
    sys.modules["refgraph"] = module
    spec.loader.exec_module(module)
    return module


def _main():
    here = os.path.dirname(os.path.abspath(__file__))
    path = os.environ.pop("REFGRAPH_DUMP", "")
    when = os.environ.pop("REFGRAPH_DUMP_ON", "exit")
    values = not os.environ.pop("REFGRAPH_DUMP_NO_VALUES", "")
    _step_aside(here)
    if not path:
        return
    try:
        _load(here).arm(path, on=when, values=values)
    except Exception as error:      # the program is to run, whatever becomes of the snapshot
        print("refgraph: no snapshot will be written: %s" % error, file=sys.stderr)


_main()
