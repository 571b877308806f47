"""The words of studies of populations: what each is called, and what its figures are."""

from __future__ import annotations

STUDIES: dict[str, tuple[str, str]] = {
    "studies": ("Studies", "연구"),
    "study_search": ("Search of the settings", "설정 탐색"),
    "study_folds": ("Cross-validation", "교차 검증"),
    "study_curve": ("Learning curve", "학습 곡선"),
    "study_parts": ("Bias and variance", "편향과 분산"),
    "study_rates": ("Learning rates", "학습률"),
    "study_batches": ("Batch sizes", "배치 크기"),
    "study_seeds": ("Seeds", "시드"),
    "s_search": (
        "{trials} trials by {method}. The best, trial {trial}, has {scoring} {score} ({interval}) over the folds, "
        "which flatters as the best of many does{nested}.",
        "{method} 방법으로 {trials}번 시도했습니다. 가장 좋은 {trial}번 시도의 폴드 평균 {scoring}는 {score}"
        "({interval})이며, 여럿 중 최고이므로 부풀려져 있습니다{nested}.",
    ),
    "s_nested": (
        ": on rows that the search had not seen it is {mean} ({interval})",
        ". 탐색이 보지 못한 행에서는 {mean}({interval})입니다",
    ),
    "s_folds": (
        "{scoring} is {mean} ({interval}) over {folds} folds and {seeds} seed(s); the interval allows for folds that "
        "share training rows.",
        "폴드 {folds}개, 시드 {seeds}개에서 {scoring}는 {mean}({interval})입니다. 구간은 폴드들이 훈련 행을 함께 쓰는 "
        "것을 고려했습니다.",
    ),
    "s_shown": ("The best {shown} of {all}", "{all}번 중 가장 좋은 {shown}번"),
    "s_numbers": ("The numbers", "수치"),
    "c_trial": ("trial", "시도"),
    "c_state": ("state", "상태"),
    "c_settings": ("settings", "설정"),
    "c_interval": ("95 % interval", "95% 구간"),
    "c_fold": ("fold", "폴드"),
    "c_rows": ("held-out rows", "평가 행"),
    "c_value": ("value", "값"),
    "c_training": ("training", "훈련"),
    "c_validation": ("validation", "검증"),
    "c_part": ("part", "항목"),
    "c_expected": ("expected loss", "기대 손실"),
    "c_bias": ("bias", "편향"),
    "c_variance": ("variance", "분산"),
    "c_noise": ("noise", "잡음"),
    "c_figure": ("figure", "수치 이름"),
    "c_suggested": ("suggested rate", "추천 학습률"),
    "c_steepest": ("rate of the steepest fall", "손실이 가장 가파르게 주는 값"),
    "c_stable": ("largest stable rate", "안정한 가장 큰 값"),
    "c_batch": ("rows an update", "배치 크기"),
    "c_epochs": ("after equal epochs", "같은 에폭 후"),
    "c_updates": ("after equal updates", "같은 갱신 횟수 후"),
    "c_seeds": ("seeds", "시드 수"),
    "c_mean": ("mean", "평균"),
    "c_std": ("standard deviation", "표준편차"),
    "c_range": ("95 % of seeds", "시드의 95%"),
    # a run gone on from
    "on_seen": ("test rows, some of them trained on before", "일부는 이미 학습한 시험 행"),
    "seen_before": (
        "{count} of the {n} test rows were among those {run} was trained on: the figure flatters the network.",
        "시험 행 {n}개 중 {count}개는 {run}을 학습할 때 이미 쓰였으므로 이 수치는 실제보다 좋습니다.",
    ),
}
