"""Packages of the system, and the package managers that install them."""

from __future__ import annotations

from opsmop.resources.package.apt import Apt
from opsmop.resources.package.brew import Brew
from opsmop.resources.package.dnf import Dnf
from opsmop.resources.package.family import PackageProvider
from opsmop.resources.package.npm import Npm
from opsmop.resources.package.package import Package
from opsmop.resources.package.pip import Pip
from opsmop.resources.package.yum import Yum

__all__ = ["Apt", "Brew", "Dnf", "Npm", "Package", "PackageProvider", "Pip", "Yum"]
