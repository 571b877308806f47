"""Word2Vec's updates against a plain PyTorch loop over pairs; corpus, tables and vectors against closed forms."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from jindan.engine import devices
from jindan.engine.program_loop import Batch
from jindan.errors import FileError, InputError
from jindan.models import word2vec_corpus as corpus
from jindan.models.word2vec import CBOW, SKIP_GRAM
from jindan.models.word2vec_training import program_of, tables, train_vectors
from jindan.models.word2vec_vectors import WordVectors

torch = pytest.importorskip("torch")
COUNTS = np.array([30, 20, 10, 9, 5, 3, 2], np.int64)
VALUES = {"learning_rate": 0.1, "min_learning_rate": 0.001}


def setting(method, hierarchical, dtype="float64"):
    program = program_of(COUNTS, hierarchical=hierarchical, size=4, window=2, method=method, negative=3, block=6,
                         shared=5, dtype=dtype)  # fmt: skip
    rng = np.random.default_rng(0)
    state = {**program.init(0, {}), **tables(program, COUNTS)}
    state["input"], state["output"] = (rng.standard_normal(state[n].shape) for n in ("input", "output"))
    ids = rng.integers(0, 7, program.length).astype(np.int32)
    sentence = np.array([0, 0, 0, 0, 0, 1, 1, 1, -1, -1], np.int32)
    return program, state, ids, sentence


def objective(program, table, out, ids, pairs, noise, state):
    """Term after term, and the number of words behind each window's mean."""
    total = torch.zeros((), dtype=torch.float64)
    log = torch.nn.functional.logsigmoid
    for i in range(program.block):
        near = np.flatnonzero(pairs[i])
        if not near.size:
            continue
        word = ids[i + program.window]
        sources = [table[j] for j in near] if program.method == SKIP_GRAM else [table[near].mean(0)]
        for u in sources:
            if program.depth:
                for node, code in zip(state["nodes"][word], state["codes"][word], strict=True):
                    if code >= 0:
                        total = total + log((1 - 2 * int(code)) * (out[int(node)] @ u))
            else:
                total = total + log(out[word] @ u)
                for n in noise:
                    total = total + program.negative / program.shared * log(-(out[int(n)] @ u))
    return total


@pytest.mark.parametrize("method", [SKIP_GRAM, CBOW])
@pytest.mark.parametrize("hierarchical", [False, True])
def test_update_is_the_slope_of_the_objective(method, hierarchical):
    program, state, ids, sentence = setting(method, hierarchical)
    devices.start()
    with devices.width("float64"):
        key = jax.random.key(3)
        x = {"ids": ids[None], "sentence": sentence[None], "progress": np.array([0.25])}
        new, figures = program.step(jax.device_put(state), Batch(jax.device_put(x), np.ones(1)), VALUES, key)
        pairs = np.asarray(program._pairs(sentence, key))
        noise = None if hierarchical else np.asarray(program._drawn(state, key))
    # Each place of the row is a leaf of its own, as CBOW scales the step by the size of the windows a word is in.
    places = torch.tensor(state["input"][ids], requires_grad=True)
    out = torch.tensor(state["output"], requires_grad=True)
    total = objective(program, places, out, ids, pairs, noise, state)
    total.backward()
    slope = places.grad.numpy()
    if method == CBOW:
        # The original program's rule: the whole slope of the mean for each of its words.
        hidden = np.zeros_like(slope)
        for i in range(program.block):
            near = np.flatnonzero(pairs[i])
            if near.size:
                one = torch.tensor(state["input"][ids], requires_grad=True)
                only = np.zeros_like(pairs)
                only[i] = pairs[i]
                objective(program, one, out.detach(), ids, only, noise, state).backward()
                hidden += one.grad.numpy() * near.size
        slope = hidden
    rate, expected = 0.1 * 0.75, state["input"].copy()
    np.add.at(expected, ids, rate * slope)
    count = pairs.sum() if method == SKIP_GRAM else (pairs.sum(1) > 0).sum()
    np.testing.assert_allclose(new["input"], expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(new["output"], state["output"] + rate * out.grad.numpy(), rtol=0, atol=1e-12)
    np.testing.assert_allclose(figures[0], -total.item() / count, rtol=1e-12)


def test_pairs_stay_in_a_sentence_and_a_window():
    program, _, _, sentence = setting(SKIP_GRAM, False, "float32")
    reaches = set()
    for seed in range(20):
        pairs = np.asarray(program._pairs(sentence, jax.random.key(seed)))
        for i, j in np.argwhere(pairs):
            assert 0 < abs(j - (i + 2)) <= 2
            assert sentence[j] == sentence[i + 2] >= 0
            reaches.add(abs(int(j) - int(i) - 2))
        assert not pairs[sentence[2:8] < 0].any()
    assert reaches == {1, 2}


def test_noise_follows_its_distribution():
    program = program_of(COUNTS, size=2, window=1, block=2, shared=50_000)
    drawn = np.asarray(program._drawn(tables(program, COUNTS), jax.random.key(1)))
    expected = COUNTS**0.75 / (COUNTS**0.75).sum()
    found = np.bincount(drawn, minlength=7) / 50_000
    assert np.abs(found - expected).max() < 5 * np.sqrt(expected.max() / 50_000)


def test_alias_table_holds_the_distribution():
    weights = np.random.default_rng(0).random(37) ** 3
    keep, alias = corpus.alias_table(weights)
    found = np.bincount(np.arange(37), keep, 37) + np.bincount(alias, 1 - keep.astype(float), 37)
    np.testing.assert_allclose(found / 37, weights / weights.sum(), atol=1e-7)


@pytest.mark.parametrize("words", [1, 2, 7, 40])
def test_huffman_is_a_prefix_code_of_least_length(words):
    counts = np.sort(np.random.default_rng(words).integers(1, 100, words))[::-1]
    nodes, codes = corpus.huffman(counts)
    assert nodes.min() >= 0
    assert nodes.max() < max(words - 1, 1)
    lengths = (codes >= 0).sum(1)
    assert sum(2.0**-n for n in lengths) == (1 if words > 1 else 0.5)  # Kraft's equality
    share = counts / counts.sum()
    entropy = -(share * np.log2(share)).sum()
    assert entropy - 1e-9 <= (share * lengths).sum() <= entropy + 1
    # Softmax over a tree: the chances of all words add up to 1, whatever the scores at the nodes.
    score = np.random.default_rng(1).standard_normal(nodes.max() + 1)
    steps = 1 / (1 + np.exp(-(1 - 2 * codes.astype(float)) * score[nodes]))
    total = np.where(codes >= 0, steps, 1).prod(1).sum()
    assert words == 1 or abs(total - 1) < 1e-12


def test_blocks_hold_each_word_once_with_its_neighbours():
    ids, sentence = np.arange(1, 12, dtype=np.int32), np.repeat([0, 1], [4, 7]).astype(np.int32)
    x, used = corpus.blocks(ids, sentence, block=4, window=2, progress=(0.5, 1.0), rows=5)
    assert used == 3
    assert x["ids"].shape == (5, 8)
    np.testing.assert_array_equal(x["ids"][:3, 2:6].ravel()[:11], ids)
    np.testing.assert_array_equal(x["ids"][1], ids[2:10])
    assert (x["sentence"][3:, 2:6] == -1).all()
    assert x["sentence"][0].tolist() == [-1, -1, 0, 0, 0, 0, 1, 1]
    np.testing.assert_allclose(x["progress"][:3], [0.5, 0.5 + 1 / 6, 0.5 + 2 / 6], rtol=1e-6)


def test_subsampling_follows_the_original_program():
    chances = corpus.keep_chances(np.array([900, 99, 1]), 1e-2)
    np.testing.assert_allclose(chances, [np.sqrt(1 / 90) + 1 / 90, np.sqrt(10 / 99) + 10 / 99, 1])
    assert (corpus.keep_chances(COUNTS, 0) == 1).all()


def test_vocabulary_is_bounded():
    sentences = [[f"w{i}" for i in range(k)] for k in range(1, 60)]
    words, counts = corpus.count_words(sentences, min_count=2, max_vocabulary=3)
    assert words == ["w0", "w1", "w2"]
    assert counts.tolist() == [59, 58, 57]
    with pytest.raises(InputError, match="No word of this corpus"):
        corpus.count_words([["a"]], min_count=2)


def test_members_alone_and_side_by_side_are_the_same():
    text = [["a", "b", "c", "d"][k % 3 : k % 3 + 2] * 4 for k in range(40)]
    words, counts = corpus.count_words(text, min_count=1)
    program = program_of(counts, size=6, window=2, block=16, shared=8)
    rates = [{"learning_rate": r, "min_learning_rate": 0.001} for r in (0.05, 0.1, 0.2)]
    three = train_vectors(program, text, words, counts, epochs=2, seeds=[1, 2, 3], values=rates)
    alone = train_vectors(program, text, words, counts, epochs=2, seeds=[2], values=[rates[1]])
    np.testing.assert_array_equal(three[1].input, alone[0].input)
    assert three[1].loss == alone[0].loss
    assert len(alone[0].loss) == 2
    assert not np.array_equal(three[0].input, three[1].input)


def test_a_corpus_in_chunks_is_all_read(monkeypatch):
    text = [["a", "b", "c", "a"]] * 100
    words, counts = corpus.count_words(text, min_count=1)
    chunks = list(corpus.numbered(text, {w: i for i, w in enumerate(words)}, 90))
    assert sum(len(ids) for ids, _ in chunks) == 400
    assert len(chunks) == 5
    monkeypatch.setattr("jindan.models.word2vec_training.CHUNK", 90)
    program = program_of(counts, size=4, window=2, block=8, shared=4)
    told = []
    train_vectors(program, text, words, counts, epochs=2, listen=lambda *a: told.append(a))
    assert len(told) == 10
    assert told[-1][:2] == (1, 1.0)


@pytest.fixture
def vectors():
    rng = np.random.default_rng(0)
    return WordVectors(["왕", "king", "queen", "naïve", "car"], rng.standard_normal((5, 7)).astype(np.float32))


def test_neighbours_against_plain_cosines(vectors):
    v = vectors.vectors.astype(float)
    unit = v / np.linalg.norm(v, axis=1, keepdims=True)
    assert abs(vectors.similarity("king", "car") - unit[1] @ unit[4]) < 1e-6
    target = unit[1] - unit[2] + unit[4]
    scores = unit @ target / np.linalg.norm(target)
    best = max((0, 3), key=lambda i: scores[i])
    word, score = vectors.most_similar(["king", "car"], "queen", topn=1)[0]
    assert word == vectors.words[best]
    assert abs(score - scores[best]) < 1e-6
    shifted = (1 + unit @ unit.T) / 2
    product = shifted[:, 1] * shifted[:, 4] / (shifted[:, 2] + 1e-6)
    word, score = vectors.analogy("queen", "king", "car", multiply=True)[0]
    assert word == vectors.words[max((0, 3), key=lambda i: product[i])]
    assert abs(score - max(product[[0, 3]])) < 1e-5
    assert len(vectors.most_similar("king", topn=50)) == 4
    assert vectors.most_similar(vectors["king"], topn=1)[0][0] == "king"
    odd = vectors.words[int(np.argmin(unit @ unit.mean(0)))]
    assert vectors.doesnt_match(vectors.words) == odd


def test_pairs_score_is_spearman(vectors):
    pairs = [("king", "queen", 1.0), ("King", "car", 2.0), ("naïve", "car", 3.0), ("king", "unknown", 9.0)]
    ours = [vectors.similarity("king", "queen"), vectors.similarity("king", "car"), vectors.similarity("naïve", "car")]
    ranks = np.argsort(np.argsort(ours))
    expected = np.corrcoef(ranks, [0, 1, 2])[0, 1]
    score, known = vectors.pairs_score(pairs)
    assert abs(score - expected) < 1e-9
    assert known == 0.75
    assert np.isnan(vectors.pairs_score(pairs[3:])[0])


@pytest.mark.parametrize("binary", [False, True])
def test_files_round_trip(vectors, tmp_path, binary):
    vectors.write(tmp_path / "v", binary=binary)
    again = WordVectors.read(tmp_path / "v", binary=binary)
    assert again.words == vectors.words
    np.testing.assert_array_equal(again.vectors, vectors.vectors)
    data = (tmp_path / "v").read_bytes()
    (tmp_path / "short").write_bytes(data[:-30])
    with pytest.raises(FileError, match="cannot be read"):
        WordVectors.read(tmp_path / "short", binary=binary)


def test_binary_rows_need_no_line_end(tmp_path):
    body = b"2 2\n" + b"a " + np.array([1, 2], "<f4").tobytes() + b"bc " + np.array([3, 4], "<f4").tobytes()
    (tmp_path / "v").write_bytes(body)
    again = WordVectors.read(tmp_path / "v", binary=True)
    assert again.words == ["a", "bc"]
    assert again.vectors.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    "call",
    [
        lambda v: v["quen"],
        lambda v: v.most_similar(),
        lambda v: v.most_similar("king", topn=0),
        lambda v: v.most_similar(np.ones(3)),
        lambda v: v.doesnt_match(["king"]),
        lambda v: WordVectors(["a", "a"], np.ones((2, 2))),
        lambda v: WordVectors(["a b"], np.ones((1, 2))).write("unused"),
    ],
)
def test_bad_input_is_said(vectors, call):
    with pytest.raises(InputError):
        call(vectors)
