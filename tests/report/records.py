"""Records as a run would hand them over: one of classification, one of regression."""

from __future__ import annotations

from typing import Any

import numpy as np


def _columns(table: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "kind": "number",
            "missing": index % 3,
            "unique": len(set(x.tolist())),
            "min": x.min(),
            "max": x.max(),
            "mean": x.mean(),
            "std": x.std(),
            "median": float(np.median(x)),
            "top": [[round(float(x[0]), 2), 3]],
        }
        for index, (name, x) in enumerate(table.items())
    ]


def _histograms(table: dict[str, np.ndarray]) -> dict[str, Any]:
    found = {}
    for name, x in table.items():
        counts, edges = np.histogram(x, bins=20)
        found[name] = {"edges": edges.tolist(), "counts": counts.tolist()}
    return found


def finding(code: str, severity: str, **more: Any) -> dict[str, Any]:
    """A finding with words in both languages."""
    texts = {
        "overfitting": (
            ("Overfitting", "The validation loss rose for 43 epochs while the training loss went on falling."),
            ("과대적합", "훈련 손실이 계속 줄어드는 동안 검증 손실은 43 에폭에 걸쳐 커졌습니다."),
            ("Keep the weights of epoch 58, add dropout 0.2, or train on more rows.",),
            ("에폭 58의 가중치를 쓰거나, 드롭아웃 0.2를 더하거나, 훈련 행을 늘리십시오.",),
        ),
        "inputs-not-normalised": (
            ("Inputs on very different scales", "The columns’ standard deviations differ by a factor of 96."),
            ("입력의 척도가 크게 다름", "열의 표준편차가 최대 96배까지 차이 납니다."),
            ("Standardise the inputs: preprocessing = “standardise”.",),
            ("입력을 표준화하십시오: preprocessing = “standardise”.",),
        ),
    }
    words = texts.get(code) or ((code, "A remark."), (code, "참고입니다."), ("Nothing.",), ("할 일이 없습니다.",))
    (title, summary), (titel, kurz), (fix,), (tun,) = words
    detail = "A network that is larger than the data can learn single rows by heart."
    return {
        "code": code,
        "severity": severity,
        "layer": None,
        "evidence": {"first_rise": 58, "ratio": 1.83, "gap": [0.02, 0.11, 0.34]},
        "confidence": 0.93,
        "text": {
            "en": {"title": title, "summary": summary, "detail": detail, "fix": fix},
            "ko": {
                "title": titel,
                "summary": kurz,
                "detail": "데이터에 비해 큰 신경망은 행 하나하나를 외울 수 있습니다.",
                "fix": tun,
            },
        },
    } | more


def classification() -> dict[str, Any]:
    """A run on flowers, with two warnings."""
    draw = np.random.default_rng(0)
    epochs = np.arange(100)
    loss = 1.1 * np.exp(-epochs / 12) + 0.03 + 0.01 * draw.random(100)
    val = 1.1 * np.exp(-epochs / 13) + 0.09 + 0.0009 * np.maximum(epochs - 57, 0) + 0.012 * draw.random(100)
    classes = ["setosa", "versicolor", "virginica"]
    names = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
    table = {
        n: draw.normal(m, s, 150) for n, m, s in zip(names, (5.8, 3.1, 3.8, 1.2), (0.8, 0.4, 1.7, 0.7), strict=True)
    }
    score = {"value": 0.967, "low": 0.833, "high": 0.994}
    return {
        "name": "iris-20261121-091500",
        "created": "2026-11-21T09:15:00+09:00",
        "version": "0.1.0",
        "lang": "en",
        "command": 'jindan train examples/iris.csv --target species --layers "30 relu, 16 relu"',
        "task": "multiclass",
        "target": "species",
        "classes": classes,
        "data": {
            "rows": 150,
            "path": "examples/iris.csv",
            "n": {"train": 96, "validation": 24, "test": 30},
            "columns": [
                *_columns(table),
                {"name": "species", "kind": "category", "missing": 0, "unique": 3, "top": [[c, 50] for c in classes]},
            ],
            "histograms": _histograms(table),
            "correlations": {"columns": names, "matrix": np.corrcoef(list(table.values())).tolist()},
            "association": [
                {"column": n, "measure": "eta²", "value": v}
                for n, v in zip(names, (0.62, 0.4, 0.94, 0.93), strict=True)
            ],
            "class_balance": [[c, 50] for c in classes],
            "notes": {"en": ["3 rows occur twice."], "ko": ["두 번 나오는 행이 3개 있습니다."]},
            "dropped": [["id", "identifier"]],
        },
        "network": [
            {"name": "dense", "type": "Dense", "output_shape": [30], "params": 150, "activation": "relu"},
            {"name": "dense_1", "type": "Dense", "output_shape": [16], "params": 496, "activation": "relu"},
            {"name": "dense_2", "type": "Dense", "output_shape": [3], "params": 51, "activation": "softmax"},
        ],
        "parameters": 697,
        "memory": {
            "parameters": 2788,
            "optimizer": 5576,
            "activations": 6272,
            "gradients": 2788,
            "data": 4200,
            "total": 21624,
        },
        "plan": {
            "layers": [{"type": "Dense", "units": 30, "activation": "relu"}],
            "optimizer": {"name": "adam"},
            "seed": 0,
        },
        "history": {
            "loss": loss.tolist(),
            "accuracy": np.minimum(1 - loss / 2.4, 0.99).tolist(),
            "val_loss": val.tolist(),
            "val_accuracy": np.clip(np.round((1 - val / 2.4) * 24) / 24, 0, 1).tolist(),
            "learning_rate": (0.001 * 0.97**epochs).tolist(),
        },
        "best_epoch": 57,
        "stopped_early": True,
        "metrics": {
            "primary": "accuracy",
            "test": {"accuracy": score, "f1": {"value": 0.966, "low": 0.84, "high": 0.99}, "loss": {"value": 0.112}},
            "validation": {"accuracy": {"value": 0.958, "low": 0.8, "high": 0.993}, "loss": {"value": 0.097}},
            "train": {"accuracy": {"value": 0.99, "low": 0.94, "high": 0.998}, "loss": {"value": 0.031}},
        },
        "baselines": [
            {
                "name": "majority",
                "metrics": {"accuracy": {"value": 1 / 3, "low": 0.19, "high": 0.51}},
                "seconds": 0.0004,
            },
            {"name": "linear", "metrics": {"accuracy": {"value": 0.933, "low": 0.787, "high": 0.98}}, "seconds": 0.011},
            {"name": "knn", "metrics": {"accuracy": {"value": 0.9, "low": 0.744, "high": 0.965}}, "seconds": 0.006},
        ],
        "confusion": {"labels": classes, "matrix": [[10, 0, 0], [0, 9, 1], [0, 0, 10]]},
        "findings": [
            finding("overfitting", "warning"),
            finding("inputs-not-normalised", "error", layer="dense", confidence=0.7),
            finding("device-idle", "info"),
        ],
        "seconds": {"total": 1.92, "train": 0.044, "compile": 1.31, "read": 0.012},
        "steps": 12_000,
        "examples": [{"row": 83, "true": "versicolor", "predicted": "virginica", "p": 0.71}],
    }


def regression() -> dict[str, Any]:
    """A run on house prices, healthy, with long training and many columns."""
    draw = np.random.default_rng(1)
    epochs = np.arange(2_000)
    loss = 60_000 * np.exp(-epochs / 60) + 900 + 60 * draw.random(2_000)
    true = draw.normal(280, 95, 600)
    predicted = true + draw.normal(4, 31, 600)
    names = [f"feature_{i:02d}" for i in range(30)]
    table = {n: draw.gamma(1 + i / 5, 3, 500) for i, n in enumerate(names)}
    record = classification()
    for key in ("classes", "confusion", "examples"):
        del record[key]
    record["data"] |= {
        "rows": 3000,
        "path": "houses.csv",
        "n": {"train": 1920, "validation": 480, "test": 600},
        "columns": _columns(table),
        "histograms": _histograms(table),
        "correlations": {"columns": names[:16], "matrix": np.corrcoef(list(table.values())[:16]).tolist()},
        "association": [{"column": n, "measure": "|r|", "value": 0.9 - 0.03 * i} for i, n in enumerate(names)],
        "class_balance": None,
    }
    return record | {
        "name": "houses-20261121-101500",
        "task": "regression",
        "target": "price",
        "history": {"loss": loss.tolist(), "val_loss": (loss * 1.08).tolist()},
        "best_epoch": 1_902,
        "stopped_early": False,
        "metrics": {
            "primary": "r2",
            "test": {
                "r2": {"value": 0.893, "low": 0.874, "high": 0.909},
                "mae": {"value": 24.7, "low": 23.2, "high": 26.3},
                "rmse": {"value": 31.1, "low": 29.2, "high": 33},
            },
        },
        "baselines": [
            {"name": "mean", "metrics": {"r2": {"value": -0.001, "low": -0.01, "high": 0.0}, "mae": {"value": 76.0}}},
            {"name": "linear", "metrics": {"r2": {"value": 0.81, "low": 0.78, "high": 0.84}, "mae": {"value": 33.1}}},
            {"name": "knn", "metrics": {"r2": {"value": 0.74, "low": 0.7, "high": 0.77}, "mae": {"value": 38.9}}},
        ],
        "predictions": {"true": true.tolist(), "predicted": predicted.tolist()},
        "findings": [],
    }
