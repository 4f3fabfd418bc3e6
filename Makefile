# Two commands: `make demo` and `make test`. Each does its own set-up; nothing outside .venv and the out folder is touched.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test docs translations golden bench bench-quick lock lint types imports clean

demo: $(VENV)/sandbox.installed
	$(BIN)/reporter demo --out out

test: $(VENV)/dev.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	rm -f .coverage .coverage.*
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder --cov --cov-report= tests
	$(BIN)/coverage report --fail-under=95

docs: $(VENV)/dev.installed
	$(BIN)/python docs/generate.py

translations: $(VENV)/dev.installed
	$(BIN)/python docs/translations.py

golden: $(VENV)/dev.installed
	RENEW_GOLDEN=1 $(BIN)/pytest -q -p no:cacheprovider tests/whole/test_golden.py

bench: $(VENV)/dev.installed
	$(BIN)/python -m bench

bench-quick: $(VENV)/dev.installed
	$(BIN)/python -m bench --quick

lock:
	uv pip compile --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --no-header --extra sandbox --extra dev pyproject.toml -o requirements/dev.txt
	uv pip compile --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --no-header --extra sandbox -c requirements/dev.txt pyproject.toml -o requirements/sandbox.txt
	uv pip compile --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --no-header -c requirements/dev.txt pyproject.toml -o requirements/run.txt
	uv pip compile --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --no-header --extra image -c requirements/dev.txt pyproject.toml -o requirements/image.txt
	uv pip compile --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --no-header --extra image --extra cluster -c requirements/dev.txt pyproject.toml -o requirements/cluster.txt

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/sandbox.installed: requirements/sandbox.txt pyproject.toml | $(VENV)/bin/python
	$(PIP) install --require-hashes -r requirements/sandbox.txt
	$(PIP) install --no-deps -e .
	touch $@

$(VENV)/dev.installed: requirements/dev.txt pyproject.toml | $(VENV)/bin/python
	$(PIP) install --require-hashes -r requirements/dev.txt
	$(PIP) install --no-deps -e .
	touch $@ $(VENV)/sandbox.installed

clean:
	rm -rf $(VENV) out build *.egg-info .coverage .coverage.* .mypy_cache .ruff_cache
