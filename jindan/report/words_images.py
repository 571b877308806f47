"""The words of a run whose rows are images; where one is missing, that of rows stands."""

from __future__ import annotations

IMAGES: dict[str, tuple[str, str]] = {
    "rows_images": ("images", "이미지"),
    "on_test_images": ("unseen images", "처음 보는 이미지"),
    "on_seen_images": ("test images, some of them trained on before", "일부는 이미 학습한 시험 이미지"),
    "on_validation_images": ("validation images", "검증 이미지"),
    "on_train_images": ("training images", "훈련 이미지"),
    "not_test_images": (
        "There were no test images: these images also steered the training, so the figure flatters.",
        "시험 데이터가 없었습니다. 이 이미지들은 학습 과정에도 쓰였으므로 실제보다 좋게 보일 수 있습니다.",
    ),
    "v_better_why_images": (
        "The difference is larger than chance explains with this many images.",
        "이 차이는 이 이미지 수에서 우연으로 설명되는 범위를 넘습니다.",
    ),
    "v_same_why_images": (
        "With this many images the difference can be chance. The simpler model may be all you need; "
        "more test images would tell.",
        "이 이미지 수에서는 우연으로도 생길 수 있는 차이입니다. 더 단순한 모델로 충분할 수 있으며, "
        "시험 데이터가 더 많으면 가려집니다.",
    ),
    "split_images": ("How the images were split", "이미지를 나눈 방법"),
    "confusion_note_images": (
        "Each cell counts images; darker means a larger share of its true class.",
        "칸의 수는 이미지 수이고, 진할수록 실제 클래스에서 차지하는 비율이 큽니다.",
    ),
    "wrong_rows_images": ("Misclassified images", "잘못 분류한 이미지"),
}
