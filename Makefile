# The same doors, for fingers that type make.
.PHONY: bench demo check test
demo:
	bin/demo
check:
	bin/check
test:
	bin/test
bench:
	bin/setup test
	.venv/bin/python -m benchmarks $(ARGS)
