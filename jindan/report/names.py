"""What metrics and baselines are called in English and Korean, and which metrics read as shares or fall when better."""

from __future__ import annotations

from jindan.report.words import Text, Words

SHARES = {"accuracy", "balanced_accuracy", "precision", "recall", "specificity", "f1", "macro_f1", "f1_macro"}
_FALLING = ("loss", "error", "mae", "mse", "mape", "brier", "entropy", "perplexity", "deviance", "hinge")


def bare(key: str) -> str:
    """A metric's name without the split it was measured on.

    >>> bare("val_loss")
    'loss'
    """
    return key.removeprefix("val_").removeprefix("test_")


def is_share(key: str) -> bool:
    """Whether the metric is a share of one and reads best in per cent."""
    return bare(key) in SHARES


def falls(key: str) -> bool:
    """Whether a smaller value is the better one.

    >>> falls("rmse"), falls("accuracy")
    (True, False)
    """
    return any(part in bare(key) for part in _FALLING)


def metric_name(key: str) -> Text:
    """What a metric is called; the key itself where it is nobody we know.

    >>> metric_name("val_accuracy").ko, metric_name("my_score")
    ('정확도', 'my score')
    """
    bare = key.removeprefix("val_")
    found = METRICS.get(bare)
    return Words(*found) if found else bare.replace("_", " ")


def baseline_name(key: str) -> Text:
    """What a baseline is called."""
    found = BASELINES.get(key)
    return Words(*found) if found else key.replace("_", " ")


METRICS: dict[str, tuple[str, str]] = {
    "loss": ("loss", "손실"),
    "accuracy": ("accuracy", "정확도"),
    "balanced_accuracy": ("balanced accuracy", "균형 정확도"),
    "precision": ("precision", "정밀도"),
    "recall": ("recall", "재현율"),
    "specificity": ("specificity", "특이도"),
    "f1": ("F1", "F1"),
    "macro_f1": ("F1, mean of classes", "F1(클래스 평균)"),
    "f1_macro": ("F1, mean of classes", "F1(클래스 평균)"),
    "auc": ("area under the ROC curve", "ROC 곡선 아래 면적(AUC)"),
    "roc_auc": ("area under the ROC curve", "ROC 곡선 아래 면적(AUC)"),
    "log_loss": ("cross-entropy", "교차 엔트로피 오차"),
    "cross_entropy": ("cross-entropy", "교차 엔트로피 오차"),
    "brier": ("Brier score", "브라이어 점수"),
    "r2": ("R²", "결정 계수 R²"),
    "mae": ("mean absolute error", "평균 절대 오차"),
    "mean_absolute_error": ("mean absolute error", "평균 절대 오차"),
    "mse": ("mean squared error", "평균 제곱 오차"),
    "mean_squared_error": ("mean squared error", "평균 제곱 오차"),
    "rmse": ("root mean squared error", "평균 제곱근 오차"),
    "mape": ("mean absolute percentage error", "평균 절대 백분율 오차"),
    "learning_rate": ("learning rate", "학습률"),
    "energy_gap": ("energy of rows minus that of samples", "행과 표본의 에너지 차이"),
    "reconstruction_error": ("error of the reconstruction", "재구성 오차"),
    "pseudo_likelihood": ("pseudo-likelihood", "유사 가능도(pseudo-likelihood)"),
    "discriminator_loss": ("loss of the discriminator", "판별자 손실"),
    "generator_loss": ("loss of the generator", "생성자 손실"),
}

BASELINES: dict[str, tuple[str, str]] = {
    "network": ("this network", "이 신경망"),
    "majority": ("most common class", "가장 흔한 클래스"),
    "mean": ("always the mean", "항상 평균값"),
    "median": ("always the median", "항상 중앙값"),
    "linear": ("linear model", "선형 모델"),
    "logistic": ("logistic regression", "로지스틱 회귀"),
    "bag_of_words": ("linear model on the words", "단어에 대한 선형 모델"),
    "knn": ("nearest neighbours", "최근접 이웃(kNN)"),
    "svm": ("support vector machine", "서포트 벡터 머신(SVM)"),
    "hog_svm": ("by hand: HOG + SVM", "손으로 만든 HOG + SVM"),
    "hog_knn": ("by hand: HOG + kNN", "손으로 만든 HOG + kNN"),
    "sift_svm": ("by hand: SIFT + SVM", "손으로 만든 SIFT + SVM"),
    "sift_knn": ("by hand: SIFT + kNN", "손으로 만든 SIFT + kNN"),
    "surf_svm": ("by hand: SURF + SVM", "손으로 만든 SURF + SVM"),
    "surf_knn": ("by hand: SURF + kNN", "손으로 만든 SURF + kNN"),
    "tree": ("decision tree", "결정 트리"),
    "forest": ("random forest", "랜덤 포레스트"),
}
