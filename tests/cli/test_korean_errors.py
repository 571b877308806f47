"""Errors under --lang ko: Korean labels around every one, Korean sentences where the command line is their source."""

import re

import pytest

from jindan.cli import korean

HANGUL = re.compile("[가-힣]")


def test_entries_keep_what_stands_in_braces():
    for english, translation in {**korean.SENTENCES, **korean.PLACES, **korean.USAGE, **korean.REASONS}.items():
        assert HANGUL.search(translation)
        wanted, given = (set(re.findall(r"\{(\w+)\}", text)) for text in (english, translation))
        assert given <= wanted
        assert wanted - given <= {"kind"}


def said_in_korean(jindan, *arguments, code=1):
    said = jindan(*arguments, "--lang", "ko")
    assert said.code == code, said
    assert said.out == ""
    assert "Traceback" not in said.err
    return said.err


REFUSED = [
    (
        ("predict", "none", "good.csv"),
        ["학습 폴더가 없습니다.", "  위치: none", "  필요한 것: `jindan train`이 만든 폴더", "  받은 것: 그런 이름이",
         "  도움말: `jindan train`은"],
    ),
    (("predict", "R", "good.csv", "--out", "./good.csv"), ["덮어쓰게 됩니다", "  필요한 것: 다른 파일"]),
    (("predict", "R", "good.csv", "--out", "good.csv/p.csv"), ["파일을 쓸 수 없습니다.", "  받은 것: "]),
    (("sample", "R"), ["jindan sample 명령은", "  받은 것: 타깃이 있는 신경망", "만든 학습 폴더에서"]),
    (("neighbors", "R", "word"), ["jindan neighbors 명령은", "단어를 학습합니다"]),
    (
        ("train", "good.csv", "--target", "yy"),
        ["열 가운데 'yy'(이)라는 이름은 없습니다.", "필요한 것: 다음 중 하나: a, b, k, y", "도움말: 혹시 `y`입니까?"],
    ),
    (("train", "god.csv", "--target", "y"), ["파일이 없습니다.", "혹시 `good.csv`입니까?"]),
    (("train", "good.csv", "--target", "y", "--groups", "a", "--time", "rows"), ["그룹으로도 묶을 수는 없습니다."]),
    (("train", "good.csv", "--target", "y", "--layers", "x"), ["은닉층을 읽을 수 없습니다.", "  도움말: "]),
    (("resume", "R"), ["이어서 학습할 것이 없습니다", "  필요한 것: 중단된 학습"]),
    # From deep inside the library.
    (
        ("train", "number.csv", "--target", "y", "--loss", "binary_crossentropy"),
        ["맞지 않습니다: 교차 엔트로피는 확률을 비교하는데, 이 타깃은", "  위치: 마지막 층과 그 손실", "유닛 1개"],
    ),
    (("train", "good.csv", "--target", "y", "--optimizer", "adamm"), ["옵티마이저 가운데 'adamm'", "`Adam`입니까?"]),
    (("train", "good.csv", "--target", "y", "--plan", "conv.json"), ["모양이 (5,)인 행을", "(높이, 너비, 채널) 행"]),
    (("train", "good.csv", "--target", "y", "--plan", "rate.json"), ["Dropout의 rate 값이", "0 이상 1 미만인 수"]),
    (("search", "good.csv", "--target", "y", "--space", "space.json"), ["탐색 공간이 비어 있습니다."]),
    (("evaluate", "R", "other.csv"), ["모델이 학습한 열이 없습니다.", "  위치: b, k"]),
    (("predict", "R", "torn.csv"), ["칸 수가 다른 줄이", "  위치: torn.csv 3번째 줄", "  필요한 것: 4칸"]),
]  # fmt: skip
FILES = {
    "conv.json": '{"layers": [{"type": "Conv2D", "filters": 2, "kernel_size": 3}, {"type": "Dense", "units": 1}]}',
    "rate.json": '{"layers": [{"type": "Dropout", "rate": 2}, {"type": "Dense", "units": 1, "activation": "sigmoid"}]}',
    "space.json": "{}", "other.csv": "a,y\n1,yes\n", "torn.csv": "a,b,k,y\n1,2,p,no\n1,2,p\n",
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "parts"), REFUSED, ids=[" ".join(arguments) for arguments, _ in REFUSED])
def test_errors_are_korean(desk, jindan, arguments, parts):
    for name, text in FILES.items():
        (desk / name).write_text(text)
    said = said_in_korean(jindan, *arguments)
    assert said.startswith("jindan: ")
    for part in parts:
        assert part in said, said
    assert not re.search(r"^  (where|expected|received|help):", said, re.MULTILINE), said


USAGE = [
    (("train", "good.csv"), "'--target'에 맞지 않는 값: 예측할 열의 이름을 주어야 합니다."),
    (("train", "good.csv", "--target", "y", "--dim", "2"), "--model 없이는 뜻이 없습니다."),
    (("train", "good.csv", "--target", "y", "--epochs", "0"), "1 이상이어야 합니다."),
    (("train", "good.csv", "--target", "y", "--epochs", "x"), "정수여야 합니다."),
    (("train", "good.csv", "--target", "y", "--epochz", "4"), "--epochz(이)라는 옵션은 없습니다."),
    (("look", "a", "b", "c"), "인수가 너무 많습니다(b c)."),
    (("predict", "R"), "'DATA…' 인수가 없습니다."),
]


@pytest.mark.parametrize(("arguments", "part"), USAGE, ids=[" ".join(arguments) for arguments, _ in USAGE])
def test_usage_errors_are_korean(desk, jindan, arguments, part):
    said = said_in_korean(jindan, *arguments, code=2)
    assert part in said, said
    assert "사용법: jindan" in said
    assert "오류: " in said
    assert "Error" not in said
    assert "Usage" not in said


def test_a_misspelt_choice_is_answered_in_korean(desk, jindan):
    said = said_in_korean(jindan, "train", "good.csv", "--task", "bnary", code=2)
    assert "'bnary'은(는) 다음 중 하나가 아닙니다" in said
    assert "  도움말: 혹시 `binary`입니까?" in said


def test_english_stays_as_it_was(desk, jindan):
    said = jindan("predict", "none", "good.csv")
    assert said.err.startswith("jindan: There is no run folder here.\n  where:    none\n  expected: a folder that")
    assert not HANGUL.search(said.err)


def test_errors_of_its_own_and_of_memory_are_korean(desk, jindan, monkeypatch):
    from jindan.runs import tables

    def failing(error):
        def prepare(*arguments, **more):
            raise error

        monkeypatch.setattr(tables, "prepare", prepare)
        return said_in_korean(jindan, "train", "good.csv", "--target", "y")

    assert "jindan 자체의 오류: ZeroDivisionError: oops\n  도움말: " in failing(ZeroDivisionError("oops"))
    assert "이 컴퓨터의 메모리가 모자랍니다.\n  도움말: " in failing(MemoryError())
    assert "디스크에 남은 공간이 없음\n  도움말: 경로와" in failing(OSError(28, "No space left on device"))
