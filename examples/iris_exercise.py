"""The notes' iris exercise: 4–30–16–3, Adam, 100 epochs, batch size 1. / 노트의 붓꽃 실습.

    python examples/iris_exercise.py

It is the Keras code of the notes; only its imports differ. / 노트의 Keras 코드에서 import만 바꿨습니다.
"""

from pathlib import Path

import numpy as np
import polars as pl

from jindan.data import train_test_split
from jindan.layers import Dense
from jindan.models import Sequential
from jindan.utils import to_categorical

# 1. The data: four measurements and a species. / 데이터: 네 가지 측정값과 품종
table = pl.read_csv(Path(__file__).with_name("iris.csv"))
X = table.drop("species").to_numpy()
names, label = np.unique(table["species"].to_list(), return_inverse=True)

# One-hot target: setosa → [1, 0, 0]. / 원-핫 타깃
Y = to_categorical(label)

# 2. 80 % to learn from, 20 % to judge by, seed 417. / 학습 80 %, 평가 20 %, 시드 417
X_train, X_test, Y_train, Y_test = train_test_split(X, Y, test_size=0.2, random_state=417)

# 3. The network. / 신경망
model = Sequential()
model.add(Dense(30, input_dim=4, activation="relu"))
model.add(Dense(16, activation="relu"))
model.add(Dense(3, activation="softmax"))
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
model.summary()

# 4. Training: 120 rows, one a step, 100 times over: 12,000 updates. / 학습: 120행을 한 행씩 100번, 갱신 12,000번
# The test rows are only watched here: nothing is chosen by them. / 평가 행은 지켜보기만 하고, 선택에는 쓰지 않습니다
history = model.fit(X_train, Y_train, epochs=100, batch_size=1, validation_data=(X_test, Y_test), seed=0, verbose=0)

# 5. The learning curve, as text. / 글자로 그린 학습 곡선
print("\nlearning curve / 학습 곡선")
print("epoch   loss train  test    accuracy train  test")
curve = history.history
for epoch in (1, 2, 5, 10, 20, 40, 60, 80, 100):
    loss, val_loss, accuracy, val_accuracy = (
        curve[name][epoch - 1] for name in ("loss", "val_loss", "accuracy", "val_accuracy")
    )
    print(f"{epoch:5d}   {loss:10.3f}  {val_loss:.3f}   {accuracy:14.3f}  {val_accuracy:.3f}  {'█' * round(20 * loss)}")

# 6. The result. / 결과
_, train_accuracy = model.evaluate(X_train, Y_train, verbose=0)
_, accuracy = model.evaluate(X_test, Y_test, verbose=0)
print(f"\ntrain accuracy / 학습 정확도: {train_accuracy:.3f}")
print(f"test accuracy / 평가 정확도: {accuracy:.3f}")

# 7. What it means. / 해석
print("\ninterpretation / 해석")
gap = train_accuracy - accuracy
rows = len(X_test)
if abs(gap) * rows <= 2:
    print(f"- Train and test differ by {abs(gap) * rows:.1f} of {rows} test rows: no sign of overfitting.")
    print(f"  학습과 평가의 차이는 평가 {rows}행 가운데 {abs(gap) * rows:.1f}행뿐이므로 과적합의 조짐은 없습니다.")
elif gap > 0:
    print(f"- Train is better by {gap:.3f}: the network overfits. / 학습 쪽이 {gap:.3f} 높아 과적합입니다.")
else:
    print(f"- Test is better by {-gap:.3f}: luck of the split. / 평가 쪽이 {-gap:.3f} 높은 것은 분할의 우연입니다.")
low = int(np.argmin(curve["val_loss"]))
lowest, last = curve["val_loss"][low], curve["val_loss"][-1]
print(f"- Test loss was lowest in epoch {low + 1} of 100 ({lowest:.3f}); at the end it is {last:.3f}.")
print(f"  평가 손실은 {low + 1}번째 에폭에서 가장 낮았고({lowest:.3f}), 끝에서는 {last:.3f}입니다.")
print(f"- {rows} rows are few: one more error moves the accuracy by {1 / rows:.3f}.")
print(f"  평가 행이 {rows}개뿐이라 오답 하나에 정확도가 {1 / rows:.3f}씩 움직입니다.")

truth, guess = Y_test.argmax(axis=1), model.predict(X_test).argmax(axis=1)
print("\nerrors: true species down, predicted across / 오답 위치: 세로는 실제, 가로는 예측")
print(" " * 12 + "".join(f"{name:>12}" for name in names))
for i, name in enumerate(names):
    counts = [int(np.sum((truth == i) & (guess == j))) for j in range(3)]
    print(f"{name:>12}" + "".join(f"{count:12d}" for count in counts))
for row in np.flatnonzero(truth != guess):
    share = model.predict(X_test[row : row + 1])[0]
    print(f"- {X_test[row].tolist()}: {names[truth[row]]}, taken for / 오답 {names[guess[row]]} ({share.max():.0%})")
if not (truth != guess).any():
    print("- none / 없음")
