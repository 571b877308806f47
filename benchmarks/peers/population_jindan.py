"""Populations in jindan; the first time compiles, or finds its program in the cache, the second does neither."""

import time

import numpy as np
import population_data as data

import jindan as jd
from jindan.layers import Conv2D, Dense, Dropout, Flatten, Input, MaxPooling2D
from jindan.models import Sequential
from jindan.optimizers import Adam


def compiled(layers, loss, rate=1e-3):
    model = Sequential(layers)
    model.compile(Adam(rate, epsilon=1e-8), loss)
    return model


def digits():
    x, y = data.digits()
    model = compiled(
        [Dense(100, activation="relu"), Dense(10, activation="softmax")], "sparse_categorical_crossentropy"
    )
    began = time.perf_counter()
    found = jd.search(model, x, y, {"learning_rate": data.RATES.tolist()}, "grid", folds=data.FOLDS,
                      batch=len(data.RATES), epochs=data.DIGITS_EPOCHS, batch_size=data.DIGITS_BATCH)  # fmt: skip
    return time.perf_counter() - began, found.best_score


def bagging():
    x, x_test, y, y_test = data.cancer()
    layers = [Dense(32, activation="relu"), Dense(16, activation="relu"), Dense(1, activation="sigmoid")]
    model = compiled(layers, "binary_crossentropy")
    began = time.perf_counter()
    bag = jd.bagging(model, x, y, n=data.BAGS, epochs=data.BAG_EPOCHS, batch_size=data.BAG_BATCH)
    seconds = time.perf_counter() - began
    return seconds, bag.score(x_test, y_test)


def xor():
    x, y = data.xor()
    model = compiled(
        [Dense(4, activation="tanh"), Dense(1, activation="sigmoid")], "binary_crossentropy", data.XOR_RATE
    )
    began = time.perf_counter()
    plan = model.plan.replace(epochs=data.XOR_EPOCHS, batch_size=4, shuffle=False)
    runs = jd.train([plan.replace(seed=seed) for seed in range(data.SEEDS)], (x, y))
    from jindan.engine.members import predict_members

    outputs = np.stack(predict_members(runs, x))
    return time.perf_counter() - began, ((outputs > 0.5) == y).all((1, 2)).mean()


def cnn():
    x, y, x_test, y_test = data.mnist()
    layers = [
        Input((28, 28, 1)), Conv2D(8, 3, activation="relu"), MaxPooling2D(2), Conv2D(16, 3, activation="relu"),
        MaxPooling2D(2), Flatten(), Dropout(0.1, name="drop"), Dense(10, activation="softmax"),
    ]  # fmt: skip
    model = compiled(layers, "sparse_categorical_crossentropy")
    began = time.perf_counter()
    plan = model.plan.replace(epochs=data.CNN_EPOCHS, batch_size=data.CNN_BATCH)
    plans = [plan.edit({"learning_rate": rate, "layers.drop.rate": drop, "seed": number})
             for number, (rate, drop) in enumerate(data.trials())]  # fmt: skip
    runs = jd.train(plans, (x, y))
    from jindan.engine.members import predict_members

    best = max((outputs.argmax(1) == y_test).mean() for outputs in predict_members(runs, x_test))
    return time.perf_counter() - began, best


def sizes():
    """Seconds of a second training for 1, 2, 4, … 1,024 members of a small network."""
    x, y = data.digits()
    model = compiled([Dense(32, activation="relu"), Dense(10, activation="softmax")], "sparse_categorical_crossentropy")
    plan = model.plan.replace(epochs=5, batch_size=64)
    rows, found = jd.Data.of(x, y), {}
    for size in [2**k for k in range(11)]:
        plans = [plan.replace(seed=seed) for seed in range(size)]
        jd.train(plans, rows)
        began = time.perf_counter()
        jd.train(plans, rows)
        found[size] = time.perf_counter() - began
    return found


if __name__ == "__main__":
    if data.TASK == "sizes":
        import json

        print(json.dumps({"seconds": sizes()}))
    else:
        task = {"digits": digits, "bagging": bagging, "xor": xor, "cnn": cnn}[data.TASK]
        found = [task() for _ in range(2)]
        data.report([seconds for seconds, _ in found], found[-1][1])
