"""A role whose command must not be ended in the middle."""

from opsmop.language.fields import field
from opsmop.language.provider import ACT, Change, Provider
from opsmop.language.resource import Resource
from opsmop.language.role import Role

# Two processes that do not end when they are asked to, and much later than anybody waits.
SCRIPT = """
trap '' TERM
cd "$1"
echo $$ > part
mv part command
sleep 1
touch went_on
sleep 300 &
sleep 300
"""


class Transaction(Resource):
    name: str = field(kw_only=False)
    grace: float = field()


class Transact(Provider, provides=Transaction):
    def plan(self):
        argv, grace = ["sh", "-c", SCRIPT, "sh", self.resource.name], self.resource.grace
        yield Change("transact", lambda: self.machine.run(argv, effects=[], grace=grace), ACT)


class Transacting(Role):
    def main(self):
        Transaction(self.constructor_variables["marks"], grace=self.constructor_variables["grace"])
