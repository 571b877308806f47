"""What columns are, why they are left out and how they go with a target: words in English and Korean."""

from __future__ import annotations

COLUMN_WORDS: dict[str, tuple[str, str]] = {
    "why_requested": ("as you asked", "요청"),
    "why_twin": ("names the same groups", "같은 그룹을 가리키는 열"),
    "why_constant": ("one value only", "값이 하나뿐"),
    "why_identifier": ("a name or number of its own in every row", "행마다 다른 식별자"),
    "why_empty": ("no values", "값 없음"),
    "why_text": ("free text", "자유 텍스트"),
    "why_image": ("images", "이미지"),
    "kind_numeric": ("number", "수"),
    "kind_categorical": ("category", "범주"),
    "kind_boolean": ("yes/no", "예/아니요"),
    "kind_date": ("date", "날짜"),
    "kind_text": ("text", "텍스트"),
    "kind_image": ("image", "이미지"),
    "kind_constant": ("constant", "상수"),
    "kind_identifier": ("identifier", "식별자"),
    "kind_empty": ("empty", "빈 열"),
    "cramers-v": ("Cramér's V", "크라메르 V"),
    "correlation-ratio": ("correlation ratio", "상관비"),
    "pearson": ("correlation", "상관계수"),
    "|pearson|": ("correlation", "상관계수"),
}
