"""The same network by hand: gradients from `jd.backprop`, the update written out. / 직접 쓴 학습 고리.

    python examples/iris_from_scratch.py

The loop of the notes' appendix – forward, cost, backward, update – beside `model.fit`: after every epoch both have the
same loss and the same weights.
노트 부록의 고리(순전파, 비용, 역전파, 갱신)와 `model.fit`이 에폭마다 같은 손실과 같은 가중치를 냅니다.
"""

from pathlib import Path

import numpy as np
import polars as pl

import jindan as jd
from jindan.data import train_test_split
from jindan.layers import Dense
from jindan.models import Sequential
from jindan.optimizers import SGD
from jindan.utils import set_random_seed, to_categorical

RATE, EPOCHS, BATCH = 0.05, 5, 30

table = pl.read_csv(Path(__file__).with_name("iris.csv"))
X = table.drop("species").to_numpy()
_, label = np.unique(table["species"].to_list(), return_inverse=True)
X_train, _, Y_train, _ = train_test_split(X, to_categorical(label), test_size=0.2, random_state=417)


def network():
    """4–30–16–3, in float64 so that equal means equal. / 비교가 정확하도록 float64"""
    model = Sequential(
        [
            Dense(30, activation="relu", input_dim=4),
            Dense(16, activation="relu"),
            Dense(3, activation="softmax"),
        ],
        dtype="float64",
    )
    model.compile(loss="categorical_crossentropy", optimizer=SGD(RATE))
    return model


set_random_seed(0)
by_hand, by_fit = network(), network()
by_fit.set_weights(by_hand.get_weights())

print("epoch   loss by hand   loss by fit   largest difference of a weight")
worst = 0.0
for epoch in range(1, EPOCHS + 1):
    total = 0.0
    for start in range(0, len(X_train), BATCH):
        x, y = X_train[start : start + BATCH], Y_train[start : start + BATCH]

        # Forward and backward: Z, A, dA, dZ, dW, db of each layer. / 순전파와 역전파
        layers = jd.backprop(by_hand, x, y)

        # Cost: the mean cross-entropy −Σ y log a. / 비용: 교차 엔트로피의 평균
        total -= np.sum(y * np.log(layers[-1].A))

        # Update: w ← w − η ∂J/∂w. / 갱신
        gradients = [gradient for layer in layers for gradient in (layer.dW, layer.db)]
        by_hand.set_weights([w - RATE * g for w, g in zip(by_hand.get_weights(), gradients, strict=True)])

    history = by_fit.fit(X_train, Y_train, epochs=1, batch_size=BATCH, shuffle=False, verbose=0)
    pairs = zip(by_hand.get_weights(), by_fit.get_weights(), strict=True)
    difference = max(float(np.abs(a - b).max()) for a, b in pairs)
    worst = max(worst, difference)
    print(f"{epoch:5d}   {total / len(X_train):12.6f}   {history.history['loss'][0]:11.6f}   {difference:.1e}")

# A few roundings of float64. / float64 반올림 오차 몇 번
assert worst < 1e-12, worst
print("\nfit is this loop, step for step. / fit은 이 고리와 한 걸음씩 같습니다.")
