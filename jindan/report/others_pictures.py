"""Pictures in the report of a model without a target: reconstructions, samples, maps, filters, clusters, words."""

from __future__ import annotations

from typing import Any

from jindan.report.charts_grid import Bar, bar_chart, heat_map
from jindan.report.charts_points import points_chart, words_chart
from jindan.report.examples import inline_image
from jindan.report.markup import both, clip, esc, figure, grid, section, table, tag
from jindan.report.values import listed, mapped, number, numbers, pairs, percent, shown, table_of
from jindan.report.words import Text, Words, joined, t

MOST_BARS, MOST_CELLS = 40, 30


def reconstructions(record: dict[str, Any]) -> str:
    """Images above and what their codes give back below; of a table, what is kept of each column."""
    found = mapped(record.get("reconstructions"))
    if found.get("sheet"):
        note = t("originals_note", rows=_rows(record))
        return section("reconstructions", figure(t("originals"), picture(found["sheet"], t("originals")), note=note))
    kept = [(clip(name, 200), number(value)) for name, value in pairs(found.get("columns"))][:MOST_BARS]
    bars = [Bar(name, value, text=percent(value, 0)) for name, value in kept if value is not None]
    chart = bar_chart(bars, title=t("by_column"), share=True, floor=-1.0) if bars else ""
    low = any(bar.value is not None and bar.value < 0 for bar in bars)
    return section("reconstructions", grid(figure(t("by_column"), chart, note=t("by_column_note") if low else None)))


def samples(record: dict[str, Any]) -> str:
    """New images; or new rows, and their means and deviations beside the training rows'."""
    found = mapped(record.get("samples"))
    if found.get("sheet"):
        return section("samples", figure(t("new_images"), picture(found["sheet"], t("new_images"))))
    content = _rows_table(found.get("names"), found.get("rows"), t("new_rows"))
    rows = [[esc(clip(row[0], 60)), *(esc(_place(v)) for v in row[1:5])]
            for row in map(listed, listed(found.get("compare"))[:60]) if len(row) == 5]  # fmt: skip
    if rows:
        head = (t("feature"), t("mean_real"), t("mean_drawn"), t("std_real"), t("std_drawn"))
        content += table(head, rows, caption=joined(t("compare_title"), ". ", t("scaled_note")))
    return section("samples", content)


def latent_map(record: dict[str, Any]) -> str:
    """Rows as points in two numbers."""
    found = mapped(record.get("map"))
    places = [(a, b) for a, b in zip(numbers(found.get("x")), numbers(found.get("y")), strict=False)]
    if not places or any(v is None for pair in places for v in pair):
        return ""
    groups = [str(name) for name in listed(found.get("group"))]
    groups = groups if len(groups) == len(places) else []
    axis = "axis_code" if found.get("axes") == "code" and record.get("model") != "pca" else "axis_component"
    label = found.get("label")
    title = t("map_title") if not label or not groups else t("map_title_by", label=clip(label, 40))
    title = t("map_cluster") if label == "cluster" and record.get("model") == "kmeans" else title
    more = mapped(found.get("more"))
    rings = None
    if more:
        ring_x, ring_y = numbers(more.get("x")), numbers(more.get("y"))
        if len(ring_x) == len(ring_y) and None not in ring_x and None not in ring_y:
            rings = ([v or 0.0 for v in ring_x], [v or 0.0 for v in ring_y])
    chart = points_chart([a or 0.0 for a, _ in places], [b or 0.0 for _, b in places], groups, title=title,
                         x_label=t(axis, n=1), y_label=t(axis, n=2), more=rings)  # fmt: skip
    notes: list[Words] = []
    if number(found.get("share")) is not None:
        key = "map_rows" if record.get("model") in ("kmeans", "gan") else "map_share"
        notes.append(t(key, share=percent(found["share"], 0)))
    if rings:
        notes.append(t("map_centres" if record.get("model") == "kmeans" else "map_samples"))
    note = joined(notes[0], *(part for words in notes[1:] for part in (" ", words))) if notes else None
    return section("map", figure(title, chart, note=note))


def filters(record: dict[str, Any]) -> str:
    """Weights of the first layer as images, or as a table of inputs and units."""
    found = mapped(record.get("filters"))
    if found.get("sheet"):
        title = t("filter_title", count=shown(found.get("count")), of=shown(found.get("of")))
        return section("filters", figure(title, picture(found["sheet"], title), note=t("filter_note")))
    names, units = [str(v) for v in listed(found.get("rows"))], [str(v) for v in listed(found.get("columns"))]
    chart = heat_map(names, units, table_of(found.get("matrix")), title=t("weight_title"), diverging=True)
    return section("filters", figure(t("weight_title"), chart, note=t("weight_note")))


def clusters(record: dict[str, Any]) -> str:
    """Sizes, centres, labels by cluster, and silhouettes of other numbers of clusters."""
    found = mapped(record.get("clusters"))
    sizes = numbers(found.get("sizes"))
    names = [t("cluster_n", n=k) for k in range(len(sizes))]
    bars = [Bar(name, size, text=shown(size)) for name, size in zip(names, sizes, strict=True)][:MOST_BARS]
    charts = [figure(t("size_title"), bar_chart(bars, title=t("size_title")))] if bars else []
    choice = mapped(found.get("choice"))
    tried = list(zip(numbers(choice.get("clusters")), numbers(choice.get("silhouette")), strict=False))
    if tried:
        best = max((v for _, v in tried if v is not None), default=None)
        bars = [Bar(shown(k), v, text=shown(v, 2), strong=v == best) for k, v in tried]
        charts.append(figure(t("choice_title"), bar_chart(bars, title=t("choice_title")), note=t("choice_note")))
    cross = table_of(found.get("cross"))
    if cross and found.get("label"):
        title = t("cross_title", label=clip(found["label"], 40))
        chart = heat_map([str(k) for k in range(len(cross))], [str(v) for v in listed(found.get("labels"))], cross,
                         title=title)  # fmt: skip
        charts.append(figure(title, chart))
    content = grid(*charts)
    if found.get("sheet"):
        content += figure(t("centre_title"), picture(found["sheet"], t("centre_title")))
    else:
        caption = joined(t("centre_title"), ". ", t("centre_note"))
        content += _rows_table(found.get("names"), found.get("centres"), caption, first=names)
    return section("clusters", content)


def components(record: dict[str, Any]) -> str:
    """Variance along the components, and their weights."""
    found = mapped(record.get("components"))
    ratio = numbers(found.get("ratio"))
    bars = [Bar(t("axis_component", n=k + 1), v, text=percent(v, 1)) for k, v in enumerate(ratio[:15])]
    if not bars:
        return ""
    note = t("variance_note", count=shown(found.get("count")), sum=percent(found.get("sum"), 1))
    charts = [figure(t("variance_title"), bar_chart(bars, title=t("variance_title"), share=True), note=note)]
    if found.get("sheet"):
        charts.append(figure(t("loading_title"), picture(found["sheet"], t("loading_title"))))
    else:
        names = [str(v) for v in listed(found.get("names"))][:MOST_CELLS]
        matrix = table_of(found.get("loadings"))
        across = [str(k + 1) for k in range(len(matrix[0]) if matrix else 0)]
        chart = heat_map(names, across, matrix, title=t("loading_title"), diverging=True)
        charts.append(figure(t("loading_title"), chart, note=t("loading_note")))
    return section("components", grid(*charts))


def words(record: dict[str, Any]) -> str:
    """Nearest words, analogies, and a map of frequent words."""
    found = mapped(record.get("words"))
    rows = [[esc(clip(word, 40)), esc(_with_numbers(near))] for word, near in pairs(found.get("neighbours"))]
    content = table((t("word"), t("nearest")), rows, caption=t("neighbour_title"), text_columns=2) if rows else ""
    told = [row for row in map(listed, listed(found.get("analogies"))) if len(row) == 4]
    if told:
        lines = [[both(t("analogy", a=clip(a, 40), b=clip(b, 40), c=clip(c, 40))), esc(_with_numbers(near))]
                 for a, b, c, near in told]  # fmt: skip
        caption = joined(t("analogy_title"), ". ", t("analogy_note"))
        content += table((t("analogy_title"), t("answers")), lines, caption=caption, text_columns=2)
    places = mapped(found.get("map"))
    xs, ys, names = numbers(places.get("x")), numbers(places.get("y")), [str(w) for w in listed(places.get("words"))]
    if xs and len(xs) == len(ys) == len(names) and None not in xs and None not in ys:
        chart = words_chart([v or 0.0 for v in xs], [v or 0.0 for v in ys], names, title=t("word_map"))
        share = number(places.get("share"))
        note = None if share is None else t("map_share", share=percent(share, 0))
        content += figure(t("word_map"), chart, note=note)
    return section("words", content)


def picture(sheet: Any, label: Words) -> str:
    """A sheet of images, as wide as there is room."""
    return inline_image(sheet, label.en).replace("<img ", '<img class="sheet" ')


def _with_numbers(near: Any) -> str:
    return ", ".join(f"{clip(word, 40)} {shown(value, 2)}" for word, value in pairs(near))


def _rows(record: dict[str, Any]) -> Words:
    return t("on_test" if record.get("measured_on") == "test" else "on_train")


def _rows_table(names: Any, rows: Any, caption: Text, first: list[Words] | None = None) -> str:
    """Rows of a table as they are, at most 12 columns."""
    head = [clip(name, 40) for name in listed(names)][:12]
    body = [[esc(clip(v, 40)) for v in listed(row)[: len(head)]] for row in listed(rows)]
    if not head or not body:
        return ""
    if first is not None:
        body = [[both(name), *row] for name, row in zip(first, body, strict=False)]
        head = ["", *head]
    # Names of columns stand as they are, without a capital.
    return tag("div", table(head, body, caption=caption, text_columns=1 if first else 0), class_="raw")


def _place(value: Any) -> str:
    """Two decimals: means and deviations of scaled columns."""
    x = number(value)
    return "–" if x is None else f"{x:.2f}".replace("-0.00", "0.00").replace("-", "−")
