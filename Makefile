# The same doors, for fingers that type make.
.PHONY: demo check test
demo:
	bin/demo
check:
	bin/check
test:
	bin/test
