# make run     install, play main.ipynb cell by cell, and keep the page open until Ctrl-C
# make lab     the same notebook in JupyterLab, for running cells by hand
# make app     the page without Jupyter
# make doctor  what works on this machine, what does not, and what to do about it
# make test    install the test tools too, and run every check
#
# Another Python: make run PYTHON=python3.12

PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(PYTHON) ive_segmentation/setup/install.py

.PHONY: run lab app doctor test

run:
	@$(INSTALL)
	@$(BIN)/python ive_segmentation/setup/notebook.py main.ipynb

lab:
	@$(INSTALL)
	@$(BIN)/python -m jupyterlab main.ipynb

app:
	@$(INSTALL)
	@$(BIN)/python -m ive_segmentation app

doctor:
	@$(INSTALL)
	@$(BIN)/python -m ive_segmentation doctor

test:
	@$(INSTALL) --dev
	$(BIN)/python -m pytest
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
