"""A stamp beside the catalog says that it was checked: the start then needn't parse it again.

The stamp is a digest of the catalog and of the code that checks it, so neither can change without it. A catalog
without a current stamp is checked at the start, which takes longer; nothing else depends on it.
"""

from hashlib import sha256
from pathlib import Path

_CHECKERS = ("document.py", "loading.py", "model.py", "naming.py", "value.py", "zones.py")


def stamp_path(catalog: Path) -> Path:
    """Where the stamp of a catalog stands."""
    return catalog.with_name(f"{catalog.name}.checked")


def digest(catalog: Path) -> str:
    """SHA-256, in hex, of the catalog and of what checks it.

    Raises:
        OSError: the catalog can't be read.
    """
    total = sha256(catalog.read_bytes())
    for name in _CHECKERS:
        total.update(Path(__file__).with_name(name).read_bytes())
    return total.hexdigest()


def is_stamped(catalog: Path) -> bool:
    """Whether this catalog was found good by this code."""
    try:
        return stamp_path(catalog).read_text().strip() == digest(catalog)
    except OSError:
        return False
