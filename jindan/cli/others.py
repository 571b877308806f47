"""What commands do with the models that have no target: train, predict, evaluate, sample, neighbors."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..runs.others import OtherRun, settings_asked, train_other
from ..runs.others_settings import WORD2VEC, refuse_meaningless
from ..runs.others_use import OtherModel
from .printing import print_json
from .progress import Bar
from .use import preprocessing_of, write_text
from .words import say


def train_model(
    data: Path, model: str, options: dict[str, Any], given: Collection[str], command: Sequence[str]
) -> bool:  # fmt: skip
    """Train one of these models; whether it was cut off.

    Args:
        data: The table, images or text.
        model: Its name.
        options: All options of `jindan train`, by name.
        given: Names of those the user gave.
        command: What the user typed after `jindan`.
    """
    refuse_meaningless(model, [name for name in given if name != "ctx"])
    lang, silent = options["lang"].value, options["quiet"] or options["json_out"]
    with Bar(silent, lang) as bar:
        found = train_other(
            data, model, target=options["target"], asked=settings_asked(**options),
            preprocessing=preprocessing_of(options["drop"], options["numeric"], None),
            test=options["test"], seed=options["seed"] or 0, out=options["out"], header=options["header"],
            listen=bar, lang=lang, command=shlex.join(["jindan", *command]),
        )  # fmt: skip
    if found.interrupted:
        epochs = max((len(values) for values in found.record["history"].values()), default=0)
        print(f"jindan: {say('o_interrupted', lang, epochs=epochs)}", file=sys.stderr)
    if options["json_out"]:
        print_json(found.summary())
    elif options["quiet"]:
        print(found.folder)
    else:
        _show(found, lang)
    return found.interrupted


def _show(found: OtherRun, lang: str) -> None:
    """The result in a sentence, the figures, and what to do next."""
    from rich.text import Text

    from ..report.others import result_sentences
    from .show import terminal

    console, record = terminal(), found.record
    console.print()
    for place, words in enumerate(result_sentences(record)):
        console.print(Text(words.ko if lang == "ko" else words.en, style="bold" if place == 0 else ""))
    dropped = record["data"].get("dropped")
    if dropped:
        names = ", ".join(f"{name} ({_why(why, lang)})" for name, why in dropped)
        console.print(Text(say("dropped", lang, names=names), style="dim"))
    for finding in record["findings"]:
        words = finding["text"][lang]
        console.print(Text(f"! {words['title']}: {words['summary']}", style="yellow"))
    counts, seconds = record["data"].get("n"), f"{record['seconds']['total']:.1f}"
    if counts:
        console.print(Text(say("o_rows", lang, **counts, seconds=seconds), style="dim"))
    console.print()
    console.print(Text(say("next", lang)))
    for line in next_commands(record, shlex.quote(str(found.folder))):
        console.print(Text(f"  {line}", style="cyan"), soft_wrap=True)


def _why(why: str, lang: str) -> str:
    try:
        return say(f"why_{why}", lang)
    except KeyError:
        return why


def next_commands(record: dict[str, Any], place: str) -> list[str]:
    """What can be done with a run, as commands."""
    model, rows = record["model"], "FOLDER" if "columns" not in record["data"] else "NEW.csv"
    lines = [f"jindan report {place} --open"]
    if model == WORD2VEC:
        near = record["words"]["neighbours"]
        return [*lines, f"jindan neighbors {place} {shlex.quote(near[0][0]) if near else 'WORD'}"]
    if model in ("vae", "gan", "rbm", "dbn"):
        lines.append(f"jindan sample {place} -n 10")
    if model != "gan":
        lines.append(f"jindan predict {place} {rows} --out codes.csv")
    return lines


def predict_others(run: Path, sources: list[Path], out: Path | None, as_json: bool, lang: str) -> None:
    """Codes, clusters or classes as CSV; how many rows are strange goes to standard error."""
    model, remarks = OtherModel.load(run), []
    if model.reader is None:
        from ..runs.others_words import read_texts

        one = _one(sources)
        column = model.facts["label"] if one.suffix.lower() in (".csv", ".tsv", ".parquet") else None
        table = model.vectors_table(read_texts(one, column, None).texts)
    else:
        frame = model.frame(sources)
        remarks = model.reader.preprocessor.check(frame) if model.reader.image is None else []
        table = model.predict_table(frame)
        for remark in remarks:
            text = _remark(remark, model, lang)
            if text is not None:
                print(f"jindan: {text}", file=sys.stderr)
    strange = model.strange(table)
    if strange > max(1, 0.03 * len(table)):
        print(f"jindan: {say('o_strange', lang, count=strange, rows=len(table))}", file=sys.stderr)
    if out is not None:
        write_text(out, table.write_csv())
        if not as_json:
            print(say("written", lang, rows=len(table), out=out))
    if as_json:
        body: dict[str, Any] = {"rows": len(table), "out": None if out is None else str(out), "warnings": remarks,
                                "strange": strange}  # fmt: skip
        print_json(body if out is not None else {**body, "predictions": table.to_dicts()})
    elif out is None:
        print(table.write_csv(), end="")


def _one(sources: list[Path]) -> Path:
    if len(sources) != 1:
        raise InputError("One file of texts at a time.", where="DATA", expected="one file", received=len(sources),
                         help="Put the texts into one file, a text a line.")  # fmt: skip
    return sources[0]


def _remark(remark: dict[str, Any], model: OtherModel, lang: str) -> str | None:
    """What is unusual about rows, as for networks; `remark_text` asks a model for its preprocessor alone."""
    from types import SimpleNamespace

    from .use import remark_text

    assert model.reader is not None
    return remark_text(remark, SimpleNamespace(facts=SimpleNamespace(preprocessor=model.reader.preprocessor)), lang)


def evaluate_others(run: Path, data: Path, as_json: bool, lang: str) -> None:
    """Figures of a run on other rows: with intervals where it tells classes apart."""
    from .show import show_scores, terminal

    model = OtherModel.load(run)
    if model.kind == "dbn":
        scores, rows = model.scores(model.frame([data]))
        if not as_json:
            show_scores(scores, rows, lang)
            return
        print_json({"run": str(run), "rows": rows, "metrics": {name: s.value for name, s in scores.items()},
                    "intervals": {name: [s.low, s.high] for name, s in scores.items()}})  # fmt: skip
        return
    frame: Any = None if model.reader is None else model.frame([data])
    found = model.figures(frame)
    if as_json:
        print_json({"run": str(run), "model": model.kind, "rows": len(frame), "figures": found})
        return
    from rich.table import Table

    from ..report.others import figure_name

    table = Table(title=say("o_rows_of", lang, rows=len(frame)), title_justify="left", box=None)
    table.add_column(say("figure", lang))
    table.add_column(say("value", lang), justify="right")
    for name, value in found.items():
        words = figure_name(name)
        table.add_row(words.ko if lang == "ko" else words.en, f"{value:.4g}".replace("-", "−"))
    terminal().print(table)


def sample_rows(run: Path, count: int, seed: int | None, out: Path | None, as_json: bool, lang: str) -> None:
    """New rows as CSV, or a PNG of new images."""
    _need_other(run, "sample", "jindan train DATA --model vae, gan, rbm or dbn makes a run that can.")
    model = OtherModel.load(run)
    found = model.sample(count, seed)
    if model.reader is not None and model.reader.image is not None:
        _write_images(found, out, count, as_json, lang)
        return
    if out is not None:
        write_text(out, found.write_csv())
        if not as_json:
            print(say("written", lang, rows=len(found), out=out))
    if as_json:
        body = {"rows": len(found), "out": None if out is None else str(out)}
        print_json(body if out is not None else {**body, "samples": found.to_dicts()})
    elif out is None:
        print(found.write_csv(), end="")


def _write_images(images: Any, out: Path | None, count: int, as_json: bool, lang: str) -> None:
    import base64

    from ..runs.others_pictures import sheet

    if out is None or out.suffix.lower() != ".png":
        raise InputError("Images go into a file.", where="--out", expected="a name that ends in .png",
                         received=out or "nothing", help="jindan sample RUN --out samples.png")  # fmt: skip
    body = base64.b64decode(sheet(images))
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(body)
    except OSError as error:
        raise InputError("The file cannot be written.", where=out, expected="a place you may write to",
                         received=error.strerror, help="Choose another --out.") from None  # fmt: skip
    if as_json:
        print_json({"images": count, "out": str(out)})
    else:
        print(say("o_images", lang, count=count, out=out))


def show_neighbors(run: Path, words: list[str], row: int | None, count: int, as_json: bool, lang: str) -> None:
    """Words near a word or a sum of words; rows near a row."""
    _need_other(run, "neighbors", "jindan train TEXT --model word2vec makes a run of words.")
    if bool(words) == (row is not None):
        raise InputError("What shall the neighbours be of?", where="jindan neighbors", expected="a word, or --row",
                         received="both" if words else "neither", help="jindan neighbors RUN WORD")  # fmt: skip
    model = OtherModel.load(run)
    if row is not None:
        rows = model.near_rows(row, count)
        if as_json:
            print_json({"run": str(run), "row": row, "neighbors": rows})
            return
        for found in rows:
            print(f"{found['row']:>6}  {found['distance']:.4g}" + (f"  {found['label']}" if "label" in found else ""))
        return
    near = model.near_words(words, count)
    if as_json:
        near_by = [{"word": word, "similarity": similarity} for word, similarity in near]
        print_json({"run": str(run), "words": " ".join(words), "neighbors": near_by})
        return
    for word, similarity in near:
        print(f"{similarity:.3f}  {word}")


def _need_other(run: Path, command: str, help: str) -> None:
    from ..runs.others_use import is_other

    if not is_other(run):
        raise InputError(f"jindan {command} is for models without a target.", where=run,
                         expected="a run of `jindan train … --model`",
                         received="a network with a target", help=help)  # fmt: skip
