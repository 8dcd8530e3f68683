"""Functions arrive as they were: their own bodies, their closures, their defaults."""

from __future__ import annotations

from typing import Any


def test_a_method_with_a_module_level_value_runs(travel: Any) -> None:
    policy = """
        GREETING = "hello"
        class Site:
            def main(self):
                return GREETING
    """
    travel.everywhere(policy, "hello")


def test_a_closure_keeps_its_cells_and_shares_them(travel: Any) -> None:
    policy = """
        def counter():
            count = 10
            def up():
                nonlocal count
                count += 1
                return count
            def look():
                return count
            return up, look
        class Site:
            def __init__(self):
                self.up, self.look = counter()
            def main(self):
                return [self.up(), self.up(), self.look()]
    """
    travel.everywhere(policy, [11, 12, 12])


def test_two_lambdas_on_one_line_keep_their_own_bodies(travel: Any) -> None:
    policy = """
        first, second = lambda x: x + 1, lambda x: x * 100
        class Site:
            both = [lambda: "a", lambda: "b"]; third = lambda self: [f() for f in self.both]
            def main(self):
                return [first(2), second(2), self.third()]
    """
    travel.everywhere(policy, [3, 200, ["a", "b"]])


def test_one_of_two_lambdas_on_a_line_keeps_its_body_when_the_other_stays(travel: Any) -> None:
    policy = """
        first = lambda: "no"; second = lambda: "yes"
        class Site:
            def main(self):
                return second()
    """
    travel.everywhere(policy, "yes")


def test_lambdas_around_comprehensions_keep_their_order(travel: Any) -> None:
    policy = """
        fs = [[lambda: 1 for _ in "x"][0], lambda: 2, {k: lambda: 3 for k in "a"}["a"], next(lambda: 4 for _ in "y")]
        class Site:
            def main(self):
                return [f() for f in fs] + [x for x in (lambda: [y for y in "ab"])()]
    """
    travel.everywhere(policy, [1, 2, 3, 4, "a", "b"])


def test_a_lambda_given_as_changed_when_runs(travel: Any) -> None:
    policy = """
        class Site:
            def __init__(self, **keywords):
                self.keywords = keywords
            def main(self):
                return self.keywords["changed_when"](7)
    """
    travel.everywhere(policy, True, "Site(changed_when=lambda result: result == 7)")


def test_super_reaches_the_base_role(travel: Any) -> None:
    policy = """
        class Base:
            def main(self):
                return ["base"]
        class Site(Base):
            def main(self):
                return super().main() + [__class__.__name__]
    """
    travel.everywhere(policy, ["base", "Site"])


def test_recursive_and_mutually_recursive_functions_run(travel: Any) -> None:
    policy = """
        def even(n):
            return True if n == 0 else odd(n - 1)
        def odd(n):
            return False if n == 0 else even(n - 1)
        def make():
            def inner(n):
                return 1 if n < 2 else n * inner(n - 1)
            return inner
        factorial = make()
        class Site:
            def main(self):
                return [even(10), odd(7), factorial(5)]
    """
    travel.everywhere(policy, [True, True, 120])


def test_decorated_functions_keep_their_wrappers(travel: Any) -> None:
    policy = """
        import functools
        from contextlib import contextmanager
        def twice(function):
            @functools.wraps(function)
            def wrapper(*arguments):
                return function(*arguments) * 2
            return wrapper
        @twice
        @twice
        def number(n):
            return n
        @contextmanager
        def opened(name):
            yield name + "!"
        @functools.lru_cache(maxsize=3)
        def slow(n):
            return n + LIMIT
        @functools.singledispatch
        def kind(value):
            return "other"
        @kind.register(int)
        def _(value):
            return "int"
        LIMIT = 5
        class Site:
            def main(self):
                with opened("x") as value:
                    return [number(3), number.__name__, value, slow(1), slow.cache_parameters()["maxsize"], kind(3), kind("")]
    """
    travel.everywhere(policy, [12, "number", "x!", 6, 3, "int", "other"])


def test_defaults_keyword_defaults_and_attributes_travel(travel: Any) -> None:
    policy = """
        def f(a, b=(1, 2), *, c={"k": [3]}):
            return [a, list(b), c, f.note]
        f.note = "n"
        class Site:
            def main(self, extra=lambda: "d"):
                return [f(0), extra()]
    """
    travel.everywhere(policy, [[0, [1, 2], {"k": [3]}, "n"], "d"])


def test_generators_and_coroutines_run(travel: Any) -> None:
    policy = """
        import asyncio
        def numbers():
            yield from (1, 2)
        async def later(n):
            return n
        async def several():
            return [x async for x in stream()]
        async def stream():
            for x in range(2):
                yield await later(x)
        class Site:
            def main(self):
                return list(numbers()) + asyncio.run(several())
    """
    travel.everywhere(policy, [1, 2, 0, 1])


def test_partials_and_bound_methods_travel(travel: Any) -> None:
    policy = """
        import functools, operator
        class Tool:
            def __init__(self, n):
                self.n = n
                self.own = self.add
            def add(self, m):
                return self.n + m
        tool = Tool(5)
        add = tool.add
        double = functools.partial(operator.mul, 2)
        put = [].append
        class Site:
            def main(self):
                return [add(1), double(4), tool.own(2), put.__name__, functools.partial(tool.add, 3)()]
    """
    travel.everywhere(policy, [6, 8, 7, "append", 8])


def test_annotations_do_not_need_the_controllers_python(travel: Any) -> None:
    policy = """
        def f(a: int | None = None) -> "list[int] | None":
            x: dict[str, int] | None = None
            return a
        class Site:
            field: int | str = 3
            def main(self) -> str | None:
                def inner(b: int | None = 2) -> str | int:
                    return b
                return [f(1) + inner(), sorted(Site.__annotations__.items())]
    """
    travel.everywhere(policy, [3, [["field", "int | str"]]])


def test_functions_that_change_globals_change_their_own_modules(travel: Any) -> None:
    policy = """
        count = 1
        def up():
            global count
            count += 1
        class Site:
            def main(self):
                up(); up()
                return count
    """
    travel.everywhere(policy, 3)


def test_private_names_are_mangled_with_their_classes_names(travel: Any) -> None:
    policy = """
        class Site:
            def __secret(self):
                return self.__x
            def __init__(self):
                self.__x = 4
            def main(self):
                return self.__secret()
    """
    travel.everywhere(policy, 4)


def test_code_that_registered_its_source_with_linecache_travels(travel: Any) -> None:
    policy = """
        import linecache
        text = "def made(n):\\n    return n + base\\n"
        linecache.cache["<made for this test>"] = (len(text), None, text.splitlines(True), "<made for this test>")
        names = {"base": 40, "__name__": "nowhere"}
        exec(compile(text, "<made for this test>", "exec"), names)
        made = names["made"]
        class Site:
            def main(self):
                return made(2)
    """
    travel.everywhere(policy, 42)


def test_code_in_branches_that_texts_and_numbers_decide_travels(travel: Any) -> None:
    policy = """
        NAME = "x"
        def maker(password="hunter2"):
            while 1:
                def made(): return "made"
                return made
        made = maker()
        class Site:
            if 1:
                def main(self): return [self.other(), made()]
            if f"{NAME}":
                def other(self): return "other"
            elif 2 - 2:
                pass
            else:
                def other(self): return "another"
    """
    travel.everywhere(policy, ["other", "made"])
    assert "hunter2" not in bytes.fromhex(travel.send(policy).answer["payload"]).decode("latin-1")
