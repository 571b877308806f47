"""What the terminal says, in both languages."""

from __future__ import annotations

from typing import Any

from ..data.column_words import COLUMN_WORDS

TEXTS = {
    "verdict_better": (
        "That is better than the best simple model here ({name}) by more than chance.",
        "가장 나은 단순 모델({name})보다 우연으로 보기 어려울 만큼 낫습니다.",
    ),
    "verdict_same": (
        "That cannot be told apart from the best simple model here ({name}).",
        "가장 나은 단순 모델({name})과 차이가 있다고 할 수 없습니다.",
    ),
    "verdict_worse": (
        "That is worse than the best simple model here ({name}): use that one, or change the network.",
        "가장 나은 단순 모델({name})보다 못합니다. 그 모델을 쓰거나 신경망을 바꾸는 것이 좋습니다.",
    ),
    "verdict_unknown": (
        "Too few rows to compare it with the best simple model ({name}).",
        "행이 너무 적어 가장 나은 단순 모델({name})과 비교할 수 없습니다.",
    ),
    "verdict_groups": (
        "Too few groups to compare it with the best simple model ({name}).",
        "그룹이 너무 적어 가장 나은 단순 모델({name})과 비교할 수 없습니다.",
    ),
    "help": ("help", "도움말"),
    "about": ("about {count}", "약 {count}"),
    "nothing_helps": (
        "No repair that was tried is proved to help.",
        "시도한 처방 가운데 효과가 입증된 것이 없습니다.",
    ),
    "repaired": ("Repair: {changes}", "처방: {changes}"),
    "proved": (
        "Proof: {measure} {base} → {repaired} {rows}, better in {probability} % of the paired runs.",
        "입증: {rows} {measure} {base} → {repaired}, 짝지은 실험의 {probability}%에서 더 나음.",
    ),
    "proved_held": ("on rows not trained on", "학습에 쓰지 않은 행에서"),
    "proved_alone": (
        "on the training rows themselves, as none can be held out",
        "따로 떼어 둘 수 없어 훈련 데이터에서",
    ),
    "repaired_run": ("The repaired run: {folder}", "처방한 학습: {folder}"),
    "network": ("network", "신경망"),
    "on_test": ("on the test rows", "시험 데이터에서"),
    "on_validation": ("on the validation rows", "검증 데이터에서"),
    "on_train": ("on the training rows", "훈련 데이터에서"),
    "time_order": (
        "The rows follow one another in time (column {column}): rows in random order are the wrong split for "
        "forecasting, and these figures flatter it; --time {column} splits in order.",
        "행이 시간 순서({column} 열)로 이어집니다. 예측 목적이라면 행을 무작위로 나누는 것은 맞지 않으며, "
        "이 수치는 실제보다 좋게 나온 것입니다. --time {column}을 주면 시간 순서로 나눕니다.",
    ),
    "relied_on": (
        "It relies most on {names}: that far {metric} falls when the column is shuffled.",
        "가장 많이 보는 열: {names}. 괄호 안은 그 열을 뒤섞었을 때 떨어지는 {metric}입니다.",
    ),
    "dropped": ("Columns left out: {names}.", "쓰지 않은 열: {names}."),
    "mostly_numbers": (
        "mostly numbers, but not in {count} cell(s) (first: row {row} '{value}')",
        "대부분 수치인데 수치가 아닌 칸 {count}개(처음: {row}행 '{value}')",
    ),
    "as_text": ("Column {name} was read as text; {strange}.", "{name} 열은 글자로 읽었습니다: {strange}."),
    "input_text": (
        "Column {name} is read as text: {tokens}; {vocabulary} different ones are known, {length} a text are read.",
        "{name} 열은 글로 읽습니다: {tokens} 단위, 아는 것 {vocabulary}가지, 글마다 {length}개까지.",
    ),
    "tokens_words": ("words", "단어"),
    "tokens_pieces": ("words cut into pieces of {n} characters", "단어를 {n}자씩 자른 조각"),
    "tokens_characters": ("characters", "글자"),
    "tokens_subwords": ("trained pieces of words", "학습한 단어 조각(BPE)"),
    "input_image": (
        "Column {name} is read as images of {height} × {width} pixels, {colours}, shifted by up to "
        "{shift} at random while training.",
        "{name} 열은 {height} × {width} 픽셀 {colours} 이미지로 읽고, 학습 중에 무작위로 {shift}까지 옮깁니다.",
    ),
    "grey": ("grey", "회색조"),
    "colours": ("in colours", "컬러"),
    "images_size": (
        "{name}: {images} images, most of them {height} × {width} pixels",
        "{name}: 이미지 {images}개, 대부분 {height} × {width} 픽셀",
    ),
    "class": ("class", "클래스"),
    "train": ("training", "훈련"),
    "validation": ("validation", "검증"),
    "test": ("test", "시험"),
    "training": (
        "{train} training, {validation} validation and {test} test rows; {epochs} epochs; {seconds} s in all",
        "훈련 {train}행, 검증 {validation}행, 시험 {test}행, 에폭 {epochs}회, 모두 {seconds}초",
    ),
    "stopped_early": ("; stopped early, best epoch {epoch}", ", 조기 종료(최적 에폭 {epoch})"),
    "unfinished_training": ("; interrupted before epoch {epochs}", ", 에폭 {epochs}회 전에 중단됨"),
    "unfinished_comparing": (
        "; interrupted while the simple models were trained, which are missing here",
        ", 단순 모델을 학습하는 중에 중단되어 비교가 빠져 있음",
    ),
    "unfinished_members": (
        "; interrupted before all repeats were trained, of which the first stands alone here",
        ", 반복 학습이 모두 끝나기 전에 중단되어 첫 번째만 있음",
    ),
    "unfinished_validating": (
        "; interrupted during the cross-validation, which is missing here",
        ", 교차 검증 중에 중단되어 그 결과가 빠져 있음",
    ),
    "o_rows": (
        "{train} training and {test} test rows; {seconds} s in all",
        "훈련 {train}행, 시험 {test}행, 모두 {seconds}초",
    ),
    "o_rows_of": ("{rows} row(s)", "{rows}행"),
    "o_interrupted": (
        "interrupted after {epochs} epoch(s); what was learnt is kept. Training cannot be resumed here.",
        "에폭 {epochs}회에서 멈췄습니다. 그때까지 학습한 것은 저장했지만 이어서 학습할 수는 없습니다.",
    ),
    "o_strange": (
        "{count} of {rows} rows are stranger than 99 in 100 of the rows held out in training (last column).",
        "{rows}행 가운데 {count}행이 학습 때 따로 둔 행의 99%보다 더 낯섭니다(마지막 열).",
    ),
    "o_images": ("{count} image(s) → {out}", "이미지 {count}개 → {out}"),
    "next": ("Next:", "다음:"),
    "folds_title": ("{folds}-fold cross-validation{seeds}: {metric}", "{folds}겹 교차 검증{seeds}: {metric}"),
    "folds_seeds": (" of {seeds} seeds", "(시드 {seeds}개)"),
    "folds_mean": ("mean", "평균"),
    "folds_each": ("by fold", "폴드별"),
    "folds_better": (
        "Over the folds the network is better than the best simple model ({name}) by more than chance "
        "(difference {difference}, p {p}).",
        "폴드 전체에서 신경망이 가장 나은 단순 모델({name})보다 우연으로 보기 어려울 만큼 낫습니다"
        "(차이 {difference}, p {p}).",
    ),
    "folds_same": (
        "Over the folds the network cannot be told apart from the best simple model ({name}; difference {difference}, "
        "p {p}).",
        "폴드 전체에서 신경망과 가장 나은 단순 모델({name})의 차이가 있다고 할 수 없습니다(차이 {difference}, p {p}).",
    ),
    "folds_worse": (
        "Over the folds the network is worse than the best simple model ({name}; difference {difference}, p {p}): use "
        "that one, or change the network.",
        "폴드 전체에서 신경망이 가장 나은 단순 모델({name})보다 못합니다(차이 {difference}, p {p}). "
        "그 모델을 쓰거나 신경망을 바꾸는 것이 좋습니다.",
    ),
    "folds_unknown": (
        "Over the folds the network cannot be compared with simple models.",
        "폴드 전체에서 신경망을 단순 모델과 비교할 수 없습니다.",
    ),
    "folds_rare": (
        "Class `{label}` has {count} row(s), fewer than {folds} folds: some folds are judged without it.",
        "`{label}` 클래스는 {count}행으로 폴드 {folds}개보다 적어, 이 클래스 없이 평가한 폴드가 있습니다.",
    ),
    "seed_spread": (
        "Over {seeds} seeds {metric} on the {part} rows is {mean} on average (from {min} to {max}, "
        "standard deviation {std}); the seed kept has {kept}.",
        "시드 {seeds}개의 {part} 데이터 {metric}: 평균 {mean}({min}에서 {max}까지, 표준편차 {std}). "
        "저장한 시드는 {kept}입니다.",
    ),
    "seed_luck": (
        "That one was lucky: expect the average rather than its figure.",
        "저장한 시드는 운이 좋았습니다. 그 값보다 평균을 기대하는 것이 맞습니다.",
    ),
    "ensemble_of": (
        "The model is the mean of {members} networks: {metric} {together} together, {mean} alone on average.",
        "모델은 신경망 {members}개의 평균입니다. {metric}: 함께 {together}, 하나씩은 평균 {mean}.",
    ),
    "scores_of": ("{rows} labelled row(s)", "레이블이 있는 {rows}행"),
    "unlabelled": (
        "left out: {count} row(s) without a value of `{target}`.",
        "`{target}` 값이 없는 {count}행은 뺐습니다.",
    ),
    "written": ("{rows} row(s) → {out}", "{rows}행 → {out}"),
    "interrupted": (
        "interrupted after {epochs} epoch(s); nothing is lost.",
        "에폭 {epochs}회에서 멈췄습니다. 잃은 것은 없습니다.",
    ),
    "interrupted_comparing": (
        "interrupted while the simple models were trained; the network is kept.",
        "단순 모델을 학습하는 중에 멈췄습니다. 신경망은 저장했습니다.",
    ),
    "interrupted_members": (
        "interrupted before all repeats were trained; the first network is kept.",
        "반복 학습이 모두 끝나기 전에 멈췄습니다. 첫 번째 신경망은 저장했습니다.",
    ),
    "interrupted_validating": (
        "interrupted during the cross-validation; the network is kept.",
        "교차 검증 중에 멈췄습니다. 신경망은 저장했습니다.",
    ),
    "search_interrupted": (
        "interrupted; {done} finished trial(s) of the search are kept.",
        "멈췄습니다. 끝난 시도 {done}개는 저장했습니다.",
    ),
    "search_best": (
        "Best of {done} trial(s): {scoring} {score} over the folds, which flatters as the best of many does; the test "
        "rows below took no part in the choice.",
        "시도 {done}개 가운데 최고는 교차 검증 {scoring} {score}입니다. 여럿 중 최고라서 실제보다 좋게 나온 값이며, "
        "아래 시험 데이터는 고르는 데 쓰지 않았습니다.",
    ),
    "trial": ("trial", "시도"),
    "score": ("score", "점수"),
    "search_folder": ("Search: {folder}", "탐색: {folder}"),
    "epoch": ("epoch", "에폭"),
    "left": ("left", "남은 시간"),
    "compiling": ("reading and compiling", "읽고 컴파일하는 중"),
    "r_unseen-category": (
        "column `{column}`: {count} row(s) with a category that training never saw ({examples}).",
        "`{column}` 열: {count}행의 범주가 훈련 데이터에 없던 값입니다({examples}).",
    ),
    "r_out-of-range": (
        "column `{column}`: {count} value(s) outside the training range {low} … {high} (here {min} … {max}).",
        "`{column}` 열: {count}개 값이 훈련 범위 {low} … {high}를 벗어납니다(여기서는 {min} … {max}).",
    ),
    "r_missing-values": (
        "column `{column}`: {count} value(s) missing, and none were in training.",
        "`{column}` 열: 값 {count}개가 비어 있습니다. 훈련 데이터에는 빈 값이 없었습니다.",
    ),
    "r_drift": (
        "column `{column}`: spread differently than in training ({statistic} {value:.2f}, more than {threshold:.2f}).",
        "`{column}` 열: 값의 분포가 훈련 데이터와 다릅니다({statistic} {value:.2f}, 기준 {threshold:.2f}).",
    ),
    "r_not-finite": (
        "{count} row(s) without a finite prediction: the values are too large for the network.",
        "{count}행은 예측값이 유한하지 않습니다. 값이 신경망에 너무 큽니다.",
    ),
    "ks": ("Kolmogorov–Smirnov distance", "콜모고로프–스미르노프 거리"),
    "psi": ("population stability index", "모집단 안정성 지수(PSI)"),
    "figure": ("figure", "지표"),
    "value": ("value", "값"),
    "table_size": ("{name}: {rows} rows, {columns} columns", "{name}: {rows}행, {columns}열"),
    "column": ("column", "열"),
    "kind": ("kind", "종류"),
    "missing": ("missing", "결측"),
    "unique": ("distinct", "고유값"),
    "values": ("values", "값"),
    "mean_sd": ("mean {mean}, sd {std}", "평균 {mean}, 표준편차 {std}"),
    "target_is": ("Target `{name}`: {task}.", "타깃 `{name}`: {task}."),
    "binary": ("two classes", "두 클래스 분류"),
    "multiclass": ("several classes", "여러 클래스 분류"),
    "regression": ("a number (regression)", "수치 예측(회귀)"),
    "mean_by_class": ("mean by class", "클래스별 평균"),
    "class_by_value": ("most frequent class by value", "값별로 가장 많은 클래스"),
    "target_by_value": ("mean of the target by value", "값별 타깃 평균"),
    "goes_with": ("Columns that go with it most:", "타깃과 가장 관련이 큰 열:"),
}
TEXTS.update(COLUMN_WORDS)


# Column headings; the names in full do not fit beside one another.
SHORT = {"r2": "R²", "mae": "MAE", "rmse": "RMSE", "roc_auc": "ROC-AUC"}


def say(key: str, lang: str, **values: Any) -> str:
    """A sentence in a language.

    >>> say("dropped", "en", names="id")
    'Columns left out: id.'
    >>> say("written", "en", rows=1, out="p.csv"), say("written", "en", rows=2, out="p.csv")
    ('1 row → p.csv', '2 rows → p.csv')
    """
    text = TEXTS[key][1 if lang == "ko" else 0]
    if "(s)" in text:
        counts = [value for value in values.values() if isinstance(value, int)]
        text = text.replace("(s)", "" if counts[:1] == [1] else "s")
    return text.format(**values)
