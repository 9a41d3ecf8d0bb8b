# Two commands do all the set-up: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PANGO := libpango-1.0-0 libpangoft2-1.0-0 fontconfig

.DEFAULT_GOAL := help
.PHONY: help demo test smoke detection sample check format words bench speed startup image lock system fonts clean

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name it with PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# Pango draws the PDF's text; it is the one thing that pip cannot bring. Ubuntu 22.04 has no libharfbuzz-subset0, and needs none.
system: $(STAMP)
	@$(BIN)/python -m auditor.system_packages && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; then \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends $(PANGO) $$(apt-cache pkgnames libharfbuzz-subset0); \
	else \
	  echo "run as root: apt-get install $(PANGO)" >&2; exit 2; \
	fi

# Reports in Chinese, and class names in Chinese, are part of the tests.
fonts: system
	@$(BIN)/python -m auditor.system_packages --fonts && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; then \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends fonts-noto-cjk; \
	else \
	  echo "run as root: apt-get install fonts-noto-cjk" >&2; exit 2; \
	fi

demo: system ## Audit three small networks on drawn radiographs; ends with HTML and PDF reports
	$(BIN)/auditor demo --output demo-audit

# Audited on the spot from what the repository holds: nothing is fetched, and only dates and seconds differ.
sample: system ## Rebuild the sample report (docs/sample/report.html and .pdf) from the demonstration
	rm -rf .cache/sample
	$(BIN)/auditor demo --only tag --output .cache/sample
	mkdir -p docs/sample
	cp .cache/sample/tag/report.html .cache/sample/tag/report.pdf docs/sample/

test: fonts check ## All checks, all tests, and the short detection benchmark
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist worksteal
	$(MAKE) --no-print-directory smoke

smoke: $(STAMP) ## Does the audit find planted shortcuts, and none where there are none? (24 networks)
	$(BIN)/python -m benchmarks.detection --suite smoke --json .cache/detection/smoke.json

detection: $(STAMP) ## The whole detection benchmark: trains and audits 435 networks (hours the first time)
	$(BIN)/python -m benchmarks.detection --suite full --half both --ablations --json .cache/detection/full.json

check: $(STAMP) ## Format, lint, types, floors
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP) ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

words: $(STAMP) ## Bring the catalogues of all languages up to date; lists what is not translated
	$(BIN)/python -m auditor.languages.gathering

bench: $(STAMP) ## Time an audit against plain forwards (SPEC=file)
	$(BIN)/python -m benchmarks.audit $(SPEC)

speed: $(STAMP) ## Time maps and methods in plain forwards, beside other libraries where they are installed
	$(BIN)/python -m benchmarks.speed --json .cache/speed.json

startup: $(STAMP) ## Time commands that need no model, as multiples of an empty Python (RUN=folder of a finished run)
	$(BIN)/python -m benchmarks.startup $(RUN)

image: ## Build the container image
	docker build --tag auditor .

# opencv-python is kept out: its files overwrite the headless build's and want a display.
lock: $(STAMP) ## Resolve requirements.lock again (needs uv)
	printf "opencv-python ; sys_platform == 'never'\n" > build-overrides.txt
	uv pip compile --quiet --no-header --no-annotate --generate-hashes --extra dev --override build-overrides.txt \
	  --python-version 3.11 --python-platform x86_64-manylinux_2_28 --no-emit-index-url --no-emit-find-links \
	  pyproject.toml --output-file requirements.lock
	rm build-overrides.txt

clean: ## Remove what was built
	rm -rf $(VENV) build dist demo-audit
