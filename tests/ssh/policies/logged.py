from opsmop import *


class Site(Role):
    def main(self):
        File("/dev/null/conf" if self.vars.broken else self.vars.place, from_content=T("{{ password }}\n"))
        print("the password is", self.vars.password.reveal())
        Echo("bell \a and {{ password }}")


class Lines(Role):
    def main(self):
        for number in range(self.vars.count):
            Echo("x" * 1000 + str(number))
