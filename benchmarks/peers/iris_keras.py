"""Iris in Keras 3 on its JAX backend."""

import os
import time

os.environ["KERAS_BACKEND"] = "jax"

from iris_data import AGAIN, EPOCHS, read, report, split
from keras import Sequential, utils
from keras.layers import Dense

x_train, x_test, y_train, y_test = split(*read())


def train():
    utils.set_random_seed(0)
    model = Sequential([Dense(30, activation="relu"), Dense(16, activation="relu"), Dense(3, activation="softmax")])
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    began = time.perf_counter()
    model.fit(x_train, y_train, epochs=EPOCHS, batch_size=1, validation_data=(x_test, y_test), verbose=0)
    return model, time.perf_counter() - began


model, seconds = train()
accuracy = model.evaluate(x_test, y_test, verbose=0)[1]
report(accuracy, [seconds, train()[1]] if AGAIN else [seconds], x_test)
