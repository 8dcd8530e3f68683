"""Packages of the system, and the package managers that install them."""

from __future__ import annotations

from opsmop.resources.package.apt import Apt
from opsmop.resources.package.family import PackageProvider
from opsmop.resources.package.package import Package

__all__ = ["Apt", "Package", "PackageProvider"]
