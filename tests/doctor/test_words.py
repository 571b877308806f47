"""The doctor's words: complete in both languages, well linked, found by every name."""

from __future__ import annotations

import json
import re
from collections import defaultdict

import pytest

from jindan.doctor import words
from jindan.errors import InputError, UnknownNameError

CODES = """
nonfinite-values exploding-gradient vanishing-gradient dying-relu saturated-activation symmetric-init bad-init-scale
learning-rate-too-high learning-rate-too-low plateau stopped-too-early output-loss-mismatch linear-stack
inputs-not-normalised targets-not-normalised preprocessing-mismatch data-leakage label-noise class-imbalance
input-ignored overfitting underfitting frozen-parameters mode-gap batch-size-too-small batch-size-too-large device-idle
out-of-memory mode-collapse below-baseline zigzag
""".split()  # noqa: SIM905
GENERAL = """
task-output-loss epoch batch iteration back-propagation chain-rule cross-validation bias-variance overfit-few-rows
memory-estimate plan run perceptron mlp logistic-regression linear-regression cnn conv1d rnn lstm gru ensemble bagging
baseline saddle-point local-optimum shape-error loss-cost-objective eda metric
""".split()  # noqa: SIM905
PROSE = ("title", "short", "beginner", "expert", "when")
SHARED = ("formula", "example", "see", "source")
HANGUL = re.compile("[가-힣]")
# Names as Keras and the notes write them.
NAMES = {
    "activations": "linear identity step sigmoid tanh relu leaky_relu LeakyReLU PReLU ELU selu Maxout softmax "
    "log_softmax softplus softsign silu swish gelu mish relu6 hard_sigmoid exponential",
    "losses": "mean_squared_error mse SSE MeanAbsoluteError mae RMSE mape msle Huber LogCosh binary_crossentropy "
    "categorical_crossentropy SparseCategoricalCrossentropy CosineSimilarity KLDivergence kl_divergence poisson hinge "
    "squared_hinge CategoricalHinge",
    "optimizers": "SGD sgd Momentum NAG nesterov Adagrad RMSprop RMSProp Adadelta Adam AdamW Adamax Nadam",
    "schedules": "ConstantRate StepDecay PiecewiseConstantDecay ExponentialDecay InverseTimeDecay PolynomialDecay "
    "CosineDecay CosineDecayRestarts WarmUp ReduceLROnPlateau",
    "initializers": "zeros ones Constant RandomNormal random_uniform TruncatedNormal VarianceScaling lecun_normal "
    "LecunUniform glorot_normal GlorotUniform xavier he_normal HeUniform Orthogonal identity_matrix",
    "regularizers": "L1 L2 l1_l2 L1L2 weight_decay Dropout GaussianDropout EarlyStopping BatchNormalization "
    "LayerNormalization label_smoothing GaussianNoise weight_noise MaxNorm",
    "preprocessing": "zscore minmax SumScaler StandardScaler MinMaxScaler whitening ZCA one-hot OneHotEncoder "
    "LabelEncoder",
    "augmentation": "RandomFlip RandomCrop RandomBrightness RandomRotation MixUp",
    "metrics": "accuracy Precision Recall f1 F1Score AUC roc-auc r2 R2Score perplexity confusion_matrix",
}


def sentences(concept: words.Concept) -> list[str]:
    """The prose of a concept but its title, a sentence each (formulas in it may hold no full stop before a space)."""
    prose = [concept.short, concept.beginner, concept.expert, concept.when, *concept.fix]
    return [part for text in prose for part in re.split(r"(?<=[.?!])\s+", text)]


def korean(slug: str) -> words.Concept:
    return words.explain(slug, "ko")


@pytest.mark.parametrize("slug", CODES + GENERAL)
def test_every_concept_asked_for_is_there(slug: str) -> None:
    assert words.find(slug) == slug


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("lang", words.LANGUAGES)
def test_every_finding_has_words(code: str, lang: str) -> None:
    concept = words.explain(code, lang)
    assert concept.family == "findings"
    assert len(concept.fix) >= 2
    assert words.sentence(f"finding.{code}.title", lang)
    assert "{" not in words.sentence(f"finding.{code}.summary", lang)


@pytest.mark.parametrize("family", [*words.FAMILIES, "messages"])
def test_both_languages_have_the_same_keys(family: str) -> None:
    en, ko = words._table(family, "en"), words._table(family, "ko")
    assert list(en) == list(ko)
    for slug, fields in en.items():
        assert set(fields) - set(SHARED) - {"aliases"} == set(ko[slug]) - {"aliases"}, slug
        assert len(fields.get("fix", ())) == len(ko[slug].get("fix", ())), slug


def test_messages_use_the_same_values_in_both_languages() -> None:
    en, ko = words._messages("en"), words._messages("ko")
    assert set(en) == set(ko)
    for key in en:
        assert sorted(re.findall(r"\{(.+?)\}", en[key])) == sorted(re.findall(r"\{(.+?)\}", ko[key])), key


@pytest.mark.parametrize("slug", words.concepts())
def test_no_field_is_empty_and_links_resolve(slug: str) -> None:
    for lang in words.LANGUAGES:
        concept = words.explain(slug, lang)
        for key, value in words._table(concept.family, lang)[slug].items():
            assert value, f"{slug}.{key}"
            assert all(text == text.strip() for text in ([value] if isinstance(value, str) else value)), key
        assert all(getattr(concept, key) for key in PROSE)
        assert set(concept.see) <= set(words.concepts()) - {slug}
        assert len(set(concept.see)) == len(concept.see)


@pytest.mark.parametrize("slug", words.concepts())
def test_prose_is_whole_sentences(slug: str) -> None:
    concept = words.explain(slug)
    for text in (concept.short, concept.beginner, concept.expert, *concept.fix):
        assert re.search(r"[.?!]”?$", text), text
    assert 1 <= len(re.findall(r"[.?!]”?(?=\s|$)", concept.short)) <= 1, concept.short


@pytest.mark.parametrize("slug", words.concepts())
def test_korean_reads_as_korean(slug: str) -> None:
    concept = korean(slug)
    for key in PROSE:
        assert HANGUL.search(getattr(concept, key)), key
    for text in sentences(concept):
        assert re.search(r"(니다|니까)(\(.*\))?[.?]$", text), text
        assert not re.search(r"(해요|예요|에요|어요|아요|네요|지요|죠|까요)\.", text), text
    assert not HANGUL.search(" ".join([concept.formula, *concept.see, concept.source])), slug


@pytest.mark.parametrize("slug", words.concepts())
def test_english_has_no_hangul(slug: str) -> None:
    concept = words.explain(slug)
    text = " ".join([concept.title, *sentences(concept)])
    assert set(HANGUL.findall(text)) <= set("정규화"), text


def test_regularisation_and_normalisation_are_told_apart() -> None:
    assert words.find("정규화") == "feature-scaling"
    for slug in words.concepts():
        text = " ".join([*sentences(korean(slug)), korean(slug).title])
        bare = re.findall(r"(?<!배치 )(?<!층 )(?<!최소-최대 )(?<!배치)정규화", text)
        assert not bare or "normalization" in text or "normalised" in text, slug


def test_a_name_means_one_concept() -> None:
    slugs = defaultdict(set)
    for name, slug in words._names():
        slugs[words._fold(name)].add(slug)
    assert {name: found for name, found in slugs.items() if len(found) > 1} == {}


@pytest.mark.parametrize(("family", "name"), [(f, name) for f, names in NAMES.items() for name in names.split()])
def test_every_building_block_is_found_by_its_name(family: str, name: str) -> None:
    found = words.explain(name).family
    assert found == family or (family, name) in {("augmentation", "MixUp"), ("schedules", "ReduceLROnPlateau")}


@pytest.mark.parametrize(
    ("kind", "module"),
    [
        ("loss", "losses"),
        ("optimizer", "optimizers"),
        ("schedule", "schedules"),
        ("initializer", "initializers"),
        ("regularizer", "regularizers"),
    ],
)
def test_every_registered_class_is_explained(kind: str, module: str) -> None:
    library = pytest.importorskip(f"jindan.{module}")
    base = getattr(library, {"loss": "Loss", "schedule": "LearningRateSchedule"}.get(kind, kind.capitalize()))
    names = [n for n, value in vars(library).items() if isinstance(value, type) and issubclass(value, base)]
    skipped = {base.__name__, "CustomLoss", "Identity", "_Named"}
    missing = []
    for name in sorted(set(names) - skipped):
        try:
            words.find(name)
        except UnknownNameError:
            missing.append(name)
    assert not missing


def test_every_registered_activation_says_when_to_use_it() -> None:
    library = pytest.importorskip("jindan.activations")
    for name in library.TABLE:
        assert words.explain(name).family == "activations"
        assert words.explain(name, "ko").when


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("VANISHING_GRADIENT", "vanishing-gradient"),
        ("vanishing gradient", "vanishing-gradient"),
        ("기울기소실", "vanishing-gradient"),
        ("죽은 ReLU", "dying-relu"),
        ("죽은 ReLU(dying ReLU)", "dying-relu"),
        ("inputs-not-normalized", "inputs-not-normalised"),
        ("regularisation", "regularization"),
        ("weight initialisation", "weight-initialization"),
        ("교차검증", "cross-validation"),
        ("과적합", "overfitting"),
        ("조기 종료", "early-stopping"),
        ("Xavier", "glorot-uniform"),
        ("에폭", "epoch"),
        ("R²", "r2"),
    ],
)
def test_names_are_found_however_they_are_spelt(name: str, slug: str) -> None:
    assert words.find(name) == slug


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean `vanishing-gradient`") as error:
        words.find("vanishing-gradeint")
    assert str(error.value).startswith("There is no concept called 'vanishing-gradeint'.")
    with pytest.raises(UnknownNameError, match="기울기 소실"):
        words.find("기울기 소멸실")
    with pytest.raises(UnknownNameError, match="There is no language called 'fr'"):
        words.explain("relu", "fr")
    with pytest.raises(UnknownNameError):
        words.find("")


def test_only_what_is_near_is_suggested() -> None:
    with pytest.raises(UnknownNameError) as error:
        words.find("nonsense")
    assert "Did you mean" not in str(error.value)
    assert str(error.value).count(",") <= 8
    assert "jindan explain" in str(error.value)
    with pytest.raises(UnknownNameError, match="Did you mean `dropout`") as error:
        words.find("droput")
    assert "sigmoid" not in str(error.value)


def test_a_page_shows_every_field_with_headings_of_its_language() -> None:
    page = words.explain("dying-relu").text()
    for heading in ("In plain words", "In detail", "Formula", "What to look at", "What to try, in this order"):
        assert heading in page
    assert "  1. Lower the learning rate." in page
    page = words.explain("dying-relu", "ko").text(width=80)
    for heading in ("쉽게 말하면", "자세히", "수식", "무엇을 볼 것인가", "시도할 순서", "함께 보기", "출처"):
        assert heading in page
    assert max(words._columns(line) for line in page.splitlines()) <= 80


@pytest.mark.parametrize("lang", words.LANGUAGES)
def test_a_concept_is_plain_json(lang: str) -> None:
    for slug in words.concepts():
        concept = words.explain(slug, lang)
        assert json.loads(json.dumps(concept.to_dict())) == concept.to_dict()


def test_sentences_fill_in_values() -> None:
    say = words.sentence
    assert say("finding.dying-relu.summary") == "Units output zero for every row."
    assert say("finding.dying-relu.summary", "ko", layer="dense", fraction=0.5) == (
        "dense 계층에 모든 행에서 0만 내는 뉴런이 있습니다(50 %)."
    )
    assert say("finding.below-baseline.summary", baseline="mean", baseline_score=0.71234567, other=1) == (
        "The network does not beat a simple model (mean: 0.7123)."
    )
    with pytest.raises(UnknownNameError, match=r"Did you mean `finding\.plateau\.title`"):
        say("finding.plateu.title")


def test_a_sentence_that_needs_a_value_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "_messages", lambda lang: {"greeting": "Hello, {name}[ of {place}]!"})
    assert words.sentence("greeting", name="Ada") == "Hello, Ada!"
    assert words.sentence("greeting", name="Ada", place="[here]") == "Hello, Ada of [here]!"
    with pytest.raises(InputError, match="expected: name"):
        words.sentence("greeting")


def test_a_plateau_tells_of_the_curvature_that_is_measured() -> None:
    assert "gᵀHg" in words.explain("plateau").expert
    assert "gᵀHg" in korean("plateau").expert
    assert not re.search("eigenvalue of the Hessian", words.explain("saddle-point").when)
    assert "가장 작은 고윳값" not in korean("saddle-point").when


def test_korean_particles_and_terms_fit_every_number() -> None:
    assert words.sentence("test.initial_loss", "ko", loss="0.4", expected="0.7").startswith("처음 손실: 0.4.")
    assert "에포크" not in "".join(words._messages("ko").values())
