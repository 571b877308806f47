"""The MLP in Keras 3 on its JAX backend."""

import os
import time

os.environ["KERAS_BACKEND"] = "jax"

from keras import Sequential, callbacks, optimizers, utils
from keras.layers import Dense
from mlp_data import BATCH, DECAY, EPOCHS, RATE, SEED, read, report


class Clock(callbacks.Callback):
    """Seconds of each epoch."""

    def __init__(self):
        super().__init__()
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.began)


x_train, y_train, x_test, y_test = read()
utils.set_random_seed(SEED)
model = Sequential([Dense(512, activation="relu"), Dense(256, activation="relu"), Dense(10, activation="softmax")])
rate = optimizers.schedules.ExponentialDecay(RATE, -(-len(x_train) // BATCH), DECAY, staircase=True)
model.compile(optimizer=optimizers.Adam(rate), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
clock = Clock()
began = time.perf_counter()
model.fit(x_train, y_train, epochs=EPOCHS, batch_size=BATCH, verbose=0, callbacks=[clock])
seconds = time.perf_counter() - began
accuracy = model.evaluate(x_test, y_test, verbose=0)[1]
report(accuracy, clock.seconds[1:] or clock.seconds, seconds, -(-len(x_train) // BATCH))
