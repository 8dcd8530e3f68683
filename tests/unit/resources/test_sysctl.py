"""Settings of the kernel: how they are named, compared and kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opsmop import Sysctl
from opsmop.resources.sysctl import part

Evaluate = Callable[..., Any]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("net.ipv4.ip_forward", "net/ipv4/ip_forward"),
        ("net/ipv4/conf/eth0.1/rp_filter", "net/ipv4/conf/eth0.1/rp_filter"),
        ("net.ipv4.conf.eth0/1.rp_filter", "net/ipv4/conf/eth0.1/rp_filter"),
        ("vm", "vm"),
    ],
)
def test_the_first_separator_says_which_one_is_meant(name: str, path: str) -> None:
    assert part(name) == path


def test_a_setting_is_kept_in_its_file_beside_others_and_goes_again(tmp_path: Path, evaluate: Evaluate) -> None:
    kept = tmp_path / "90.conf"
    kept.write_text("# swap\n-vm/swappiness=10\nkernel.panic = 5\nvm.swappiness = 20\n")
    setting = lambda **given: lambda _: Sysctl("vm.swappiness", kept_in=kept, now=False, **given) and None  # noqa: E731
    checked, applied = evaluate(setting(value=30), "check"), evaluate(setting(value=30))
    assert checked.changes() == applied.changes() == [("Sysctl", "vm.swappiness", "keep", "", "")]
    assert kept.read_text() == "# swap\nkernel.panic = 5\nvm.swappiness = 30\n"
    assert evaluate(setting(value="30")).changes() == []
    evaluate(setting(absent=True))
    assert kept.read_text() == "# swap\nkernel.panic = 5\n"
    assert evaluate(setting(absent=True)).changes() == []


def test_a_file_that_held_nothing_else_goes_too(tmp_path: Path, evaluate: Evaluate) -> None:
    kept = tmp_path / "90.conf"
    evaluate(lambda _: Sysctl("vm.swappiness", 30, kept_in=kept, now=False) and None)
    assert kept.read_text() == "vm.swappiness = 30\n"
    evaluate(lambda _: Sysctl("vm.swappiness", kept_in=kept, absent=True) and None)
    assert not kept.exists()


def test_several_values_are_the_same_whatever_blanks_part_them(tmp_path: Path, evaluate: Evaluate) -> None:
    live = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text()
    assert "\t" in live
    kept = tmp_path / "90.conf"
    done = evaluate(lambda _: Sysctl("net.ipv4.ip_local_port_range", " ".join(live.split()), kept_in=kept) and None)
    assert [change[2] for change in done.changes()] == ["keep"], "the kernel's tab is no difference"
    kept.write_text(kept.read_text().replace(" ", "\t"))
    assert (
        evaluate(lambda _: Sysctl("net.ipv4.ip_local_port_range", live.strip(), kept_in=kept) and None).changes() == []
    )


def test_a_setting_that_the_kernel_lacks_is_an_error_unless_it_may_be_missing(
    tmp_path: Path, evaluate: Evaluate
) -> None:
    main = lambda **given: lambda _: Sysctl("net.no.such", 1, kept_in=tmp_path / "90.conf", **given) and None  # noqa: E731
    for mode in ("check", "apply"):
        failure = evaluate(main(), mode).failure
        assert "this kernel has no setting net.no.such" in failure.message
        assert "module" in failure.remedy
    assert [change[2] for change in evaluate(main(ignore_missing=True)).changes()] == ["keep"]


@pytest.mark.parametrize(
    ("args", "given", "said"),
    [
        (("vm.swappiness",), {}, "no value is given"),
        (("vm.swappiness", 1), {"absent": True}, "only one of"),
        (("vm.swappiness = 1", 1), {}, "no name and value"),
        (("../../etc/passwd", 1), {}, "no name and value"),
        (("vm.swappiness", "1\nkernel.panic = 1"), {}, "no name and value"),
        (("vm.swappiness", 1), {"kept_in": "x.conf"}, "absolute path"),
        (("vm.swappiness", 1), {"kept_in": "/etc/sysctl.d/90-x"}, "is not read at boot"),
    ],
)
def test_what_is_no_setting_is_refused(args: Any, given: dict[str, Any], said: str, evaluate: Evaluate) -> None:
    assert said in evaluate(lambda _: Sysctl(*args, **given) and None).failure.message
