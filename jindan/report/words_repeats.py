"""The words of repeated trainings: cross-validation, seeds, ensembles."""

from __future__ import annotations

REPEATS: dict[str, tuple[str, str]] = {
    "cv": ("Cross-validation", "교차 검증"),
    "cv_title": ("{folds}-fold cross-validation: {metric}", "{folds}겹 교차 검증: {metric}"),
    "cv_lead": (
        "All {rows} rows took part: each was predicted by networks trained without it, and preprocessing was fitted on "
        "each fold's training rows alone.",
        "{rows}행을 모두 썼고, 각 행은 그 행 없이 학습한 신경망이 예측했습니다. "
        "전처리도 폴드마다 훈련 행만으로 맞췄습니다.",
    ),
    "cv_watched": (
        " When to stop was decided on 15 % of those, never on the rows that are judged.",
        " 언제 멈출지는 평가하는 행이 아니라 그 훈련 행의 15%를 보고 정했습니다.",
    ),
    "cv_note": (
        "Mean over folds with its 95 % interval, corrected for folds that share training rows (Nadeau & Bengio 2003).",
        "폴드 평균과 95% 신뢰구간입니다. 폴드끼리 훈련 행을 공유하는 점을 보정했습니다(Nadeau & Bengio 2003).",
    ),
    "cv_better": (
        "The network is better than the best simple model ({name}) by more than chance: difference {span}, p {p}.",
        "신경망이 가장 나은 단순 모델({name})보다 우연으로 보기 어려울 만큼 낫습니다. 차이 {span}, p {p}.",
    ),
    "cv_same": (
        "The network cannot be told apart from the best simple model ({name}): difference {span}, p {p}.",
        "신경망과 가장 나은 단순 모델({name})의 차이가 있다고 할 수 없습니다. 차이 {span}, p {p}.",
    ),
    "cv_worse": (
        "The network is worse than the best simple model ({name}): difference {span}, p {p}.",
        "신경망이 가장 나은 단순 모델({name})보다 못합니다. 차이 {span}, p {p}.",
    ),
    "cv_unknown": (
        "The network cannot be compared with simple models.",
        "신경망을 단순 모델과 비교할 수 없습니다.",
    ),
    "cv_table": ("By fold", "폴드별 결과"),
    "cv_pooled": ("All rows together", "모든 행을 합친 결과"),
    "cv_value": ("value (95 % interval)", "값(95% 신뢰구간)"),
    "cv_fold": ("fold {n}", "폴드 {n}"),
    "cv_mean": ("mean", "평균"),
    "cv_rare": (
        "Class {label} has {count} rows, fewer than folds: some folds are judged without it.",
        "{label} 클래스는 {count}행으로 폴드보다 적어, 이 클래스 없이 평가한 폴드가 있습니다.",
    ),
    "seeds_title": ("Spread over seeds", "시드에 따른 차이"),
    "seeds_text": (
        "{n} seeds, {metric} on the {part} rows: {mean} on average, from {low} to {high}, standard deviation {std}. "
        "The seed kept has {kept}.",
        "시드 {n}개, {part} 데이터의 {metric}: 평균 {mean}, {low}에서 {high}까지, 표준편차 {std}. "
        "저장한 시드는 {kept}입니다.",
    ),
    "seed_n": ("seed {n}", "시드 {n}"),
    "ensemble_title": ("The ensemble", "앙상블"),
    "ensemble_text": (
        "The model is the mean of {n} networks, each trained on rows drawn with replacement. On the {part} rows, "
        "{metric} is {together} together and {mean} alone on average.",
        "모델은 복원 추출한 행으로 각각 학습한 신경망 {n}개의 평균입니다. {part} 데이터의 {metric}: 함께 {together}, "
        "하나씩은 평균 {mean}.",
    ),
    "member_n": ("member {n}", "구성원 {n}"),
    "together": ("together", "함께"),
}
