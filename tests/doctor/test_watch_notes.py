"""What is noted of a watched loop: words in two languages, hooks that never raise, epochs of rows not kept."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from watched_loops import loop, rows_of

import jindan.doctor
from jindan.doctor import watch_seen, watch_torch, words
from jindan.doctor.watch_notes import Note
from jindan.doctor.watch_seen import Snapshots
from jindan.doctor.watch_torch import watch

torch = pytest.importorskip("torch", reason="PyTorch is watched only where installed")
nn, F = torch.nn, torch.nn.functional


def keys(w):
    return [note.key for note in w.observed.told]


# -- words -------------------------------------------------------------------------------------------------------


def test_every_note_has_words_and_all_words_are_used():
    used = set()
    for file in Path(jindan.doctor.__file__).parent.glob("watch*.py"):
        used |= set(re.findall(r'(?:NoCounterpart|Note)\(\s*"([\w-]+)"', file.read_text(encoding="utf-8")))
    assert used == set(words._table("messages", "en")["note"])


def test_notes_are_told_in_both_languages_in_text_page_and_json():
    module = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    groups = [{"params": module[0].parameters(), "lr": 0.01}, {"params": module[2].parameters(), "lr": 0.001}]
    optimizer, loss_fn = torch.optim.Adam(groups), nn.MSELoss()
    x = rows_of((3,), 24)
    y = x[:, :1]
    with watch(module, optimizer, loss_fn, data=(x, y)) as w:
        loop(module, optimizer, loss_fn, x, y)
    report = watch_report(w)
    note = Note("group-rates")
    assert note in report.notes
    for lang in ("en", "ko"):
        assert note.words(lang) in report.text(lang)
        assert note.words(lang) in report.to_html().replace("&#x27;", "'").replace("&#39;", "'")
    assert {"code": "group-rates", "text": {"en": str(note), "ko": note.words("ko")}} in report.to_dict()["notes"]
    json.dumps(report.to_dict(), allow_nan=False)


def watch_report(w):
    """The report without trials, which take seconds."""
    from dataclasses import replace

    from jindan.doctor.watch_case import report_of

    return report_of(replace(w.observed, trials=False))


@pytest.mark.parametrize("loss_fn", [nn.BCELoss(weight=torch.tensor([3.0])), nn.BCEWithLogitsLoss(torch.tensor([3.0]))])
def test_weights_that_are_left_out_are_told(loss_fn):
    end = [nn.Sigmoid()] if isinstance(loss_fn, nn.BCELoss) else []
    module = nn.Sequential(nn.Linear(3, 1), *end)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    x = rows_of((3,), 16)
    y = (x[:, :1] > 0).astype(np.float32)
    with watch(module, optimizer, loss_fn, data=(x, y)) as w:
        loop(module, optimizer, loss_fn, x, y, epochs=1)
    assert keys(w) == ["no-weight"]


# -- hooks -------------------------------------------------------------------------------------------------------


def test_a_loop_in_bfloat16_goes_on_as_it_was():
    x, y = torch.as_tensor(rows_of((4,), 24)).bfloat16(), torch.as_tensor(rows_of((1,), 24)).bfloat16()

    def trained(data=None, watched=True):
        torch.manual_seed(1)
        module = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1)).bfloat16()
        optimizer, loss_fn = torch.optim.SGD(module.parameters(), lr=0.01), nn.MSELoss()
        if not watched:
            return loop(module, optimizer, loss_fn, x, y), None
        with watch(module, optimizer, loss_fn, data=data, validation_data=(x[:8], y[:8])) as w:
            seen = loop(module, optimizer, loss_fn, x, y)
        return seen, w

    plain, _ = trained(watched=False)
    for data in ((x, y), None):
        seen, w = trained(data)
        assert seen == plain
        assert keys(w) == []
        case = w.observed.case
        assert len(case.plan.layers) == 2
        assert not case.plan.shuffle or data is None
        assert np.array_equal(case.data.x, x.float().numpy())
        assert len(case.moments) > 2


def test_a_hook_that_fails_is_noted_once_and_never_raises(monkeypatch):
    monkeypatch.setattr(Snapshots, "due", lambda self, update: 1 / 0)
    module = nn.Linear(2, 1)
    optimizer, loss_fn = torch.optim.SGD(module.parameters(), lr=0.1), nn.MSELoss()
    x, y = rows_of((2,), 8), rows_of((1,), 8)
    with watch(module, optimizer, loss_fn, data=(x, y)) as w:
        loop(module, optimizer, loss_fn, x, y, epochs=3, batch=4)
    assert [note.key for note in w.notes] == ["hook-failed"]
    assert "division by zero" in w.notes[0].words("ko")
    assert w.rows == [4] * 6


def test_a_loss_that_only_the_loop_can_compute_is_no_fault_of_the_training():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(4, 1)

        def forward(self, x):
            if x.shape[1] != 4:
                raise AssertionError
            return self.inner(x)

    module = Own()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.01)
    x, y = rows_of((4,), 16), rows_of((1,), 16)
    with watch(module, optimizer, F.mse_loss, data=(x.reshape(16, 2, 2), y)) as w:
        loop(module, optimizer, F.mse_loss, x, y)
    assert [(note.key, note.values["said"]) for note in w.notes] == [("loss-unseen", "AssertionError")]
    assert w.first_nonfinite is None
    assert "loss" not in w.observed.case.history


def test_a_last_batch_of_one_row_is_no_fault():
    module = nn.Linear(3, 1)
    optimizer, loss_fn = torch.optim.SGD(module.parameters(), lr=0.1), nn.MSELoss()
    x, y = rows_of((3,), 9), rows_of((), 9)
    with watch(module, optimizer, loss_fn, data=(x, y)) as w, pytest.warns(UserWarning, match="target size"):
        loop(lambda rows: module(rows).squeeze(), optimizer, loss_fn, x, y)
    assert w.broadcast is None
    assert w.observed.findings == ()


def test_a_target_without_an_axis_is_not_gathered():
    module = nn.Linear(3, 1)
    optimizer, loss_fn = torch.optim.SGD(module.parameters(), lr=0.1), nn.MSELoss()
    with watch(module, optimizer, loss_fn) as w:
        loss_fn(module(torch.ones(1, 3)).squeeze(), torch.tensor(1.0)).backward()
        optimizer.step()
    assert keys(w) == ["no-rows"]


# -- epochs where not all rows are kept ----------------------------------------------------------------------------


def watched(monkeypatch, rows, epochs, shuffled=True):
    """A loop without data= on more rows than are kept."""
    for module in (watch_seen, watch_torch):
        monkeypatch.setattr(module, "MOST_ROWS", 40)
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    optimizer, loss_fn = torch.optim.SGD(module.parameters(), lr=0.01), nn.MSELoss()
    x = torch.as_tensor(rows_of((3,), rows))
    y = x[:, :1]
    with watch(module, optimizer, loss_fn) as w:
        for _ in range(epochs):
            order = torch.randperm(rows) if shuffled else torch.arange(rows)
            loop(module, optimizer, loss_fn, x[order], y[order], epochs=1, batch=10)
    return w


@pytest.mark.parametrize("shuffled", [True, False])
def test_epochs_are_told_from_rows_that_come_again(monkeypatch, shuffled):
    w = watched(monkeypatch, rows=95, epochs=6, shuffled=shuffled)
    assert keys(w) == ["epochs-estimated"]
    assert w.epochs.rows == 95
    case = w.observed.case
    assert (case.plan.epochs, case.plan.batch_size, len(case.data)) == (6, 10, 40)
    assert len(case.history["loss"]) == 6
    assert case.moments[-1].epoch == 6
    assert w.observed.trials


def test_where_no_row_comes_again_nothing_is_tried(monkeypatch):
    w = watched(monkeypatch, rows=200, epochs=1)
    assert keys(w) == ["epochs-unknown"]
    monkeypatch.setattr("jindan.doctor.trials.trial", lambda *args, **more: 1 / 0)
    report = w.report()
    assert report.repair() is None
    assert "40" in report.text("ko")
