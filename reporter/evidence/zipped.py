"""One zip of a sealed run folder. Zipping a folder twice gives the same bytes: names sorted, times fixed, nothing packed again.

The members are stored, not deflated: what is large in a pack is packed already, and the bytes of a deflated member depend on the machine's zlib.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import zipfile
from pathlib import Path

from reporter.core.errors import ReporterError
from reporter.evidence.seal import SEALING, TIMESTAMP, listed

_TIME = (1980, 1, 1, 0, 0, 0)
_BLOCK = 1 << 20


def write(folder: Path, path: Path) -> None:
    """The sealed folder as a zip at `path`, under its own name: run-000042/… Raises ReporterError for one that is not sealed or not plain."""
    folder = folder.resolve()
    if not (folder / "SEAL.txt").is_file():
        raise ReporterError("the folder is not sealed", where=str(folder), fix="the folder of a finished run")
    if folder in path.resolve().parents:
        raise ReporterError("the zip would lie in the pack itself", where=str(path), fix="a path outside the run's folder")
    names = sorted([*listed(folder), *SEALING, *[TIMESTAMP] * (folder / TIMESTAMP).exists()])
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as stream, zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
            for name in names:
                _add(archive, folder / name, f"{folder.name}/{name}")
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink()
        raise


def _add(archive: zipfile.ZipFile, file: Path, name: str) -> None:
    if not stat.S_ISREG(file.lstat().st_mode):
        raise ReporterError("this is no plain file", where=str(file), fix="an unchanged run folder")
    info = zipfile.ZipInfo(name, _TIME)
    info.create_system, info.external_attr, info.file_size = 3, (stat.S_IFREG | 0o644) << 16, file.stat().st_size
    with file.open("rb") as source, archive.open(info, "w") as target:
        shutil.copyfileobj(source, target, _BLOCK)
