"""What cannot travel is refused before any host is contacted if travelling code names it, and else says so when used."""

from __future__ import annotations

import sys
from typing import Any

import pytest

ROLE = """
    import socket, threading
    from opsmop.language.role import Role
"""


def refused(travel: Any, body: str, **files: str) -> str:
    return str(travel.send(ROLE + body, **files).error)


@pytest.mark.parametrize(
    ("made", "kind"),
    [
        ("socket.socket()", "socket.socket"),
        ("threading.Lock()", "_thread.lock"),
        ("open(__file__)", "_io.TextIOWrapper"),
        ("(x for x in 'a')", "generator"),
        ("threading.Thread()", "threading.Thread"),
        ("sys._getframe()", "frame"),
    ],
)
def test_a_global_that_cannot_travel_is_named_with_its_place(travel: Any, made: str, kind: str) -> None:
    error = refused(
        travel,
        f"""
    import sys
    connection = {made}
    class Site(Role):
        def main(self):
            x = 1
            return connection.x
    deep = None
    if hasattr(connection, "close") and not hasattr(connection, "send"):
        connection.close()
    """,
    )
    assert "site.py:10: Site.main uses global 'connection'" in error
    assert kind in error
    assert "main()" in error


def test_the_path_to_it_is_told(travel: Any) -> None:
    error = refused(
        travel,
        """
    class Site(Role):
        def __init__(self):
            super().__init__()
            self.pool = [{"lock": threading.Lock()}]
        def main(self):
            with self.pool[0]["lock"]:
                pass
    """,
    )
    assert "site.py:10: self.pool[0]['lock'] (a _thread.lock)" in error


def test_a_closure_variable_that_cannot_travel_is_named(travel: Any) -> None:
    error = refused(
        travel,
        """
    def make():
        lock = threading.Lock()
        class Site(Role):
            def main(self):
                with lock:
                    pass
        return Site()
    Site = make
    """,
    )
    assert "site.py:9: make.<locals>.Site.main uses 'lock' of the function around it (a _thread.lock)" in error


def test_a_value_reached_through_another_function_is_named_where_that_function_uses_it(travel: Any) -> None:
    error = refused(
        travel,
        """
    sock = socket.socket()
    def send():
        return sock.send(b"x")
    class Site(Role):
        def main(self):
            return self.helper()
        def helper(self):
            return send()
    sock.close()
    """,
    )
    assert "site.py:7: send uses global 'sock' (a socket.socket)" in error


def test_a_lock_inside_of_a_library_object_refuses_the_object(travel: Any) -> None:
    error = refused(
        travel,
        """
    import queue
    jobs = queue.Queue()
    class Site(Role):
        def main(self):
            return jobs.get()
    """,
    )
    assert "Site.main uses global 'jobs' (a queue.Queue)" in error
    assert "it holds a _thread.lock" in error


def test_secrets_do_not_show_in_a_refusal(travel: Any) -> None:
    error = refused(
        travel,
        """
    class Client:
        def __init__(self): self.password, self.lock = "hunter2", threading.Lock()
        def __repr__(self): return "Client(hunter2)"
        def use(self): return self.lock
    clients = {"hunter2 x": Client()}
    class Site(Role):
        def main(self):
            return clients["hunter2 x"].use()
    """,
    )
    assert "hunter2" not in error
    assert "global 'clients'" in error


def test_an_attribute_that_nothing_names_becomes_a_placeholder_that_names_itself(travel: Any) -> None:
    policy = """
        import threading, queue
        class Site:
            def __init__(self):
                self.lock, self.queue = threading.Lock(), queue.Queue()
            def main(self):
                found = {}
                for name, value in vars(self).items():
                    for use in (lambda: value.get(), lambda: value(), lambda: list(value), lambda: bool(value), lambda: len(value), lambda: value["x"], lambda: value + 1, lambda: str(value)):
                        try:
                            use()
                        except Exception as error:
                            found.setdefault(name, set()).add(type(error).__name__ + ":" + str(error).partition(" stayed")[0])
                return {name: sorted(texts) for name, texts in found.items()}
    """
    expected = {"lock": ["ShipError:a _thread.lock"], "queue": ["ShipError:a queue.Queue"]}
    travel.everywhere(policy, expected)


def test_what_only_controller_side_methods_use_stays_home_and_blocks_nothing(travel: Any) -> None:
    policy = (
        ROLE
        + """
    from opsmop.language.role import Role
    PASSWORD = "hunter2"
    lock, sock = threading.Lock(), socket.socket()
    class Vault:
        def read(self): return PASSWORD
    vault = Vault()
    class Site(Role):
        secret = "swordfish"
        def inventory(self):
            with lock:
                return ["web1.secret.example"]
        def ssh_as(self): return ("admin", PASSWORD)
        def sudo_as(self): return ("root", self.from_vault())
        def from_vault(self): return vault.read() + sock + "opensesame" + self.secret
        def before_connect(self, host): sock.send(b"x")
        def set_variables(self): return {"x": PASSWORD}
        def main(self):
            # a comment of main may stay
            return "fine"
    def unused(): return PASSWORD
    sock.close()
    """
    )
    travel.everywhere(policy, "fine")
    payload = travel.send(policy).payload
    for absent in (
        b"hunter2",
        b"swordfish",
        b"opensesame",
        b"secret.example",
        b"PASSWORD",
        b"vault",
        b"Vault",
        b"sock",
        b"ssh_as",
    ):
        assert absent not in payload, absent


def test_a_staying_method_that_main_calls_says_that_it_stayed(travel: Any) -> None:
    policy = (
        ROLE
        + """
    class Site(Role):
        def inventory(self): return 1
        def main(self):
            try:
                self.inventory()
            except Exception as error:
                return str(error)
    """
    )
    results = travel.results(policy)
    assert all("Site.inventory stayed on the control machine" in result for result in results.values())


def test_a_type_can_say_that_its_instances_stay_home(travel: Any) -> None:
    body = """
    class Inventory:
        __stays_home__ = "hosts are the control machine's business; read self.vars"
        def __init__(self): self.hosts = ["web1.secret.example"]
    inventory = Inventory()
    class Site(Role):
        def main(self):
            return inventory.hosts
    """
    error = refused(travel, body)
    assert "Site.main uses global 'inventory'" in error
    assert "read self.vars" in error
    assert "secret.example" not in error


def test_rooms_of_the_control_machine_do_not_travel(travel: Any) -> None:
    error = refused(
        travel,
        """
    from opsmop.ship.role import pack
    class Site(Role):
        def main(self):
            return pack
    """,
    )
    assert "global 'pack'" in error
    assert "only the control machine has" in error
    error = refused(
        travel,
        """
    class Site(Role):
        def main(self):
            from opsmop.ship import role
            return role
    """,
    )
    assert "Site.main imports opsmop.ship" in error


def test_a_payload_over_the_limit_names_the_largest_value(travel: Any) -> None:
    policy = """
        small, large = "x" * 1000, "y" * 200000
        class Site:
            def main(self):
                return small + large
    """
    error = travel.send(policy, options=", limit=100000").error
    assert "'large' (a str)" in error
    assert "100000" in error
    assert travel.send(policy, options=", limit=400000").payload


def test_a_chain_that_is_too_deep_is_an_error_that_names_it(travel: Any) -> None:
    policy = """
        chain = None
        for number in range(100000):
            chain = [chain]
        class Site:
            def main(self):
                return chain
    """
    error = travel.send(policy).error
    assert "'chain' (a list) is nested too deeply" in error


def test_a_source_that_changed_since_it_was_imported_is_refused(travel: Any) -> None:
    policy = """
        import pathlib
        import helpers
        pathlib.Path(helpers.__file__).write_text("# a line\\n\\n\\ndef f(): return 2\\n")
        class Site:
            def main(self):
                return helpers.f()
    """
    error = travel.send(policy, **{"helpers.py": "def f(): return 1\n"}).error
    assert "changed since" in error
    assert "helpers.f" in error.replace("'", "") or "the function f" in error


def test_code_without_a_source_is_refused(travel: Any) -> None:
    policy = """
        exec("def made(): return 1")
        class Site:
            def main(self):
                return made()
    """
    error = travel.send(policy).error
    assert "global 'made'" in error
    assert "no source" in error


def test_source_that_the_targets_python_cannot_parse_names_line_and_version(travel: Any) -> None:
    policy = """
        class Site:
            def main(self):
                match self.x:
                    case 1: return "one"
            x = 1
    """
    sent = travel.send(policy)
    version, python = next(iter(travel.targets.items()))
    ran = travel.evaluate(sent, python)
    if version == "3.9":
        assert ran.returncode == 1
        assert b"site.py:4" in ran.stderr
        assert b"Python 3.9" in ran.stderr
    else:
        assert ran.stdout == b'"one"'


def test_a_method_that_stays_may_use_syntax_that_the_target_does_not_know(travel: Any) -> None:
    policy = (
        ROLE
        + """
    class Site(Role):
        def inventory(self):
            match 1:
                case 1: return 2
        def main(self):
            return "fine"
    """
    )
    travel.everywhere(policy, "fine")


def test_a_traceback_on_the_target_shows_the_policys_lines(travel: Any) -> None:
    policy = """
        def broken():
            return 1 / 0   # this very line
        class Site:
            def main(self):
                return broken()
    """
    sent = travel.send(policy)
    (travel.folder / "site.py").unlink()
    ran = travel.evaluate(sent, sys.executable)
    assert ran.returncode == 1
    assert b'site.py", line 3, in broken' in ran.stderr
    assert b"return 1 / 0   # this very line" in ran.stderr


def test_whoever_asks_for_a_line_of_the_policy_on_the_target_is_given_it(travel: Any) -> None:
    policy = """
        class Site:
            def main(self):
                import linecache, traceback
                try:
                    return 1 / 0   # this very line
                except ZeroDivisionError:
                    told = traceback.format_exc()
                return ["this very line" in told, linecache.getline(__file__, 2).strip(), linecache.__loader__.name]
    """
    travel.everywhere(policy, [True, "class Site:", "linecache"])


def test_an_unnamed_object_whose_class_cannot_be_made_there_becomes_a_placeholder(travel: Any) -> None:
    policy = (
        ROLE
        + """
    from opsmop.ship.survey import Survey
    class Mine(Survey):
        def __init__(self): pass
    class Site(Role):
        def __init__(self):
            super().__init__()
            self.mine, self.kinds = Mine(), [Mine]
        def main(self): return sorted(vars(self))[1:3]
    """
    )
    travel.everywhere(policy, ["kinds", "mine"])


def test_a_constructor_of_a_role_runs_on_the_control_machine_only(travel: Any) -> None:
    policy = (
        ROLE
        + """
    lock = threading.Lock()
    class Base(Role):
        def __init__(self, **keywords):
            super().__init__(**keywords)
            with lock:
                self.made = "here" + "hunter2"[:0]
    class Site(Base):
        def main(self):
            try:
                type(self)()
            except Exception as error:
                return [self.made, "Base.__init__ stayed" in str(error)]
    """
    )
    travel.everywhere(policy, ["here", True])
    assert b"hunter2" not in travel.send(policy).payload


def test_a_loop_of_library_objects_around_a_lock_is_held_back_as_one(travel: Any) -> None:
    policy = """
        import threading, queue, collections, functools
        class Site:
            def __init__(self):
                first = collections.OrderedDict(q=queue.Queue())
                first["self"] = first
                lock = threading.Lock()
                self.first, self.call = first, functools.partial(print, lock)
                self.cached = functools.lru_cache(maxsize=2)(lock.acquire)
            def main(self): return sorted(vars(self))
    """
    travel.everywhere(policy, ["cached", "call", "first"])
