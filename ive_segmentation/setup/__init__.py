"""From a fresh clone to an open page: `install.py` makes `.venv`, `notebook.py` plays `main.ipynb` in it.

Both are run as files, by path: they must start where nothing is installed yet.
"""
