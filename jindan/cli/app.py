"""The commands and their options."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

from .choices import Lang, Method, ModelName, TaskName
from .printing import print_json

app = typer.Typer(
    name="jindan",
    help="jindan (진단): trains neural networks, says what is wrong with a training, and shows it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


TableFile = Annotated[
    Path,
    typer.Argument(
        help="A CSV, TSV or Parquet file; or images: a folder of classes, an .npz.", metavar="DATA", show_default=False
    ),
]
Rows = Annotated[
    list[Path],
    typer.Argument(help="A table, a folder of images, or image files.", metavar="DATA…", show_default=False),
]


def _known_run(place: Path | None) -> Path | None:
    if place is not None and not place.exists():
        from .use import refuse_unknown_run

        refuse_unknown_run(place)
    return place


RunFolder = Annotated[
    Path, typer.Argument(help="A run of `jindan train`.", metavar="RUN", show_default=False, callback=_known_run)
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on the last line, and nothing else.")]
Header = Annotated[
    bool | None,
    typer.Option("--header/--no-header", help="Whether the first line holds names; looked at unless given."),
]
Task = Annotated[TaskName, typer.Option(help="What the target is; auto reads it off the column.")]
ValidationShare = Annotated[float, typer.Option(help="Share of rows that decides when to stop.")]
TestShare = Annotated[float, typer.Option(help="Share of rows the result is measured on.")]
Language = Annotated[Lang, typer.Option("--lang", help="Language: en or ko.")]
# typer reads Optional[…] where it cannot read "… | None" of a string annotation.
Text = Optional[str]  # noqa: UP045
Drop = Annotated[Text, typer.Option(help="Columns to leave out, separated by commas.")]
Numeric = Annotated[
    Text, typer.Option(help="Scaling: zscore (unless given), minmax, sum, whiten-pca, whiten-zca or none.")
]
Groups = Annotated[
    Text,
    typer.Option(
        help="Column of groups (patients, users): none is in two parts, nor learnt from; intervals are over them."
    ),
]
Time = Annotated[Text, typer.Option(help="Column of time, or rows for the file's order: the last rows are the test.")]
Target = Annotated[
    Text,
    typer.Option(help="Column to predict: its name, or its place (-1 is the last). With --model: its colours."),
]


def _version(wanted: bool) -> None:
    if wanted:
        from .. import __version__

        print(f"jindan {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    """Options before the command."""


@app.command()
def look(
    data: TableFile,
    target: Annotated[Text, typer.Option(help="Column to predict: name or place.")] = None,
    header: Header = None,
    json_out: Json = False,
    lang: Language = Lang.en,
) -> None:
    """Look at a table before training: types, missing values, distributions, correlations, the target; or at images."""
    from ..data import holds_images, look_at_images
    from ..data import look as look_at

    if holds_images(data):
        images = look_at_images(data)
        if json_out:
            print_json({**images.to_dict(), "notes": {name: images.notes(name) for name in ("en", "ko")}})
            return
        from .show import show_images

        show_images(images, lang.value)
        return
    seen = look_at(data, target, header=header)
    if json_out:
        print_json({**seen.to_dict(), "notes": {name: seen.notes(name) for name in ("en", "ko")}})
        return
    from .show import show_look

    show_look(seen, lang.value)


@app.command()
def train(
    ctx: typer.Context,
    data: TableFile,
    target: Target = None,
    model: Annotated[
        Optional[ModelName],  # noqa: UP045
        typer.Option(help="A model that needs no target, in place of a network that predicts one."),
    ] = None,
    dim: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(min=1, help="With --model: numbers of a code, hidden units, clusters, components."),
    ] = None,
    task: Task = TaskName.auto,
    layers: Annotated[Text, typer.Option(help='Hidden layers: "30 relu, dropout 0.2, 16 relu"; or none.')] = None,
    plan: Annotated[Optional[Path], typer.Option(help="A JSON file of a Plan.")] = None,  # noqa: UP045
    epochs: Annotated[Optional[int], typer.Option(min=1, help="Passes over the rows, at most.")] = None,  # noqa: UP045
    batch_size: Annotated[Optional[int], typer.Option(min=1, help="Rows an update.")] = None,  # noqa: UP045
    optimizer: Annotated[Text, typer.Option(help="adam, sgd, rmsprop, …")] = None,
    learning_rate: Annotated[Optional[float], typer.Option(help="Step size.")] = None,  # noqa: UP045
    loss: Annotated[Text, typer.Option(help="Chosen by the target unless given.")] = None,
    validation: ValidationShare = 0.2,
    test: TestShare = 0.2,
    seed: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(min=0, help="Fixes split, weights and order of rows; the plan's, else 0, unless given."),
    ] = None,
    out: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="The run folder, runs/<table>-<time> unless given; a run that stands there is replaced."),
    ] = None,
    drop: Drop = None,
    numeric: Numeric = None,
    header: Header = None,
    groups: Groups = None,
    time: Time = None,
    start: Annotated[
        Path | None,
        typer.Option("--from", help="A run whose model is trained on, on this table.", callback=_known_run),
    ] = None,
    folds: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(min=2, help="Cross-validate over as many folds of all rows, too."),
    ] = None,
    seeds: Annotated[
        int, typer.Option(min=1, help="Train from as many seeds: is the result luck? The first is kept.")
    ] = 1,
    ensemble: Annotated[
        int, typer.Option(min=1, help="Train as many networks on bootstraps; their mean is the model.")
    ] = 1,
    json_out: Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the run folder alone.")] = False,
    lang: Language = Lang.en,
) -> bool:
    """Train a network on a table or on images: split, scale, train, compare with simple models, write a run folder."""
    if model is not None:
        from .others import train_model

        given = {name for name in ctx.params if _was_given(ctx, name)}
        return train_model(data, model.value, {**locals()}, given, ctx.obj or ())
    from ..data import holds_images
    from ..runs.tables import train_table
    from .progress import Bar
    from .use import preprocessing_of, refuse_others

    if dim is not None:
        raise typer.BadParameter("means nothing without --model.", param_hint="'--dim'")
    if start is not None:
        refuse_others(start, "train --from")
    if target is None and not holds_images(data):
        raise typer.BadParameter("missing; name the column to predict.", param_hint="'--target'")
    with Bar(quiet or json_out, lang.value) as bar:
        result = train_table(
            data, target, task=task.value, layers=layers, plan=plan, epochs=epochs, batch_size=batch_size,
            optimizer=optimizer, learning_rate=learning_rate, loss=loss, validation=validation, test=test, seed=seed,
            out=out, preprocessing=preprocessing_of(drop, numeric, plan), header=header, groups=groups,
            time=time, start=start, listen=bar, lang=lang.value, command=shlex.join(["jindan", *(ctx.obj or ())]),
            folds=folds, seeds=seeds, ensemble=ensemble,
        )  # fmt: skip
    return _finished(result, json_out, quiet, lang)


def _was_given(ctx: typer.Context, name: str) -> bool:
    source = ctx.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


@app.command()
def search(
    ctx: typer.Context,
    data: TableFile,
    target: Target = None,
    method: Annotated[Method, typer.Option(help="How trials are chosen; bayes needs Optuna.")] = Method.random,
    trials: Annotated[int, typer.Option(min=1, help="How many settings are tried.")] = 64,
    space: Annotated[Optional[Path], typer.Option(help="A JSON file: path of the plan → values or range.")] = None,  # noqa: UP045
    folds: Annotated[int, typer.Option(min=1, help="Each trial is judged by so many; 1 for one validation share.")] = 3,
    batch: Annotated[int, typer.Option(min=1, help="Trials that bayes proposes together.")] = 8,
    epochs: Annotated[Optional[int], typer.Option(min=1, help="Passes over the rows, at most.")] = None,  # noqa: UP045
    seed: Annotated[int, typer.Option(min=0, help="Fixes trials, folds, weights and order of rows.")] = 0,
    task: Task = TaskName.auto,
    validation: ValidationShare = 0.2,
    test: TestShare = 0.2,
    drop: Drop = None,
    numeric: Numeric = None,
    header: Header = None,
    groups: Groups = None,
    time: Time = None,
    out: Annotated[Optional[Path], typer.Option(help="The folder, runs/search-<table>-<time> unless given.")] = None,  # noqa: UP045
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a search cut off: the newest one, or --out.")
    ] = False,
    json_out: Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the run folder alone.")] = False,
    lang: Language = Lang.en,
) -> bool:
    """Search the settings of a table's network by cross-validation, then train the best: rate, width, dropout, …"""
    from ..data import holds_images
    from .search import search_rows
    from .use import preprocessing_of

    if target is None and not holds_images(data):
        raise typer.BadParameter("missing; name the column to predict.", param_hint="'--target'")
    found = search_rows(
        data, target, lang.value, json_out or quiet, method=method.value, trials=trials, space=space, folds=folds,
        batch=batch, epochs=epochs, seed=seed, task=task.value, validation=validation, test=test,
        preprocessing=preprocessing_of(drop, numeric, None), header=header, groups=groups, time=time,
        out=out, resume=resume, command=ctx.obj or (),
    )  # fmt: skip
    if found is None:
        return True
    if json_out:
        print_json(found.summary())
        return found.run.interrupted
    return _finished(found.run, False, quiet, lang)


@app.command()
def resume(
    run: RunFolder,
    json_out: Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the run folder alone.")] = False,
    lang: Language = Lang.en,
) -> bool:
    """Go on with an interrupted training, to the same numbers as without the interruption."""
    from ..runs.tables import resume_table
    from .progress import Bar
    from .use import refuse_others

    refuse_others(run, "resume")
    with Bar(quiet or json_out, lang.value) as bar:
        result = resume_table(run, listen=bar)
    return _finished(result, json_out, quiet, lang)


def _finished(result: object, json_out: bool, quiet: bool, lang: Lang) -> bool:
    """Show a run; whether it was interrupted."""
    from .show import show_run

    if result.interrupted:  # type: ignore[attr-defined]
        from .words import say

        epochs, folder = result.run.epochs, shlex.quote(str(result.folder))  # type: ignore[attr-defined]
        key = "interrupted" if result.run.interrupted else f"interrupted_{result.record['unfinished']}"  # type: ignore[attr-defined]
        print(f"jindan: {say(key, lang.value, epochs=epochs)}", file=sys.stderr)
        print(f"  {say('help', lang.value)}: jindan resume {folder}", file=sys.stderr)
    if json_out:
        print_json(result.summary())  # type: ignore[attr-defined]
    elif quiet:
        print(result.folder)  # type: ignore[attr-defined]
    else:
        show_run(result.record, result.folder, lang.value)  # type: ignore[attr-defined]
    return bool(result.interrupted)  # type: ignore[attr-defined]


@app.command()
def predict(
    run: RunFolder,
    data: Rows,
    out: Annotated[Optional[Path], typer.Option(help="Where the predictions go, as CSV; else standard output.")] = None,  # noqa: UP045
    json_out: Json = False,
    lang: Language = Lang.en,
) -> None:
    """Predict rows of a table, or images: prediction and probabilities or an interval; of --model: codes, clusters."""
    from .use import predict_rows

    predict_rows(run, data, out, json_out, lang.value)


@app.command()
def evaluate(run: RunFolder, data: TableFile, json_out: Json = False, lang: Language = Lang.en) -> None:
    """Measure a run on a labelled table or a folder of classes of images, with 95 % intervals."""
    from .use import evaluate_rows

    evaluate_rows(run, data, json_out, lang.value)


@app.command()
def sample(
    run: RunFolder,
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="How many.")] = 10,
    seed: Annotated[Optional[int], typer.Option(min=0, help="Other rows; the run's own unless given.")] = None,  # noqa: UP045
    out: Annotated[Optional[Path], typer.Option(help="A CSV, or a PNG of images; else standard output.")] = None,  # noqa: UP045
    json_out: Json = False,
    lang: Language = Lang.en,
) -> None:
    """Draw new rows, or images, from a run of --model vae, gan, rbm or dbn."""
    from .others import sample_rows

    sample_rows(run, count, seed, out, json_out, lang.value)


@app.command(context_settings={"ignore_unknown_options": True})
def neighbors(
    run: RunFolder,
    words: Annotated[Optional[list[str]], typer.Argument(help="WORD, or: king - man + woman.")] = None,  # noqa: UP045
    row: Annotated[int | None, typer.Option(min=1, help="Rows near this one of the table, in place of words.")] = None,
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="How many.")] = 10,
    json_out: Json = False,
    lang: Language = Lang.en,
) -> None:
    """The words nearest to a word, or to a sum of words; or the rows nearest to a row, by their codes."""
    from .others import show_neighbors

    show_neighbors(run, words or [], row, count, json_out, lang.value)


@app.command()
def diagnose(
    run: RunFolder,
    repair: Annotated[
        bool, typer.Option("--repair", help="Look for a repair, prove it, and write the repaired run beside this one.")
    ] = False,
    out: Annotated[Optional[Path], typer.Option(help="Where the repaired run goes, RUN-repaired unless given.")] = None,  # noqa: UP045
    page: Annotated[Optional[Path], typer.Option("--html", help="Write the findings as a page, too.")] = None,  # noqa: UP045
    json_out: Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
    lang: Language = Lang.en,
) -> None:
    """Train a run's plan again under watch and say what is wrong, why, and what has been proved to help."""
    from .diagnose import diagnose_rows

    diagnose_rows(run, lang.value, json_out, quiet, repair=repair, out=out, page=page)


@app.command()
def report(
    run: RunFolder,
    open_it: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    out: Annotated[Optional[Path], typer.Option(help="Write it here instead of into the run folder.")] = None,  # noqa: UP045
    lang: Annotated[Optional[Lang], typer.Option("--lang", help="Language it opens in.")] = None,  # noqa: UP045
) -> None:
    """Write a run's report anew (one offline HTML file), and open it."""
    from .use import write_report

    write_report(run, open_it, out, None if lang is None else lang.value)


@app.command()
def explain(
    concept: Annotated[Text, typer.Argument(help="A code or name: vanishing-gradient, relu, 교차 엔트로피.")] = None,
    lang: Language = Lang.en,
    json_out: Json = False,
) -> None:
    """Explain a concept of deep learning or a finding, in English or Korean; without one, list them all."""
    from .use import explain_concept

    explain_concept(concept, lang.value, json_out)
