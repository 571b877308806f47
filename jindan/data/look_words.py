"""The sentences of `Look.notes`, in English and Korean, by code."""

from __future__ import annotations

from typing import Any

from jindan.errors import UnknownNameError

_WORDS: dict[str, tuple[str, str]] = {
    "leaking-column": (
        "Column `{column}` gives the target `{target}` away by itself: leave it out, "
        "unless it is known before the target is.",
        "`{column}` 열만 보아도 목표 `{target}`의 값을 알 수 있습니다(정답 누출). "
        "예측 시점에 미리 알 수 있는 값이 아니라면 빼세요.",
    ),
    "bad-target": (
        "Column `{column}` cannot be the target: {problem}",
        "`{column}` 열은 목표가 될 수 없습니다: {problem}",
    ),
    "missing-target": (
        "{count} rows have no value in the target `{column}` and will be left out.",
        "목표 `{column}`의 값이 없는 행이 {count}개 있어 제외됩니다.",
    ),
    "left-out-target": (
        "{count} rows have no value in the target `{column}` and were left out.",
        "목표 `{column}`의 값이 없는 행 {count}개는 뺐습니다.",
    ),
    "unjudged-class": (
        "No row of class `{label}` (it has {count}) is among those the figures are measured on: they say nothing "
        "about it.",
        "클래스 `{label}`의 행은 {count}개인데 성적을 잰 데이터에는 하나도 없습니다. 이 수치는 이 클래스에 대해 "
        "아무것도 말해 주지 않습니다.",
    ),
    "unjudged-classes": (
        "{count} of the {total} classes have no row among those the figures are measured on, which say nothing about "
        "them: {labels}.",
        "클래스 {total}개 가운데 {count}개는 성적을 잰 데이터에 행이 하나도 없습니다. 이 수치는 그 클래스들에 대해 "
        "아무것도 말해 주지 않습니다: {labels}.",
    ),
    "unlearnt-class": (
        "Class `{label}` has {count} row(s), none of them among the training rows: the network has never seen it.",
        "클래스 `{label}`의 행 {count}개는 모두 훈련 데이터 밖에 있어, 신경망은 이 클래스를 본 적이 없습니다.",
    ),
    "unlearnt-classes": (
        "{count} of the {total} classes have no row among the training rows: the network has never seen them: "
        "{labels}.",
        "클래스 {total}개 가운데 {count}개는 훈련 데이터에 행이 하나도 없어, 신경망은 그 클래스들을 본 적이 "
        "없습니다: {labels}.",
    ),
    "grouped-interval": (
        "The figures rest on {count} group(s) of `{column}`; as rows of one group are alike, the intervals come of a "
        "bootstrap that draws groups, not rows.",
        "이 수치는 `{column}` 그룹 {count}개에서 잰 것입니다. 같은 그룹의 행은 서로 비슷하므로, 구간은 행이 아니라 "
        "그룹을 다시 뽑는 부트스트랩으로 구했습니다.",
    ),
    "few-groups": (
        "The figures rest on {count} group(s) of `{column}`: too few for an interval that can be trusted, so that none "
        "is shown. It takes {least}.",
        "이 수치는 `{column}` 그룹 {count}개에서 잰 것입니다. 그룹이 너무 적어 믿을 만한 구간을 구할 수 없으므로 "
        "구간을 표시하지 않습니다. 그룹이 {least}개는 있어야 합니다.",
    ),
    "groups-unknown": (
        "The run was parted by groups of `{column}`, a column that these rows lack: the intervals take rows for "
        "independent, and are too narrow where some are alike.",
        "이 학습은 `{column}` 그룹으로 나누어졌는데 이 행들에는 그 열이 없습니다. 구간은 행이 서로 독립이라고 보고 "
        "구했으므로, 비슷한 행이 있으면 실제보다 좁습니다.",
    ),
    "groups-are-rows": (
        "Column `{column}` has another value in every row: to group by it changes nothing.",
        "`{column}` 열은 행마다 값이 달라, 이 열로 묶어도 달라지는 것이 없습니다.",
    ),
    "group-pair": (
        "Columns `{first}` and `{second}` together name the groups of `{column}`: no two groups have both values in "
        "common, which is no chance. The network may learn groups by heart from them. --drop {second} leaves one out.",
        "`{first}` 열과 `{second}` 열은 합치면 `{column}` 그룹의 이름이 됩니다. 두 값이 모두 같은 그룹은 없으며, "
        "우연이 아닙니다. 신경망이 두 열로 그룹을 외울 수 있습니다. --drop {second}을 주면 하나를 뺍니다.",
    ),
    "group-alike": (
        "Column `{name}` has one value in each group of `{column}`, and another in each: the network may learn groups "
        "by heart from it. --drop {name} leaves it out.",
        "`{name}` 열의 값은 `{column}` 그룹 안에서 모두 같고 그룹마다 다릅니다. 신경망이 이 열로 그룹을 외울 수 "
        "있습니다. --drop {name}을 주면 이 열을 뺍니다.",
    ),
    "seen-before": (
        "{count} of the {rows} rows the figures are measured on were among those `{run}` was trained on: they flatter "
        "the network. Give new rows, or the same table with the same seed.",
        "성적을 잰 {rows}개 행 중 {count}개는 `{run}`을 학습할 때 쓰인 행이므로, 이 수치는 실제보다 좋게 나옵니다. "
        "새로운 행을 쓰거나, 같은 표와 같은 시드로 이어서 학습하세요.",
    ),
    "maybe-seen-before": (
        "The table of `{run}` cannot be read again: whether rows the figures are measured on were trained on before is "
        "not known.",
        "`{run}`의 표를 다시 읽을 수 없어, 성적을 잰 행이 이전 학습에 쓰였는지 알 수 없습니다.",
    ),
    "parted-by-groups": (
        "Rows that share `{column}` are in one part: {count} groups.",
        "`{column}` 값이 같은 행은 한쪽에만 있습니다. 그룹은 {count}개입니다.",
    ),
    "parted-by-time": (
        "The parts follow one another in time (`{column}`): the last rows are the test.",
        "행을 시간 순서(`{column}`)로 나누었습니다. 마지막 행들이 시험 데이터입니다.",
    ),
    "trained-on": (
        "{count} of these {rows} rows equal rows that the run was trained on, or that decided when to stop: the "
        "figures flatter the network. Give rows it has not seen.",
        "이 {rows}개 행 중 {count}개는 이 모델을 학습하거나 언제 멈출지 정할 때 쓰인 행과 같으므로, 이 수치는 실제보다 "
        "좋게 나옵니다. 처음 보는 행으로 평가하세요.",
    ),
    "equal-by-chance": (
        "Rows repeat in the run's table: of those kept apart, too, {percent} % equalled such rows.",
        "이 모델의 표에는 같은 행이 반복됩니다. 따로 남겨 둔 행도 {percent} %가 그런 행과 같았습니다.",
    ),
    "rare-class": (
        "Class `{label}` has only {count} of {rows} rows; accuracy alone will hide how it fares.",
        "클래스 `{label}`의 행은 {rows}개 중 {count}개뿐입니다. 정확도만으로는 이 클래스의 성적이 드러나지 않습니다.",
    ),
    "time-series": (
        "The rows are a series in time (column `{column}`): split them in order of time, not at random.",
        "행이 시간 순서의 계열입니다(`{column}` 열). 무작위가 아니라 시간 순서로 나누세요.",
    ),
    "mostly-numbers": (
        "Column `{column}` is mostly numbers: {count} cells are not (first: row {row} '{value}'). "
        "Correct or empty them, and it is used as numbers.",
        "`{column}` 열은 대부분 수치인데 {count}개 칸이 수치가 아닙니다(처음: {row}행 '{value}'). "
        "고치거나 비우면 수치로 쓰입니다.",
    ),
    "numbers-and-marks": (
        "Column `{column}` holds numbers beside {count} cells that are none (first: row {row} '{value}'), so every "
        "number is a category of its own. Empty those cells, and it is used as numbers.",
        "`{column}` 열에는 수치와 함께 수치가 아닌 칸이 {count}개 있어(처음: {row}행 '{value}') 수마다 별개의 범주가 "
        "됩니다. 그 칸을 비우면 수치로 쓰입니다.",
    ),
    "dropped-constant": (
        "Column `{column}` holds one value only and will be left out.",
        "`{column}` 열에는 한 가지 값만 있어 제외됩니다.",
    ),
    "dropped-identifier": (
        "Column `{column}` names or numbers the rows and will be left out.",
        "`{column}` 열은 행의 이름이나 번호이므로 제외됩니다.",
    ),
    "text-column": (
        "Column `{column}` holds free text; the network reads its words, by a branch of its own.",
        "`{column}` 열은 자유로운 글입니다. 신경망이 별도의 가지에서 단어를 읽습니다.",
    ),
    "image-column": (
        "Column `{column}` names image files; the network sees the images, by a branch of its own.",
        "`{column}` 열은 이미지 파일의 이름입니다. 신경망이 별도의 가지에서 이미지를 봅니다.",
    ),
    "few-images": (
        "Class `{label}` has only {count} images: a network needs dozens to learn what they share.",
        "클래스 `{label}`의 이미지는 {count}개뿐입니다. 공통점을 배우려면 수십 개는 필요합니다.",
    ),
    "images-broken": (
        "{count} of {files} files cannot be read and will be left out (first: {path}).",
        "파일 {files}개 중 {count}개를 읽을 수 없어 제외됩니다(처음: {path}).",
    ),
    "images-others": (
        "Files that are no images by their names are passed over: {count} (first: {path}).",
        "이름으로 보아 이미지가 아닌 파일 {count}개는 건너뜁니다(처음: {path}).",
    ),
    "images-unlabelled": (
        "The images have no classes: put them into one folder a class to train on them.",
        "이미지에 클래스가 없습니다. 학습하려면 클래스마다 폴더 하나에 나누어 두세요.",
    ),
    "images-shrunk": (
        "The images are brought to {height} × {width} pixels for training; a plan can ask for another image_size.",
        "학습할 때는 이미지를 {height} × {width} 픽셀로 맞춥니다. 계획의 image_size로 바꿀 수 있습니다.",
    ),
    "dropped-empty": ("Column `{column}` is empty and will be left out.", "`{column}` 열은 비어 있어 제외됩니다."),
    "infinite-values": (
        "Column `{column}` holds {count} infinite values; training needs them corrected or removed.",
        "`{column}` 열에 무한대 값이 {count}개 있습니다. 학습하려면 고치거나 지워야 합니다.",
    ),
    "many-missing": (
        "{percent} % of column `{column}` is missing.",
        "`{column}` 열의 {percent} %가 비어 있습니다.",
    ),
    "many-categories": (
        "Column `{column}` has {count} different categories; the rarest will share one feature.",
        "`{column}` 열에는 서로 다른 범주가 {count}개 있습니다. 드문 범주는 하나의 특성으로 묶입니다.",
    ),
    "skewed": (
        "Column `{column}` is very skewed ({skew}): a few rows lie far from the rest; a logarithm may help.",
        "`{column}` 열은 매우 치우쳐 있습니다({skew}). "
        "몇몇 행이 나머지와 멀리 떨어져 있으니 로그를 취하면 나을 수 있습니다.",
    ),
    "duplicate-rows": (
        "{count} of {rows} rows repeat an earlier one; repeated rows in train and test make the test too kind.",
        "{rows}개 행 중 {count}개가 앞선 행의 반복입니다. "
        "같은 행이 학습과 시험에 함께 있으면 시험 점수가 부풀려집니다.",
    ),
    "correlated-pair": (
        "Columns `{a}` and `{b}` say nearly the same (correlation {r}).",
        "`{a}` 열과 `{b}` 열은 거의 같은 내용입니다(상관계수 {r}).",
    ),
    "wide-table": (
        "Correlations are shown for the first {shown} of {columns} numeric columns.",
        "상관관계는 수치 열 {columns}개 중 처음 {shown}개만 보여 줍니다.",
    ),
    "few-rows": (
        "There are only {rows} rows: any score will be uncertain; cross-validate.",
        "행이 {rows}개뿐이라 어떤 점수도 불확실합니다. 교차 검증을 하세요.",
    ),
}

# Why a column cannot be the target: what `infer_task` says, in Korean.
_PROBLEMS = {
    "The target column has no value.": "목표 열에 값이 없습니다.",
    "The target has one value only; there is nothing to learn.": "목표의 값이 하나뿐이라 배울 것이 없습니다.",
    "Dates cannot be predicted.": "날짜는 예측할 수 없습니다.",
    "Every row has a class of its own; there is nothing to learn.": "행마다 클래스가 달라 배울 것이 없습니다.",
    "Regression needs numbers as target.": "회귀의 목표는 수치여야 합니다.",
    "A binary task needs exactly two classes.": "이진 분류의 목표에는 클래스가 정확히 두 개 있어야 합니다.",
    "The target is a measured number, not a class.": "목표가 클래스가 아니라 측정한 수치입니다.",
}

CODES = tuple(_WORDS)


def sentence(code: str, values: dict[str, Any], lang: str = "en") -> str:
    """The sentence for a code, in "en" or "ko".

    Raises:
        UnknownNameError: another language.

    >>> sentence("dropped-empty", {"column": "x"}, "ko")
    '`x` 열은 비어 있어 제외됩니다.'
    """
    if lang not in ("en", "ko"):
        raise UnknownNameError("language", lang, ("en", "ko"))
    if lang == "ko" and "problem" in values:
        values = {**values, "problem": _PROBLEMS.get(values["problem"], values["problem"])}
    return _WORDS[code][lang == "ko"].format(**values).replace(": 1 cells are not", ": 1 cell is not")
