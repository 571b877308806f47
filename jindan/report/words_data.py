"""The words of the section on the data, in English and Korean."""

from __future__ import annotations

DATA: dict[str, tuple[str, str]] = {
    "source": ("file", "파일"),
    "split": ("How the rows were split", "행을 나눈 방법"),
    "columns": ("Columns", "열"),
    "column": ("column", "열"),
    "kind": ("kind", "종류"),
    "missing": ("missing", "결측"),
    "unique": ("distinct", "고유값"),
    "min": ("min", "최소"),
    "median": ("median", "중앙값"),
    "mean": ("mean", "평균"),
    "max": ("max", "최대"),
    "std": ("std. dev.", "표준편차"),
    "common": ("most common", "가장 흔한 값"),
    "balance": ("Class balance", "클래스 균형"),
    "histograms": ("Distributions", "분포"),
    "correlations": ("Correlations", "상관관계"),
    "correlations_note": (
        "Blue: they rise together. Orange: one rises as the other falls.",
        "파랑: 함께 커집니다. 주황: 반대로 움직입니다.",
    ),
    "association": ("Association with the target", "타깃과의 연관성"),
    "more": ("… and {n} more.", "… 외 {n}개."),
    "dropped": ("Left out: {names}", "제외한 열: {names}"),
    "means_by_class": ("Means by class", "클래스별 평균"),
    "means_note": (
        "The mean of each column of numbers over the rows of a class, in its own units.",
        "각 수치 열을 클래스별로 평균한 값이며, 단위는 그 열의 단위입니다.",
    ),
    "shares_by_value": ("Classes by value", "값별 클래스 비율"),
    "shares_note": (
        "Of the rows with a value, the share of each class; the most frequent values of a column.",
        "그 값을 가진 행 가운데 각 클래스의 비율입니다. 열마다 가장 흔한 값만 보입니다.",
    ),
    "target_by_value": ("The target by value", "값별 타깃 평균"),
    "target_note": (
        "The mean of the target over the rows with a value; the most frequent values of a column.",
        "그 값을 가진 행의 타깃 평균입니다. 열마다 가장 흔한 값만 보입니다.",
    ),
    "target_mean": ("mean of the target", "타깃 평균"),
}
