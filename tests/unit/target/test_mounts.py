"""Where something is mounted, as the system's own table says it."""

from __future__ import annotations

import os
from pathlib import Path

from opsmop.target.machine import RealMachine


def test_all_mounts_are_beneath_the_root() -> None:
    points = RealMachine().mount_points("/")
    assert {"/", "/proc"} <= set(points)
    assert points == sorted(points)


def test_the_points_at_and_beneath_a_path_are_found_however_it_is_spelled(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/proc")
    assert RealMachine().mount_points("/proc")[0] == "/proc"
    assert RealMachine().mount_points(f"{tmp_path}/link")[0] == f"{tmp_path}/link"
    assert all(os.path.ismount(point) for point in RealMachine().mount_points("/proc"))


def test_a_name_that_begins_like_a_mount_point_is_none(tmp_path: Path) -> None:
    assert RealMachine().mount_points("/pro") == []
    assert RealMachine().mount_points(str(tmp_path)) == []
