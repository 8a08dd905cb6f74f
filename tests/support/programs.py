"""Programs that lie beside the package, as modules."""

import importlib.util
from pathlib import Path
from types import ModuleType


def load_program(name: str) -> ModuleType:
    """A program of the checkout by its path, not run."""
    file = Path(__file__).parents[2] / name
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise ImportError(name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
