"""The MLP in jindan."""

import time

from mlp_data import BATCH, DECAY, EPOCHS, RATE, SEED, read, report

from jindan.layers import Dense
from jindan.models import Sequential
from jindan.optimizers import Adam
from jindan.schedules import ExponentialDecay

x_train, y_train, x_test, y_test = read()
model = Sequential([Dense(512, activation="relu"), Dense(256, activation="relu"), Dense(10, activation="softmax")])
rate = ExponentialDecay(RATE, -(-len(x_train) // BATCH), DECAY, staircase=True)
model.compile(optimizer=Adam(rate), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
began = time.perf_counter()
history = model.fit(x_train, y_train, epochs=EPOCHS, batch_size=BATCH, seed=SEED, verbose=0)
seconds = time.perf_counter() - began
# All epochs are one program, so the time of an epoch is their mean; compiling is not in "run".
report(
    model.evaluate(x_test, y_test, verbose=0)[1],
    [history.seconds["run"] / EPOCHS],
    seconds,
    -(-len(x_train) // BATCH),
)
