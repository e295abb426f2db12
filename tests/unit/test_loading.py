"""Imports that are not interrupted by searches for garbage."""

from __future__ import annotations

import gc
import importlib

import pytest

from tui.console.loading import loading


def test_garbage_is_looked_for_again_afterwards_also_where_an_import_fails():
    with loading():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ImportError), loading():
        importlib.import_module("no.such.module")
    assert gc.isenabled()


def test_what_was_imported_is_left_out_of_later_searches():
    gc.unfreeze()
    with loading():
        kept = [[] for _ in range(1000)]
    assert gc.get_freeze_count() > len(kept)
    gc.unfreeze()
