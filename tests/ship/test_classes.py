"""Classes arrive as they were, and the special ones are made again by their makers."""

from __future__ import annotations

from typing import Any


def test_a_class_made_inside_a_function_keeps_its_closure(travel: Any) -> None:
    policy = """
        def make(base, word):
            class Inner(base):
                def say(self):
                    return word + super().say()
                @staticmethod
                def fixed():
                    return word * 2
                @classmethod
                def named(cls):
                    return cls.__name__
            return Inner
        class Outer:
            def say(self):
                return "!"
        class Site:
            def main(self):
                made = self.kind()
                return [made.say(), made.fixed(), made.named(), self.kind.__qualname__]
    """
    policy += "\n        Site.kind = make(Outer, 'hi')\n"
    travel.everywhere(policy, ["hi!", "hihi", "Inner", "make.<locals>.Inner"])


def test_a_role_made_by_type_travels(travel: Any) -> None:
    policy = """
        class Base:
            def main(self):
                return [type(self).__name__, self.color, self.shape()]
        kinds = [type(f"Made{n}", (Base,), {"color": n, "shape": lambda self: "round"}) for n in range(3)]
    """
    travel.everywhere(policy, ["Made2", 2, "round"], "kinds[2]()")


def test_a_dataclass_of_the_policy_is_made_again(travel: Any) -> None:
    policy = """
        from __future__ import annotations
        from dataclasses import dataclass, field, InitVar, replace, asdict, FrozenInstanceError
        from typing import ClassVar
        def fresh():
            return [DEFAULT]
        DEFAULT = 9
        @dataclass(frozen=True, order=True)
        class Point:
            x: int
            y: int = 2
            tags: list[int] = field(default_factory=fresh, compare=False, repr=False)
            count: ClassVar[int] = 7
            scale: InitVar[int | None] = None
            def __post_init__(self, scale):
                if scale:
                    object.__setattr__(self, "y", self.y * scale)
            def total(self):
                return self.x + self.y
        @dataclass
        class Named(Point.__base__):
            name: str
            point: Point = Point(0)
        @dataclass(frozen=True)
        class Far(Point):
            z: int = 5
            def total(self):
                return super().total() + self.z
        points = {Point(1): "one", Far(1, scale=3): "far"}
        class Site:
            def main(self):
                try:
                    Point(1).x = 3
                    frozen = False
                except FrozenInstanceError:
                    frozen = True
                return [points[Point(1)], repr(Point(1)), Point(1).tags, Far(1).total(), points[Far(1, 6)], frozen, Point.count,
                        Point(1) < Point(2), asdict(Named("n")), replace(Point(4), y=1, scale=1).y, Point(2, 2, scale=4).y]
    """
    expected = ["one", "Point(x=1, y=2)", [9], 8, "far", True, 7, True]
    expected += [{"name": "n", "point": {"x": 0, "y": 2, "tags": [9]}}, 1, 8]
    travel.everywhere(policy, expected)


def test_a_dataclass_with_slots_and_keyword_only_fields_works_on_old_pythons(travel: Any) -> None:
    policy = """
        from dataclasses import dataclass, field, KW_ONLY
        @dataclass(slots=True, frozen=True)
        class Slotted:
            a: int
            b: int = 3
        @dataclass(kw_only=True)
        class Base:
            name: str
            port: int = 80
            more: list = field(default_factory=list)
        @dataclass
        class Web(Base):
            host: str
            _: KW_ONLY
            last: int
            def __post_init__(self):
                self.seen = True
        slotted, web = Slotted(1), Web("h", name="n", last=2)
        def refuses(call):
            try:
                call()
            except TypeError:
                return True
            return False
        class Site:
            def main(self):
                again = Web("h", name="n", last=2)
                return [slotted.a, slotted.b, slotted == Slotted(1), hash(slotted) == hash(Slotted(1)), Slotted.__slots__,
                        again == web, again.seen, web.port, repr(web), refuses(lambda: Web("h", last=1)), refuses(lambda: Web("h", "n")),
                        hasattr(slotted, "__dict__")]
    """
    text = "Web(name='n', port=80, more=[], host='h', last=2)"
    travel.everywhere(policy, [1, 3, True, True, ["a", "b"], True, True, 80, text, True, True, False])


def test_namedtuples_of_the_policy_are_made_again(travel: Any) -> None:
    policy = """
        import collections, typing
        Plain = collections.namedtuple("Plain", "a b", defaults=[5])
        class Typed(typing.NamedTuple):
            x: int
            y: "int | None" = 4
            def sum(self):
                return self.x + self.y
        class Sub(Plain):
            __slots__ = ()
            @property
            def both(self):
                return self.a + self.b
        values = [Plain(1), Typed(1), Sub(1, 2)]
        class Site:
            def main(self):
                return [values[0].b, values[1].sum(), values[2].both, values[0] == Plain(1), values[1]._replace(x=9).x, Typed(3).y, Sub(7)._asdict()]
    """
    travel.everywhere(policy, [5, 5, 3, True, 9, 4, {"a": 7, "b": 5}])


def test_typed_dictionaries_protocols_and_generics_are_made_again(travel: Any) -> None:
    policy = """
        import typing
        X = typing.TypeVar("X")
        class Row(typing.TypedDict):
            a: int
        class Wide(Row, total=False):
            b: "list[int]"
        class Box(typing.Generic[X]):
            def __init__(self, x):
                self.x = x
        class Loud(typing.Protocol):
            def shout(self): ...
        class Man(Loud):
            def shout(self):
                return "hey"
        class Site:
            def main(self):
                return [Row(a=1), Wide(a=1, b=[2]), Wide.__total__, Box(3).x, Box[int](4).x, Man().shout()] + [Loud in Man.__mro__]
    """
    travel.everywhere(policy, [{"a": 1}, {"a": 1, "b": [2]}, False, 3, 4, "hey", True])


def test_enumerations_keep_their_members_and_methods(travel: Any) -> None:
    policy = """
        import enum, signal
        class Color(enum.Enum):
            RED = 1
            GREEN = "g"
            ALSO_RED = 1
            def nice(self):
                return self.name.lower() + SUFFIX
        SUFFIX = "ish"
        class Level(enum.IntEnum):
            LOW = enum.auto()
            HIGH = enum.auto()
        class Text(enum.StrEnum):
            A = "a"
        class Mode(enum.Flag):
            READ = 1
            WRITE = 2
        FACTOR = 2
        class Planet(enum.Enum):
            EARTH = (5.97, 6.37)
            def __init__(self, mass, radius):
                self.mass = mass * FACTOR
        both = Mode.READ | Mode.WRITE
        table = {Color.RED: "r"}
        class Site:
            def main(self):
                return [Color.RED is Color(1), Color.ALSO_RED.name, Color.GREEN.nice(), table[Color.RED], Level.HIGH > Level.LOW, str(Text.A),
                        both == Mode(3), Mode.READ in both, Planet.EARTH.mass, self.color is Color.GREEN, signal.SIGTERM == self.signal, [c.name for c in Color]]
            def __init__(self):
                self.color = Color.GREEN
                self.signal = signal.SIGTERM
    """
    travel.everywhere(
        policy, [True, "RED", "greenish", "r", True, "a", True, True, 11.94, True, True, ["RED", "GREEN"]]
    )


def test_exceptions_of_the_policy_are_raised_and_caught(travel: Any) -> None:
    policy = """
        class Broken(Exception):
            def __init__(self, what, *, code):
                super().__init__(f"{PREFIX} {what}")
                self.code = code
        PREFIX = "broken:"
        old = Broken("x", code=1)
        class Site:
            def main(self):
                try:
                    raise Broken("y", code=2)
                except Broken as error:
                    return [str(error), error.code, str(old), old.code, isinstance(old, Exception)]
    """
    travel.everywhere(policy, ["broken: y", 2, "broken: x", 1, True])


def test_properties_slots_and_special_methods_travel(travel: Any) -> None:
    policy = """
        import functools, abc, types, typing, weakref
        T = typing.TypeVar("T", bound=int)
        class Shape(abc.ABC):
            __slots__ = ("_side", "__weakref__")
            @property
            @abc.abstractmethod
            def area(self): ...
        class Square(Shape):
            __slots__ = ()
            def __init__(self, side): self._side = side
            @property
            def side(self): return self._side
            @side.setter
            def side(self, value): self._side = value
            @property
            def area(self): return self.side ** 2
            def __eq__(self, other): return self.side == other.side
            def __hash__(self): return hash((SALT, self.side))
        SALT = "s"
        class Box(typing.Generic[T]):
            def __init__(self, content: T): self.content = content
            @functools.cached_property
            def doubled(self): return self.content * 2
            def __getitem__(self, key): return [key, self.content]
            def __enter__(self): return self
            def __exit__(self, *_): return True
        square = Square(3)
        names = {square: "three", Square(4): "four"}
        weak = weakref.ref(square)
        frozen = types.MappingProxyType({"k": 1})
        alias = Box[int] | None
        class Site:
            def main(self):
                square.side = 3
                try:
                    Shape()
                    abstract = False
                except TypeError:
                    abstract = True
                with Box(4) as box:
                    return [square.area, names[Square(4)], abstract, box.doubled, box["x"], weak() is square, frozen["k"], hasattr(square, "__dict__"),
                            Box[int].__origin__ is Box, str(alias).replace("__main__.", "")]
    """
    expected = [9, "four", True, 8, ["x", 4], True, 1, False, True]
    results = travel.results(policy)
    assert all(result[:-1] == expected for result in results.values())
    assert {result[-1] for result in results.values()} <= {"typing.Optional[Box[int]]", "Box[int] | None"}


def test_hooks_of_classes_do_not_run_again(travel: Any) -> None:
    policy = """
        runs = []
        class Meta(type):
            def __new__(meta, name, bases, names, *, size=1, **keywords):
                made = super().__new__(meta, name, bases, names, **keywords)
                made.size = size
                runs.append(name)
                return made
            def __init__(cls, name, bases, names, **keywords): super().__init__(name, bases, names)
            def __len__(cls): return cls.size
        class Base(metaclass=Meta):
            def __init_subclass__(cls, *, kind, **keywords):
                super().__init_subclass__()
                cls.kind = kind
                runs.append(kind)
        class Named:
            def __set_name__(self, owner, name):
                self.name = name
                runs.append(name)
            def __get__(self, instance, owner): return self.name.upper()
        class Made(Base, kind="round", size=4):
            field = Named()
        class Site:
            def main(self):
                return [Made.kind, len(Made), Made().field, runs]
    """
    travel.everywhere(policy, ["round", 4, "FIELD", ["Base", "field", "round", "Made"]])


def test_a_class_that_its_base_must_know_of_says_so_when_it_arrives(travel: Any) -> None:
    policy = """
        class Kind:
            known, provides = [], None
            def __init_subclass__(cls, provides=None): cls.provides = provides
            @classmethod
            def __remade__(cls): Kind.known.append(cls.provides)
        class Mine(Kind, provides="mine"):
            pass
        class Site:
            def main(self):
                Mine
                return sorted(map(str, Kind.known))
    """
    travel.everywhere(policy, ["None", "mine"])


def test_subclasses_of_builtin_containers_keep_content_and_state(travel: Any) -> None:
    policy = """
        import collections
        class Words(dict):
            def __missing__(self, key): return key + MARK
        class Numbers(list):
            note = "n"
        class Title(str):
            def loud(self): return self.upper()
        class Queue(collections.deque): pass
        class Ordered(collections.OrderedDict): pass
        MARK = "?"
        words = Words(a=1); words.extra = 5
        numbers = Numbers([1, 2]); numbers.self = numbers
        class Site:
            def main(self):
                return [words["a"], words["b"], words.extra, numbers, numbers.self is numbers, Title("x").loud(), title.loud(), list(queue), dict(ordered)]
        title, queue, ordered = Title("t"), Queue([1, 2], 5), Ordered(z=1)
    """
    travel.everywhere(policy, [1, "b?", 5, [1, 2], True, "X", "T", [1, 2], {"z": 1}])


def test_instances_with_their_own_pickling_are_asked(travel: Any) -> None:
    policy = """
        class Kept:
            def __init__(self): self.a, self.file = 1, open(__file__)
            def __getstate__(self): return {"a": self.a}
            def __setstate__(self, state): self.__dict__.update(state, back=BACK)
        class Reduced:
            def __init__(self, n): self.n = n
            def __reduce__(self): return Reduced, (self.n + 1,)
        class Sentinel:
            def __reduce__(self): return "MISSING"
        MISSING = Sentinel()
        BACK = True
        kept, reduced = Kept(), Reduced(1)
        class Site:
            def __init__(self): self.missing = MISSING
            def main(self):
                result = [kept.a, kept.back, reduced.n, self.missing is MISSING]
                return result
        kept.file.close()
    """
    travel.everywhere(policy, [1, True, 2, True])


def test_objects_that_refer_to_one_another_come_back_in_one_piece(travel: Any) -> None:
    policy = """
        class Node:
            def __init__(self): self.others = [self]; self.kind = Node; Node.last = self
        node = Node()
        Node.table = {"n": node}
        class Site:
            def main(self):
                return [node.others[0] is node, node.kind is Node, Node.last is node, Node.table["n"] is node]
    """
    travel.everywhere(policy, [True, True, True, True])


def test_main_may_come_from_a_mixin_that_is_no_role(travel: Any) -> None:
    policy = """
        from opsmop.language.role import Role
        class Mixin:
            def main(self): return [self.helper(), self.note]
            def helper(self): return "helped"
            def never(self): return "hunter2"
            note = "n"
        class Site(Mixin, Role):
            def inventory(self): return self.never()
    """
    travel.everywhere(policy, ["helped", "n"])
    assert b"hunter2" not in travel.send(policy).payload
