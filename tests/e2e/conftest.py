"""One appliance for the module, and short clips for it."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import imageio_ffmpeg
import pytest

from tests.e2e.appliance import Appliance, free_ports


@pytest.fixture(scope="module")
def down_appliance() -> Iterator[Appliance]:
    """An appliance that is configured, not started; brought down and removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="pn-"))
    folder.chmod(0o755)
    front, origin, first, second = free_ports(4)
    appliance = Appliance(folder, (front, origin, first, second))
    appliance.write_config()
    yield appliance
    appliance.playnet("down")
    appliance.lose_power()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def appliance(down_appliance: Appliance) -> Appliance:
    """A running appliance."""
    down_appliance.up()
    return down_appliance


@pytest.fixture(scope="session")
def cut(clip: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, int], Path]:
    """`cut("name.mp4", 8)`: exactly the first seconds of a clip (a cut between packets would lose reference frames)."""
    folder = tmp_path_factory.mktemp("cut")

    def make(name: str, seconds: int) -> Path:
        target = folder / f"{seconds}s-{name}"
        if not target.exists():
            argv = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(clip(name)), "-t", str(seconds)]
            argv += ["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "copy"]
            subprocess.run([*argv, str(target)], check=True, capture_output=True)
        return target

    return make
