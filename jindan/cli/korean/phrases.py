"""Names of kinds, phrases that stand in many errors, and places that errors are about, in Korean."""

from __future__ import annotations

KINDS = {
    "column": "열", "class": "클래스", "layer": "층", "loss": "손실", "optimizer": "옵티마이저", "metric": "지표",
    "activation": "활성화 함수", "wiring": "배선", "cell": "셀", "crossing": "교차", "class weight": "클래스 가중치",
    "one-to-one activation": "일대일 활성화 함수", "initializer": "초기화 방법",
    "regularizer": "규제", "constraint": "제약", "schedule": "학습률 스케줄", "callback": "콜백", "language": "언어",
    "concept": "개념", "message": "문장", "task": "과제", "score": "점수", "label": "레이블",
    "tokenizer": "토큰화 방법", "standardization": "글을 고르는 방법", "split": "글을 나누는 방법",
    "Unicode form": "유니코드 정규형", "way to fit images": "이미지를 맞추는 방법", "method of search": "탐색 방법",
    "kind of range": "구간의 종류", "preprocessing setting": "전처리 설정", "setting of a plan": "계획의 설정",
    "whitening method": "백색화 방법", "transform": "변환", "imputer strategy": "빈 값을 채우는 방법",
    "argument": "인수",
    "hidden units": "은닉 유닛", "clusters": "군집", "components": "주성분", "numbers of a code": "코드의 수",
    "binary": "두 클래스 분류", "multiclass": "여러 클래스 분류", "regression": "회귀",
}  # fmt: skip
PHRASES = {
    "There is no {kind} called {name}.": "{kind} 가운데 {name}(이)라는 이름은 없습니다.",
    "There is no setting of a plan called {name}.": "계획의 설정 가운데 {name}(이)라는 이름은 없습니다.",
    "There is no setting of {owner} called {name}.": "{owner}의 설정 가운데 {name}(이)라는 이름은 없습니다.",
    "There is no {owner} preprocessing called {name}.": "{owner}의 전처리 가운데 {name}(이)라는 이름은 없습니다.",
    "one of: {names}": "다음 중 하나: {names}",
    "one of {names}": "다음 중 하나: {names}",
    "nothing: there are none": "없음",
    "Did you mean `{name}`?": "혹시 `{name}`입니까?",
    "Choose one of the names above for the {kind}.": "위에 적힌 이름 가운데 하나를 고르세요.",
    "`jindan explain` without a name lists them all.": "이름 없이 `jindan explain`을 쓰면 모두 나옵니다.",
    # how much, and of what shape
    "a number": "수",
    "an integer": "정수",
    "numbers": "수",
    "a whole number >= {n}": "{n} 이상인 정수",
    "at least {n}": "{n} 이상",
    "at most {n}": "{n} 이하",
    "between {n} and {m}": "{n}과 {m} 사이",
    "an integer >= {n}, or a tuple of {m} of them": "{n} 이상인 정수, 또는 그런 수 {m}개의 튜플",
    "{n} … {m}": "{n}부터 {m}까지",
    "{n} rows": "{n}행",
    "{n} columns": "열 {n}개",
    "{n} layers": "층 {n}개",
    "a folder": "폴더",
    "a file": "파일",
    "not installed": "설치되지 않음",
    "none": "없음",
    "none left": "남은 것 없음",
    "Leave it out.": "빼세요.",
}  # fmt: skip
PLACES = {
    "{file}, line {n}": "{file} {n}번째 줄",
    "the given table": "주어진 표",
    "the table": "표",
    "the target": "타깃",
    "target {name}": "타깃 {name}",
    "{n} images of {shape}": "{shape} 이미지 {n}개",
    "the list of files": "파일 목록",
    "the given array": "주어진 배열",
    "the dict of columns": "열의 dict",
    "the last layer and its loss": "마지막 층과 그 손실",
    "the last layer": "마지막 층",
    "the rows": "행",
    "validation, test": "검증, 시험",
    "column {name}, row {n}": "{name} 열 {n}행",
    "column {name}": "{name} 열",
    "row {n}": "{n}행",
    "line {n}, column {m}": "{n}번째 줄 {m}번째 글자",
    "layer {name}, function {function}": "층 {name}, 함수 {function}",
    "layer {name}": "층 {name}",
    "class {name}": "클래스 {name}",
    "model {name}": "모델 {name}",
    "{option} {name}, row {n}": "{option} {name}, {n}행",
    "node {n} of the wiring": "배선의 {n}번째 마디",
    "resume, trial {n}": "이어 가는 탐색의 시도 {n}",
    "space, {path} ({value} in the plan)": "탐색 공간, {path}(계획에서는 {value})",
    "space, {path}": "탐색 공간, {path}",
    "{name}sample_weight, row {n}": "{name}sample_weight, {n}행",
    "sample_weight, row {n}": "sample_weight, {n}행",
    "{name} of {owner}": "{owner}의 {name}",
}  # fmt: skip
for _kind, _name in (("a number", "수"), ("an integer", "정수")):
    for _sign, _low in ((">=", "{n} 이상"), (">", "{n} 초과")):
        PHRASES[f"{_kind} {_sign} {{n}}"] = f"{_low}인 {_name}"
        for _other, _high in (("<=", "{m} 이하"), ("<", "{m} 미만")):
            PHRASES[f"{_kind} {_sign} {{n}} and {_other} {{m}}"] = f"{_low} {_high}인 {_name}"
    for _other, _high in (("<=", "{n} 이하"), ("<", "{n} 미만")):
        PHRASES[f"{_kind} {_other} {{n}}"] = f"{_high}인 {_name}"
