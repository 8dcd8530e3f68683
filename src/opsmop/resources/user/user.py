"""The type: what can be said of a user."""

from __future__ import annotations

from opsmop.errors import FieldError
from opsmop.language.fields import field
from opsmop.language.resource import Resource
from opsmop.language.secrets import Secret, revealed
from opsmop.resources.accounts import refuse_name, refuse_number
from opsmop.resources.permissions import absolute
from opsmop.resources.user.key import KINDS

_HASH = r"[!*]*|!*(\$[0-9a-zA-Z-]+\$[!-9;-~]+|[./0-9A-Za-z]{13}|_[./0-9A-Za-z]{19})"  # crypt(5)
NEVER = "never"
_FIRST_DAY = "1970-01-02"  # shadow(5): 0, the day before, is read as "never" by some and as a day by others
_NOT_FOR_THE_ABSENT = (
    "uid", "group", "groups", "shell", "home", "create_home", "move_home", "system", "comment", "password_hash", "locked",
    "expires", "skeleton", "generate_ssh_key",
)  # fmt: skip


class User(Resource):
    """A user with number, groups, home, shell and password; or none. What is not given stays as it is."""

    name: str = field(kw_only=False, doc="the login name")
    uid: int | None = field(default=None, doc="the user's number; the files in the home follow when it changes")
    group: str | int | None = field(default=None, doc="the primary group; a new user gets one of its own name")
    groups: list[str] | None = field(default=None, doc="further groups; they must exist")
    append: bool = field(default=True, doc="False takes the user out of every further group that `groups` leaves out")
    shell: str | None = field(default=None, doc="the login shell, an absolute path")
    home: str | None = field(default=None, doc="the home directory, an absolute path")
    create_home: bool | None = field(
        default=None, doc="make the home if it is missing; new users that are no system users get one"
    )
    move_home: bool = field(default=False, doc="when `home` changes, what is in the old one comes along")
    system: bool = field(default=False, doc="a new user gets a number from the system's range, and no home")
    comment: str | None = field(default=None, doc="the full name, or what the account is for")
    password_hash: Secret | None = field(
        default=None, sensitive=True, doc="the password as crypt(5) hashed it, never the password"
    )
    keep_password: bool = field(
        default=False, doc="with password_hash: only who has no password yet gets it, nobody's own is replaced"
    )
    locked: bool | None = field(default=None, doc="whether no password lets in; other ways in, such as ssh keys, stay")
    expires: str | None = field(
        default=None, doc='the first day, "YYYY-MM-DD", on which nothing lets in any more; or "never"'
    )
    skeleton: str | None = field(
        default=None, doc="a directory of the machine whose content a new home starts with; the system's if not given"
    )
    generate_ssh_key: bool | str = field(
        default=False,
        doc='True or the kind ("ed25519", "ecdsa", "rsa"): makes a key without a passphrase if there is none; `data` has the'
        " public key when it was made",
    )
    absent: bool = field(default=False, doc="there is to be no such user")
    remove: bool = field(default=False, doc="with absent: the home directory goes too")
    force: bool = field(default=False, doc="with absent: the user's processes are ended first")

    def check(self) -> None:
        """Refuse what contradicts itself."""
        refuse_name(self, self.name)
        refuse_number(self, "uid", self.uid)
        for name in ("home", "shell"):
            if getattr(self, name):
                absolute(self, getattr(self, name))
        self._refuse_colons()
        for name in _NOT_FOR_THE_ABSENT:
            self.exclusive("absent", name)
        self._refuse_no_day()
        self._refuse_idle_skeleton()
        if isinstance(self.generate_ssh_key, str) and self.generate_ssh_key not in KINDS:
            raise FieldError(
                f"{self}: generate_ssh_key={self.generate_ssh_key!r} is no kind of key that can be made",
                place=self.place,
                remedy=f"Give True, or one of {', '.join(KINDS)}.",
            )
        for name in ("remove", "force"):
            if getattr(self, name) and not self.absent:
                raise FieldError(f"{self}: {name}=True says what goes with absent=True", place=self.place)
        if self.move_home and self.home is None:
            raise FieldError(f"{self}: move_home=True needs home=", place=self.place, remedy="Say where to.")
        if self.keep_password and self.password_hash is None:
            raise FieldError(f"{self}: keep_password=True goes with password_hash=", place=self.place)
        if self.password_hash is not None:
            self._refuse_plain_text(revealed(self.password_hash))

    def _refuse_no_day(self) -> None:
        if self.expires is None or self.expires == NEVER:
            return
        import datetime as dt  # only where a day is given

        day: dt.date | None
        try:
            day = dt.date.fromisoformat(self.expires)
        except ValueError:
            day = None
        if day is None or self.expires != day.isoformat() or self.expires < _FIRST_DAY:
            raise FieldError(
                f"{self}: expires={self.expires!r} is no day that an account can end on",
                place=self.place,
                remedy='Give a day from 1970-01-02 on as "YYYY-MM-DD", or "never".',
            )

    def _refuse_idle_skeleton(self) -> None:
        if self.skeleton is None:
            return
        absolute(self, self.skeleton)
        if self.create_home is False or (self.system and not self.create_home):
            raise FieldError(
                f"{self}: skeleton= is for a new home, and none is made",
                place=self.place,
                remedy="Give create_home=True.",
            )

    def _refuse_colons(self) -> None:
        for name in ("comment", "home", "shell"):
            if set(getattr(self, name) or "") & {":", "\n"}:
                raise FieldError(f"{self}: {name}= cannot hold a colon or a newline (passwd(5))", place=self.place)

    def _refuse_plain_text(self, password_hash: str) -> None:
        import re  # only where a password is given

        if not re.fullmatch(_HASH, password_hash):
            raise FieldError(
                f"{self}: password_hash= is not a hash",
                place=self.place,
                remedy="Make one with `mkpasswd` or `openssl passwd -6`, and keep that.",
            )
