"""Errors in Korean: the frame of every one, the command line's own sentences, and those that are met most.

An error is raised in English wherever it is found out, and put into Korean where it is printed, by its sentences:
`{…}` in an entry stands for what differs. A sentence without an entry stays English between Korean labels.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from ..errors import JindanError

LABELS = {"where": "위치", "expected": "필요한 것", "received": "받은 것", "help": "도움말"}
KINDS = {
    "column": "열", "class": "클래스", "layer": "계층", "loss": "손실", "optimizer": "옵티마이저", "metric": "지표",
    "activation": "활성화 함수", "initializer": "초기화 방법", "language": "언어", "concept": "개념",
    "preprocessing setting": "전처리 설정",
}  # fmt: skip
SENTENCES = {
    # the command line's own
    "There is no run folder here.": "여기에는 학습 폴더가 없습니다.",
    "a folder that `jindan train` wrote": "`jindan train`이 만든 폴더",
    "nothing of that name": "그런 이름이 없음",
    "`jindan train` prints the folder it writes.": "`jindan train`은 만든 폴더를 출력합니다.",
    "The predictions would replace the rows they are made from.": "예측 결과가 예측할 행이 든 파일을 덮어쓰게 됩니다.",
    "another file": "다른 파일",
    "the table itself": "그 표 자체",
    "Choose another --out.": "--out을 다른 곳으로 바꾸세요.",
    "This run holds no preprocessing of a table.": "이 폴더에는 표의 전처리가 없습니다.",
    "a run of `jindan train`": "`jindan train`이 만든 학습 폴더",
    "a saved model": "저장한 모델",
    "In Python: jindan.load(run).predict(array).": "Python에서는 jindan.load(run).predict(array)를 쓰세요.",
    "The file cannot be written.": "파일을 쓸 수 없습니다.",
    "The folder cannot be written.": "폴더를 쓸 수 없습니다.",
    "a place you may write to": "쓸 수 있는 곳",
    "Choose another place.": "다른 곳을 고르세요.",
    "it is a folder": "폴더임",
    "One file of texts at a time.": "글 파일은 한 번에 하나만 쓸 수 있습니다.",
    "one file": "파일 하나",
    "Put the texts into one file, a text a line.": "글을 한 줄에 하나씩, 한 파일에 모으세요.",
    "Images go into a file.": "이미지는 파일로 저장해야 합니다.",
    "a name that ends in .png": ".png로 끝나는 이름",
    "nothing": "없음",
    "What shall the neighbours be of?": "무엇의 이웃을 찾을지 정해야 합니다.",
    "a word, or --row": "단어 하나, 또는 --row",
    "both": "둘 다",
    "neither": "둘 다 없음",
    "jindan {command} is for models without a target.": "jindan {command} 명령은 타깃이 없는 모델에 씁니다.",
    "jindan {command} is for networks with a target.": "jindan {command} 명령은 타깃이 있는 신경망에 씁니다.",
    "a run of `jindan train … --model`": "`jindan train … --model`이 만든 학습 폴더",
    "a run of `jindan train` without --model": "--model 없이 `jindan train`이 만든 학습 폴더",
    "a run of --model {kind}": "--model {kind}로 만든 학습 폴더",
    "a network with a target": "타깃이 있는 신경망",
    "{command} makes a run that can.": "{command} 명령으로 만든 학습 폴더에서 쓸 수 있습니다.",
    "{command} makes a run of words.": "{command} 명령이 단어를 학습합니다.",
    "These work: {commands}.": "쓸 수 있는 명령: {commands}.",
    # what the operating system says
    "No such file or directory": "그런 파일이나 폴더가 없음",
    "Permission denied": "권한이 없음",
    "Is a directory": "폴더임",
    "Not a directory": "폴더가 아님",
    "File exists": "이미 있음",
    "No space left on device": "디스크에 남은 공간이 없음",
    "Read-only file system": "읽기 전용 파일 시스템",
    # met most of the library's
    "There is no {kind} called {name}.": "{kind} 가운데 {name}(이)라는 이름은 없습니다.",
    "one of: {names}": "다음 중 하나: {names}",
    "Did you mean `{name}`?": "혹시 `{name}`입니까?",
    "Choose one of the names above for the {kind}.": "위에 적힌 이름 가운데 하나를 고르세요.",
    "There is no column at that position.": "그 자리에는 열이 없습니다.",
    "a position from {low} to {high}, or a name": "{low}부터 {high}까지의 자리, 또는 이름",
    "The columns are: {names}.": "있는 열: {names}.",
    "The file does not exist.": "파일이 없습니다.",
    "the path of a table": "표 파일의 경로",
    "the path of one file": "파일 하나의 경로",
    "a folder": "폴더",
    "a file": "파일",
    "Look at the folder: {folder}.": "폴더를 확인하세요: {folder}.",
    "There is no folder {folder} either.": "폴더 {folder}도 없습니다.",
    "A folder was given where a file is needed.": "파일이 필요한 자리에 폴더를 주었습니다.",
    "It holds: {names}.": "그 안에 있는 것: {names}.",
    "The file is empty.": "파일이 비어 있습니다.",
    "The file has a header and no rows.": "파일에 머리글만 있고 행이 없습니다.",
    "The file holds binary data, not a table of text.": "파일이 글로 된 표가 아니라 이진 데이터입니다.",
    "Files of type {type} cannot be read.": "{type} 형식의 파일은 읽을 수 없습니다.",
    "Save the sheet as CSV first.": "먼저 CSV로 저장하세요.",
    "Convert the table to CSV or Parquet.": "표를 CSV나 Parquet으로 바꾸세요.",
    "Two columns have the same name.": "두 열의 이름이 같습니다.",
    "The column to predict is not named.": "예측할 열을 정하지 않았습니다.",
    "a column of the table": "표의 열",
    "The target itself cannot be dropped.": "타깃 자체를 뺄 수는 없습니다.",
    "The target itself cannot say how rows are parted.": "타깃 자체로 행을 나눌 수는 없습니다.",
    "another column": "다른 열",
    "The target has one value only; there is nothing to learn.": "타깃의 값이 하나뿐이라 배울 것이 없습니다.",
    "The target column has no value.": "타깃 열에 값이 없습니다.",
    "Every row has a class of its own; there is nothing to learn.": "행마다 클래스가 달라 배울 것이 없습니다.",
    "Dates cannot be predicted.": "날짜는 예측할 수 없습니다.",
    "Regression needs numbers as target.": "회귀의 타깃은 수치여야 합니다.",
    "The rows have no target.": "이 행들에는 타깃이 없습니다.",
    "No row has a target.": "타깃 값이 있는 행이 없습니다.",
    "Use `jindan predict` for rows without one.": "타깃이 없는 행에는 `jindan predict`를 쓰세요.",
    "No column is left to learn from.": "배울 열이 남지 않았습니다.",
    "No column can be used as a feature.": "입력으로 쓸 수 있는 열이 없습니다.",
    "A value is infinite.": "무한대인 값이 있습니다.",
    "finite numbers": "유한한 수",
    "There are too few rows to split.": "행이 너무 적어 나눌 수 없습니다.",
    "There are too few groups to split.": "그룹이 너무 적어 나눌 수 없습니다.",
    "There are too few different times to split.": "서로 다른 시간이 너무 적어 나눌 수 없습니다.",
    "There are fewer rows than folds.": "행이 폴드보다 적습니다.",
    "Validation and test leave no rows to train on.": "검증과 시험에 쓰고 나면 훈련할 행이 없습니다.",
    "Rows in order of time cannot be grouped as well.": "시간 순서로 나누면서 그룹으로도 묶을 수는 없습니다.",
    "one of them": "둘 중 하나",
    "Leave one out.": "하나를 빼세요.",
    "The column that parts the rows has gaps.": "행을 나누는 열에 빈 칸이 있습니다.",
    "a value in every row": "모든 행의 값",
    "Fill them, or drop the rows.": "빈 칸을 채우거나 그 행을 빼세요.",
    "This column does not say when a row was.": "이 열은 행의 시간을 나타내지 않습니다.",
    "dates or numbers": "날짜 또는 수",
    "A share of the rows must lie between 0 and 1.": "행의 비율은 0과 1 사이여야 합니다.",
    "0.2 keeps a fifth of the rows.": "0.2는 행의 5분의 1을 뜻합니다.",
    "The learning rate must be positive.": "학습률은 0보다 커야 합니다.",
    "a number > 0": "0보다 큰 수",
    "Leave it out, or try 0.001.": "빼거나 0.001을 써 보세요.",
    "A hidden layer cannot be read.": "은닉층을 읽을 수 없습니다.",
    "The plan cannot be read.": "계획 파일을 읽을 수 없습니다.",
    "The plan cannot be understood.": "계획을 이해할 수 없습니다.",
    "a JSON file": "JSON 파일",
    "Something else stands where the run would be written.": "학습 결과를 쓸 자리에 다른 것이 있습니다.",
    "a new or empty folder, or a run to replace": "새 폴더나 빈 폴더, 또는 바꿔 쓸 학습 폴더",
    "a folder with other files": "다른 파일이 든 폴더",
    "Choose another --out, or change its permissions.": "--out을 다른 곳으로 바꾸거나 권한을 바꾸세요.",
    "There is nothing to resume: the run is complete.": "이어서 학습할 것이 없습니다. 이미 끝난 학습입니다.",
    "an interrupted run": "중단된 학습",
    "Train on with `jindan train … --from RUN`.": "더 학습하려면 `jindan train … --from RUN`을 쓰세요.",
    "The run has no readable record.": "학습 폴더에 읽을 수 있는 기록이 없습니다.",
    "Give the folder that `jindan train` printed.": "`jindan train`이 출력한 폴더를 주세요.",
    "The table is not what it was when the run began.": "표가 학습을 시작할 때와 다릅니다.",
    "the same rows and columns": "같은 행과 열",
    "other ones": "다른 행이나 열",
    "Restore the file, or train anew.": "파일을 되돌리거나 새로 학습하세요.",
    "This run was not trained on a table.": "이 학습은 표로 한 것이 아닙니다.",
    "The network does not fit into the memory of this machine.": "신경망이 이 컴퓨터의 메모리에 들어가지 않습니다.",
}  # fmt: skip
USAGE = {
    "Missing argument {name}.": "{name} 인수가 없습니다.",
    "Missing option {name}.": "{name} 옵션이 없습니다.",
    "No such command {name}. Did you mean {near}?": "{name}(이)라는 명령은 없습니다. 혹시 {near}입니까?",
    "No such command {name}.": "{name}(이)라는 명령은 없습니다.",
    "No such option: {name} (Possible options: {near})": "{name}(이)라는 옵션은 없습니다. 비슷한 옵션: {near}",
    "No such option: {name}": "{name}(이)라는 옵션은 없습니다.",
    "Option {name} requires an argument.": "{name} 옵션에는 값이 있어야 합니다.",
    "Option {name} does not take a value.": "{name} 옵션에는 값을 줄 수 없습니다.",
    "Got unexpected extra argument(s) ({names})": "인수가 너무 많습니다({names}).",
    "Invalid value for {name}: {why}": "{name}에 맞지 않는 값: {why}",
    "Invalid value: {why}": "맞지 않는 값: {why}",
}
REASONS = {
    "missing; name the column to predict.": "예측할 열의 이름을 주어야 합니다.",
    "means nothing without --model.": "--model 없이는 뜻이 없습니다.",
    "Input should be greater than or equal to {least}": "{least} 이상이어야 합니다.",
    "Input should be a valid integer, unable to parse string as an integer": "정수여야 합니다.",
    "Input should be a valid number, unable to parse string as a number": "수여야 합니다.",
    "Value error, {given} is not one of {names}.": "{given}은(는) 다음 중 하나가 아닙니다: {names}.",
}


def translated(text: object) -> str:
    """A sentence or a phrase of an error in Korean, or as it is where there is no entry.

    >>> translated("There is no column called 'yy'."), translated("Did you mean `y`?"), translated("an oak")
    ("열 가운데 'yy'(이)라는 이름은 없습니다.", '혹시 `y`입니까?', 'an oak')
    """
    return _by_entry(str(text), "sentences") or str(text)


def in_korean(error: JindanError) -> str:
    """An error as the template has it, in Korean.

    >>> print(in_korean(JindanError("The file does not exist.", where="x.csv", help="Did you mean `a.csv`?")))
    파일이 없습니다.
      위치: x.csv
      도움말: 혹시 `a.csv`입니까?
    """
    given = {name: getattr(error, name) for name in LABELS}
    lines = [f"  {LABELS[name]}: {translated(value)}" for name, value in given.items() if value is not None]
    return "\n".join([translated(error.what), *lines])


def usage_in_korean(error: Any) -> str:
    """What the parser of the command line says of options that it cannot take.

    Args:
        error: The parser's, which has `format_message` and, mostly, a context.
    """
    said = error.format_message()
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        return said
    lines = [f"오류: {_by_entry(said, 'usage') or said}"]
    if context is not None:
        helped = f"{context.command_path} {context.help_option_names[0]}"
        usage = context.get_usage().replace("Usage:", "사용법:", 1)
        lines = [usage, f"'{helped}'를 치면 도움말이 나옵니다.", "", *lines]
    return "\n".join(lines)


def _by_entry(text: str, which: str) -> str | None:
    for pattern, korean in _patterns(which):
        if found := pattern.fullmatch(text):
            return korean.format(**{name: _within(name, value) for name, value in found.groupdict().items()})
    return None


def _within(name: str, value: str) -> str:
    """What stands in the place of a `{…}`."""
    if name == "kind":
        return KINDS.get(value, value)
    return (_by_entry(value, "reasons") or value) if name == "why" else value


@cache
def _patterns(which: str) -> list[tuple[re.Pattern[str], str]]:
    entries = {"sentences": SENTENCES, "usage": USAGE, "reasons": REASONS}[which]
    return [(re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+?)", re.escape(english)), re.DOTALL), korean)
            for english, korean in entries.items()]  # fmt: skip
