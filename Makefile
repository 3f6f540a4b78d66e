# Every target works as the first command on a fresh Debian or Raspberry Pi OS with make and
# python3. ARGS="…" is passed on: make test ARGS="tests/delivery -x", make demo ARGS="--for 30s".

python := .venv/bin/python

.PHONY: help demo test lint walks requirements test-gpio test-systemd test-card test-arm64 test-faults test-page pictures wear bench deb release install lock clean \
	runtime-env test-env dev-env gpio-env browser-env deb-env

help: ## show this
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r n t; do printf '  make %-13s %s\n' "$$n" "$$t"; done

demo: runtime-env ## the agent on this machine against a platform of one's own, live
	@$(python) -m twin.demo $(ARGS)

test: test-env ## the tests
	$(python) -m pytest $(ARGS)

lint: dev-env ## ruff and mypy
	$(python) -m ruff check .
	$(python) -m mypy

walks: test-env ## 100,000 calls at random through the menus of the telephone (an hour or so)
	CALLS=$${CALLS:-100000} $(python) -m pytest -o faulthandler_timeout=0 tests/phone/test_phone_machine.py tests/phone/test_phone_walks.py $(ARGS)

requirements: test-env ## which test holds which requirement of the protocol
	@$(python) -m tests.requirements_table

test-gpio: gpio-env ## the agent on real kernel lines, in User-Mode Linux (as root; slow the first time)
	tests/pi/run $(ARGS)

test-systemd: test-env ## the package and its service under a real systemd, Debian 12 and 13 (as root)
	tests/systemd/run $(ARGS)

test-card: test-env ## a card made by cht-agent-flash, booted with the real cloud-init (as root)
	CHT_BED=card tests/systemd/run $(ARGS)

test-arm64: test-env ## the package on an emulated ARM machine of 64 bits (as root; slow)
	tests/arm64/run $(ARGS)

test-faults: test-env ## a thousand faults and more, with a ledger (as root; an hour)
	tests/campaign/run $(ARGS)

test-page: browser-env ## the page of the demo in a real Chromium
	tests/browser/run $(ARGS)

pictures: browser-env ## the pictures of the page in the manuals, anew
	CHT_PICTURES=docs/page tests/browser/run

wear: test-env ## what ten minutes online write to the card, on Debian 12 and 13 (as root)
	CHT_WEAR_SECONDS=600 tests/systemd/run \
		tests/systemd/test_systemd_service.py::test_nothing_is_written_while_online $(ARGS)

bench: test-env ## how fast, how large, how quiet, beside a bare MQTT client
	$(python) -m bench $(ARGS)

deb: deb-env ## the Debian package, in dist/
	@PYTHON=$(python) packaging/deb/build

release: deb-env ## package, wheel, sdist, what they are made of, and their sums, in dist/
	@PYTHON=$(python) packaging/release

install: ## on this machine without the package: /opt/cht-agent and the service (as root)
	packaging/install

lock: ## write requirements/*.txt anew from pyproject.toml (needs the network)
	packaging/lock

clean: ## remove .venv and everything generated
	rm -rf .venv .cache build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

runtime-env:
	@packaging/bootstrap runtime

test-env:
	@packaging/bootstrap test

dev-env:
	@packaging/bootstrap dev

gpio-env:
	@packaging/bootstrap gpio

browser-env:
	@packaging/bootstrap browser

deb-env:
	@packaging/bootstrap deb
