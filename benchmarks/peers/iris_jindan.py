"""Iris in jindan."""

import time

from iris_data import AGAIN, EPOCHS, read, report

from jindan.data import train_test_split
from jindan.layers import Dense
from jindan.models import Sequential

x, y = read()
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2, random_state=417)


def train():
    model = Sequential([Dense(30, activation="relu"), Dense(16, activation="relu"), Dense(3, activation="softmax")])
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    began = time.perf_counter()
    model.fit(x_train, y_train, epochs=EPOCHS, batch_size=1, validation_data=(x_test, y_test), seed=0, verbose=0)
    return model, time.perf_counter() - began


model, seconds = train()
accuracy = model.evaluate(x_test, y_test, verbose=0)[1]
report(accuracy, [seconds, train()[1]] if AGAIN else [seconds], x_test)
