"""Every sentence of the page in English and Korean, and the pair type that carries them."""

from __future__ import annotations

from typing import Any, NamedTuple

from jindan.data.column_words import COLUMN_WORDS
from jindan.report.words_data import DATA
from jindan.report.words_images import IMAGES
from jindan.report.words_others import OTHERS
from jindan.report.words_repeats import REPEATS
from jindan.report.words_studies import STUDIES


class Words(NamedTuple):
    """One text in both languages."""

    en: str
    ko: str


Text = str | Words


def t(key: str, **values: Any) -> Words:
    """The text `key` in both languages; values that are `Words` themselves go in by language.

    >>> t("epoch_n", n=58)
    Words(en='epoch 58', ko='에폭 58')
    """
    en, ko = UI[key]
    if not values:
        return Words(en, ko)
    english = {name: value.en if isinstance(value, Words) else value for name, value in values.items()}
    korean = {name: value.ko if isinstance(value, Words) else value for name, value in values.items()}
    return Words(en.format(**english), ko.format(**korean))


def counted(record: dict[str, Any], key: str) -> Words:
    """The text `key`, of images where those are what a run's rows are.

    >>> counted({"images": True}, "on_test").en, counted({}, "on_test").en, counted({"images": True}, "time").en
    ('unseen images', 'unseen rows', 'time')
    """
    return t(f"{key}_images" if record.get("images") is True and f"{key}_images" in UI else key)


def joined(first: Text, *more: Text) -> Words:
    """Texts put together, language by language.

    >>> joined("a", Words("b", "c")).ko
    'ac'
    """
    parts = [part if isinstance(part, Words) else Words(part, part) for part in (first, *more)]
    return Words("".join(p.en for p in parts), "".join(p.ko for p in parts))


UI: dict[str, tuple[str, str]] = {
    "report": ("Training report", "학습 보고서"),
    "made_by": ("Made by jindan {version}", "jindan {version} 보고서"),
    "offline": ("This file needs no network.", "이 파일은 인터넷 연결 없이 열립니다."),
    # sections
    "result": ("Result", "결과"),
    "findings": ("Findings", "소견"),
    "curves": ("Learning curves", "학습 곡선"),
    "scores": ("Test results", "시험 결과"),
    "repeats": ("Repeated training", "반복 학습"),
    "relied": ("What it relies on", "무엇을 보고 맞히는가"),
    "relied_on": ("Fall of {metric} when a column is shuffled", "열을 뒤섞었을 때 {metric}의 하락"),
    "relied_note": (
        "Each column's values are shuffled among {n} rows ({part}), {repeats} times; shown is the mean fall from "
        "{score}. Columns that say the same share it. Near 0, the network does without the column.",
        "{n}개 행({part})에서 열의 값을 {repeats}번 뒤섞었을 때 {score}에서 평균적으로 떨어진 폭입니다. 같은 내용을 "
        "담은 열끼리는 이 폭을 나누어 가집니다. 0에 가까우면 없어도 되는 열입니다.",
    ),
    "relied_idle": ("It does without: {names}.", "없어도 되는 열: {names}."),
    "mistakes": ("Where it errs", "틀리는 곳"),
    "data": ("The data", "데이터"),
    "network": ("The network", "신경망"),
    "plan": ("The plan", "학습 계획"),
    "timing": ("Time", "시간"),
    # exhibits of findings
    "backward_norm": ("Gradient at the layers' outputs", "계층 출력의 기울기"),
    "update_ratio": ("Update ÷ weights, by layer", "계층별 갱신량 ÷ 가중치"),
    "spread": ("Spread of the layers' outputs", "계층 출력의 표준편차"),
    "dead": ("Units that are always zero", "항상 0인 유닛의 비율"),
    "saturated": ("Values where the activation is flat", "활성화가 포화된 값의 비율"),
    "twins": ("Units equal to another", "서로 같은 유닛의 비율"),
    "positive": ("Outputs above zero", "0보다 큰 출력의 비율"),
    "layer_number": ("layer", "계층"),
    "start": ("start", "시작"),
    "midway": ("half-way", "중간"),
    "end": ("end", "끝"),
    "spreads": ("Size of the input columns", "입력 열의 크기"),
    "class_shares": ("Shares of the classes", "클래스별 비율"),
    "shifts": ("Shift of the columns, in standard deviations", "열의 이동(표준편차 단위)"),
    "mode_scores": ("The same rows in both modes", "두 모드에서 같은 행의 점수"),
    "training_mode": ("training mode", "훈련 모드"),
    "inference_mode": ("inference mode", "추론 모드"),
    "modes_beside_data": (
        "Modes of the data: share of the samples over share of the data",
        "데이터의 모드: 표본에서의 비율 ÷ 데이터에서의 비율",
    ),
    "shared_rows": ("Rows in both parts", "양쪽에 모두 있는 행"),
    "in_both": ("in both", "양쪽에"),
    "held_alone": ("held out only", "검증에만"),
    "time_of_device": ("What the time of a core went into", "코어 시간의 쓰임"),
    "arithmetic": ("arithmetic", "계산"),
    "waiting": ("starting and waiting", "시작과 대기"),
    "memory_gib": ("Memory, GiB", "메모리(GiB)"),
    "memory_needed": ("needed in all", "필요한 전체"),
    "memory_there": ("there is", "있는 메모리"),
    "standing": ("Where this network stands", "이 신경망의 위치"),
    "trivial": ("trivial answer", "자명한 답"),
    "this_network_train": ("this network, training rows", "이 신경망(훈련 행)"),
    "this_network": ("this network", "이 신경망"),
    "best_simple": ("best simple model", "가장 좋은 단순 모델"),
    "recovered": ("What each repair recovers", "처방별 회복 정도"),
    # splits, tasks
    "train": ("training", "훈련"),
    "validation": ("validation", "검증"),
    "test": ("test", "시험"),
    "multiclass": ("multiclass classification", "다중 분류"),
    "binary": ("binary classification", "이진 분류"),
    "regression": ("regression", "회귀"),
    "task": ("task", "과제"),
    "target": ("target", "타깃"),
    "rows": ("rows", "행"),
    "parameters": ("parameters", "매개변수"),
    "epochs": ("epochs", "에폭"),
    "time": ("time", "시간"),
    # headline
    "on_test": ("unseen rows", "처음 보는 행"),
    "on_validation": ("validation rows", "검증 행"),
    "on_train": ("training rows", "훈련 행"),
    "h_accuracy": (
        "The network gets {value} of {rows} right{interval}{trivial}.",
        "신경망은 {rows} 가운데 {value}를 맞혔습니다{interval}.{trivial}",
    ),
    "h_r2": (
        "The network explains {value} of the variation in {target} on {rows}{interval}{trivial}.",
        "신경망은 {rows}에서 {target} 변동의 {value}를 설명합니다{interval}.{trivial}",
    ),
    "h_r2_bad": (
        "On {rows} the network predicts {target} worse than their own mean would (R² = {value}{interval}){trivial}.",
        "{rows}에서 신경망의 {target} 예측은 그 행들의 평균값보다 못합니다(R² = {value}{interval}).{trivial}",
    ),
    "h_mae": (
        "On {rows} the network is off by {value} on average{interval}{trivial}.",
        "{rows}에서 신경망의 예측은 평균 {value}만큼 빗나갑니다{interval}.{trivial}",
    ),
    "h_rmse": (
        "On {rows} the network is typically off by {value}{interval}{trivial}.",
        "{rows}에서 신경망의 예측은 대체로 {value}만큼 빗나갑니다{interval}.{trivial}",
    ),
    "h_other": (
        "On {rows} the network reaches {metric} {value}{interval}{trivial}.",
        "{rows}에서 신경망의 {metric} 값은 {value}입니다{interval}.{trivial}",
    ),
    "h_none": ("No score was measured for this training.", "이 학습에서 측정된 점수가 없습니다."),
    "h_interval": (" (95\u202f% interval {span})", "(95% 신뢰구간 {span})"),
    "h_interval_in": ("; 95\u202f% interval {span}", ", 95% 신뢰구간 {span}"),
    "majority_gets": (
        "; guessing the most common class gets {value}",
        " 가장 흔한 클래스만 답하면 {value}를 맞힙니다.",
    ),
    "mean_explains": ("; always predicting the mean explains {value}", " 항상 평균값만 답하면 {value}를 설명합니다."),
    "mean_off": ("; always predicting the mean is off by {value}", " 항상 평균값만 답하면 {value}만큼 빗나갑니다."),
    "trivial_reaches": ("; {name} reaches {value}", " ‘{name}’ 기준 모델의 값은 {value}입니다."),
    "the_target": ("the target", "타깃"),
    "leaks": (
        "Do not trust this figure: the column “{column}” gives the target away. See the findings.",
        "이 수치를 믿지 마십시오. ‘{column}’ 열이 타깃을 그대로 알려 줍니다. 소견을 보십시오.",
    ),
    "in_order": (
        "The rows follow one another in time (column “{column}”): for forecasting, rows in random order are the wrong "
        "split, and this figure flatters.",
        "행이 시간 순서(‘{column}’ 열)로 이어집니다. 앞날을 예측하려면 행을 무작위로 나누어서는 안 되며, 이 수치는 "
        "실제보다 좋게 나온 것입니다.",
    ),
    "not_test": (
        "There were no test rows: these rows also steered the training, so the figure flatters.",
        "시험 데이터가 없었습니다. 이 행들은 학습 과정에도 쓰였으므로 실제보다 좋게 보일 수 있습니다.",
    ),
    # verdict
    "v_better": ("Better than the best baseline.", "가장 좋은 기준 모델보다 낫습니다."),
    "v_same": ("Not distinguishable from the best baseline.", "가장 좋은 기준 모델과 구별되지 않습니다."),
    "v_worse": ("Worse than the best baseline.", "가장 좋은 기준 모델보다 못합니다."),
    "v_unknown": ("Not comparable with certainty.", "확실하게 비교할 수 없습니다."),
    "v_figures": (
        "The best one, “{name}”, reaches {metric} {value}{interval}; the network {own}.",
        "가장 좋은 기준 모델 ‘{name}’의 {metric}: {value}{interval}, 신경망: {own}.",
    ),
    "v_better_why": (
        "The difference is larger than chance explains with this many rows.",
        "이 차이는 이 행 수에서 우연으로 설명되는 범위를 넘습니다.",
    ),
    "v_same_why": (
        "With this many rows the difference can be chance. The simpler model may be all you need; "
        "more test rows would tell.",
        "이 행 수에서는 우연으로도 생길 수 있는 차이입니다. 더 단순한 모델로 충분할 수 있으며, "
        "시험 데이터가 더 많으면 가려집니다.",
    ),
    "v_same_trivial": (
        "The network has not been shown to beat a guess that ignores the inputs. Start with the findings.",
        "입력을 전혀 보지 않는 예측보다 낫다는 증거가 없습니다. 소견부터 살펴보십시오.",
    ),
    "v_worse_why": (
        "Use the baseline, or work through the findings and train again.",
        "기준 모델을 쓰거나, 소견을 따라 고친 뒤 다시 학습하십시오.",
    ),
    "v_unknown_why": (
        "Without 95\u202f% intervals for both, chance cannot be ruled out.",
        "양쪽의 95% 신뢰구간이 없어 우연을 배제할 수 없습니다.",
    ),
    # findings
    "error": ("error", "오류"),
    "warning": ("warning", "경고"),
    "info": ("note", "참고"),
    "look_first": ("look here first", "먼저 볼 것"),
    "layer": ("layer", "계층"),
    "confidence": ("confidence", "확신도"),
    "evidence": ("Evidence", "근거"),
    "what_to_do": ("What to do", "처방"),
    "leak": (
        "`{column}` says the same as `{target}`: if it is not known at prediction time, leave it out.",
        "`{column}` 열은 `{target}` 열과 같은 내용입니다. 예측할 때 알 수 없는 값이라면 빼야 합니다.",
    ),
    "tested": ("Tested directly", "직접 해 본 시험"),
    "noted": ("Also seen of the loop", "학습을 지켜보며 알게 된 것"),
    "why": ("Why", "설명"),
    "quantity": ("quantity", "항목"),
    "value": ("value", "값"),
    "healthy": (
        "Nothing to report: no check of this training fired.",
        "특이 소견이 없습니다. 이 학습에서 경고 기준을 넘은 검사가 없습니다.",
    ),
    # curves
    "epoch": ("epoch", "에폭"),
    "epoch_n": ("epoch {n}", "에폭 {n}"),
    "best_epoch": ("best: {n}", "최적: {n}"),
    "log_scale": ("logarithmic scale", "로그 눈금"),
    "stopped_early": (
        "Training stopped early after epoch {n}; the weights kept are those of epoch {best}.",
        "에폭 {n} 뒤에 조기 종료했고, 에폭 {best}의 가중치를 남겼습니다.",
    ),
    "ran_through": (
        "Training ran for {n} epochs; validation was best at epoch {best}.",
        "{n} 에폭을 학습했고, 검증 결과는 에폭 {best}에서 가장 좋았습니다.",
    ),
    "ran_once": ("Training ran for 1 epoch.", "1 에폭을 학습했습니다."),
    "ran": ("Training ran for {n} epochs.", "{n} 에폭을 학습했습니다."),
    "not_finite": (
        "{count} values are not finite, the first at epoch {n}; the curve has gaps there.",
        "유한하지 않은 값이 {count}개 있습니다(처음은 에폭 {n}). 그 자리에서 곡선이 끊깁니다.",
    ),
    "curve": ("curve", "곡선"),
    "first": ("first", "처음"),
    "last": ("last", "마지막"),
    "lowest": ("lowest", "최소"),
    "highest": ("highest", "최대"),
    "curve_numbers": ("The curves in numbers", "곡선의 수치"),
    # scores
    "metric": ("metric", "지표"),
    "scores_table": ("Metrics with 95\u202f% intervals", "지표와 95% 신뢰구간"),
    "against": ("Against the baselines: {metric}", "기준 모델과 비교: {metric}"),
    "bars_note": (
        "Thin lines are 95\u202f% intervals.",
        "가는 선은 95% 신뢰구간입니다.",
    ),
    "higher": ("Longer is better.", "길수록 좋습니다."),
    "lower": ("Shorter is better.", "짧을수록 좋습니다."),
    "models_table": ("Network and baselines", "신경망과 기준 모델"),
    "by_hand": (
        "HOG, SIFT, SURF: features by hand, gradients counted by fixed rules; at most 2,000 rows to learn, to judge.",
        "HOG·SIFT·SURF는 규칙으로 기울기를 센, 손으로 만든 특징입니다. 학습과 평가에 각각 많아야 2,000행을 씁니다.",
    ),
    "model": ("model", "모델"),
    # mistakes
    "confusion": ("Confusion matrix", "혼동 행렬"),
    "confusion_note": (
        "Each cell counts rows; darker means a larger share of its true class.",
        "칸의 수는 행 수이고, 진할수록 실제 클래스에서 차지하는 비율이 큽니다.",
    ),
    "capped_classes": (
        "The {shown} of {all} classes with most rows are shown.",
        "클래스 {all}개 가운데 행이 가장 많은 {shown}개를 보였습니다.",
    ),
    "true": ("true", "실제"),
    "predicted": ("predicted", "예측"),
    "confusions": ("Most frequent confusions", "가장 잦은 혼동"),
    "count": ("count", "개수"),
    "share_of_class": ("share of true class", "실제 클래스 중 비율"),
    "per_class": ("Class by class", "클래스별 결과"),
    "class": ("class", "클래스"),
    "recall_of": ("found (recall)", "찾아낸 비율(재현율)"),
    "precision_of": ("right when said (precision)", "예측이 맞은 비율(정밀도)"),
    "true_predicted": ("Predicted against true", "실제값과 예측값"),
    "identity_note": ("On the line the prediction is exact.", "선 위의 점은 예측이 정확히 맞은 행입니다."),
    "residuals": ("Residuals (predicted − true)", "잔차(예측값 − 실제값)"),
    "residuals_note": (
        "Mean {mean}, standard deviation {std}. A centre away from zero is a systematic error.",
        "평균 {mean}, 표준편차 {std}. 중심이 0에서 벗어나면 체계적인 오차입니다.",
    ),
    "wrong_rows": ("Misclassified rows", "잘못 분류한 행"),
    "wrong_note": (
        "The surest mistakes come first. Some may be right: look whether the true class was given wrongly.",
        "가장 확신한 실수부터 보입니다. 정답 쪽이 틀린 것도 있을 수 있으니 살펴보십시오.",
    ),
    "wrong_more": ("{n} more", "{n}개 더 보기"),
    "is_said": ("{true}, taken for {predicted}", "{true} → {predicted}(으)로 잘못 봄"),
    "sure": ("confidence {p}", "확신 {p}"),
    "row": ("row", "행 번호"),
    "p": ("confidence in the wrong answer", "틀린 답에 대한 확신"),
    # network, timing
    "graph": ("How the layers are connected", "계층의 연결"),
    "graph_note": (
        "Each column of text or of images has a branch of its own; they are joined before the last layers.",
        "글이나 이미지 열마다 가지가 있고, 마지막 계층들 앞에서 합쳐집니다.",
    ),
    "layers": ("Layers, input to output", "입력에서 출력까지의 계층"),
    "type": ("type", "종류"),
    "shape": ("output shape", "출력 형태"),
    "activation": ("activation", "활성화 함수"),
    "share": ("share", "비율"),
    "memory": ("Memory while training", "학습 중 메모리"),
    "m_parameters": ("parameters", "매개변수"),
    "m_optimizer": ("optimizer state", "옵티마이저 상태"),
    "m_activations": ("activations", "활성값"),
    "m_gradients": ("gradients", "기울기"),
    "m_data": ("data", "데이터"),
    "m_best": ("copy of the best epoch", "가장 좋은 에폭의 사본"),
    "m_total": ("total", "합계"),
    "part": ("part", "구분"),
    "size": ("size", "크기"),
    "show_plan": ("Show the whole plan as JSON", "전체 계획을 JSON으로 보기"),
    "command": ("command", "명령"),
    "seconds_total": ("total", "전체"),
    "seconds_train": ("training", "학습"),
    "seconds_trace": ("tracing", "추적"),
    "seconds_compile": ("compilation", "컴파일"),
    "seconds_read": ("reading", "읽기"),
    "seconds_evaluate": ("evaluation", "평가"),
    "seconds_baselines": ("baselines", "기준 모델"),
    "steps": ("{n} steps, {rate} a second while training.", "{n} 스텝, 학습 중 초당 {rate} 스텝."),
}
UI.update(DATA | IMAGES | OTHERS | REPEATS | STUDIES | COLUMN_WORDS)
