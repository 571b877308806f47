"""Sentences of the reports of models without a target, in English and Korean; `words` holds all others."""

from __future__ import annotations

OTHERS: dict[str, tuple[str, str]] = {
    # sections
    "reconstructions": ("What the code keeps", "코드가 보존하는 것"),
    "samples": ("Samples", "모델이 만든 표본"),
    "map": ("Map of the rows", "행의 지도"),
    "filters": ("Weights of the first layer", "첫 계층의 가중치"),
    "clusters": ("Clusters", "군집"),
    "components": ("Principal components", "주성분"),
    "words": ("Words", "단어"),
    "settings": ("Settings", "설정"),
    # models
    "m_autoencoder": ("autoencoder", "오토인코더"),
    "m_vae": ("variational autoencoder (VAE)", "변이형 오토인코더(VAE)"),
    "m_gan": ("generative adversarial network (GAN)", "생성적 적대 신경망(GAN)"),
    "m_rbm": ("restricted Boltzmann machine (RBM)", "제한된 볼츠만 머신(RBM)"),
    "m_dbn": ("deep belief network (DBN)", "심층 신뢰 신경망(DBN)"),
    "m_kmeans": ("k-means clustering", "k-평균 군집화"),
    "m_pca": ("principal component analysis (PCA)", "주성분 분석(PCA)"),
    "m_word2vec": ("word embedding (Word2Vec)", "단어 임베딩(Word2Vec)"),
    # headline
    "o_kept": (
        "Codes of {dim} number(s) keep {kept} of the variation of {rows}.",
        "숫자 {dim}개짜리 코드가 {rows}의 변동 가운데 {kept}를 보존합니다.",
    ),
    "o_kept_units": (
        "{dim} hidden units keep {kept} of the variation of {rows}.",
        "은닉 유닛 {dim}개가 {rows}의 변동 가운데 {kept}를 보존합니다.",
    ),
    "o_kept_pca": (
        "{kept} of the variation of {rows} is kept by {dim} principal component(s).",
        "주성분 {dim}개가 {rows}의 변동 가운데 {kept}를 보존합니다.",
    ),
    "o_kept_none": (
        "The codes keep nothing of the variation of {rows}: their mean would be as good.",
        "코드는 {rows}의 변동을 보존하지 못합니다. 평균값을 쓰는 것과 다를 바 없습니다.",
    ),
    "o_more_than_pca": (
        "That is more than as many principal components keep ({kept}).",
        "같은 수의 주성분이 보존하는 것({kept})보다 많습니다.",
    ),
    "o_as_pca": (
        "As many principal components, which are simpler, keep {kept}.",
        "더 단순한 주성분 분석(PCA)이 같은 수의 주성분으로 {kept}를 보존합니다.",
    ),
    "o_told": (
        "A judge that looks at the nearest neighbour tells samples from {rows} in {share} of cases: 50\u202f% is a "
        "coin, 100\u202f% is always.",
        "최근접 이웃을 보고 판정하면 만든 행과 {rows}을 {share}의 경우에 구별합니다. 50%면 동전 던지기와 같고 100%면 "
        "언제나 구별하는 것입니다.",
    ),
    "o_bound": (
        "The log-likelihood of a row is at least {bound} nats on average.",
        "한 행의 로그 가능도는 평균 {bound}내트 이상입니다.",
    ),
    "o_likelier": (
        "A row is {nats} nats likelier on average than with columns taken one by one.",
        "한 행의 로그 가능도가 열을 하나씩 따로 볼 때보다 평균 {nats}내트 높습니다.",
    ),
    "o_less_likely": (
        "A row is {nats} nats less likely on average than with columns taken one by one: the machine has not learnt "
        "how columns go together.",
        "한 행의 로그 가능도가 열을 하나씩 따로 볼 때보다 평균 {nats}내트 낮습니다. 열 사이의 관계를 배우지 "
        "못했습니다.",
    ),
    "o_clusters": (
        "{count} cluster(s); the silhouette of {rows} is {silhouette}: {verdict}.",
        "군집 {count}개, {rows}의 실루엣 계수는 {silhouette}입니다. {verdict}.",
    ),
    "o_clusters_only": ("{count} cluster(s).", "군집 {count}개입니다."),
    "s_strong": ("a strong structure", "군집이 뚜렷합니다"),
    "s_fair": ("a reasonable structure", "군집이 어느 정도 있습니다"),
    "s_weak": ("a weak structure", "군집이 약합니다"),
    "s_none": ("no substantial structure", "군집이라고 할 만한 구조가 없습니다"),
    "o_agreement": (
        "They agree with {label} by {agreement} (adjusted Rand index: 1 is the same, 0 is chance).",
        "{label} 열과 일치하는 정도는 {agreement}입니다(수정 랜드 지수: 1은 같음, 0은 우연).",
    ),
    "o_words": (
        "Vectors of {dim} numbers for {vocabulary} words, learnt from {words} words of text.",
        "단어 {words}개로 된 글에서 단어 {vocabulary}가지의 벡터(숫자 {dim}개)를 배웠습니다.",
    ),
    "o_few_words": (
        "That is little text: neighbours follow single sentences. Millions of words are usual.",
        "글이 적어 이웃 단어가 문장 몇 개에 좌우됩니다. 보통은 단어 수백만 개를 씁니다.",
    ),
    "o_unfinished": (
        "The training was interrupted; this is what had been learnt by then.",
        "학습이 중단되어 그때까지 배운 것만 있습니다.",
    ),
    "o_none": ("The model is trained; there are no figures of it.", "모델을 학습했습니다. 지표는 없습니다."),
    "measured_on": ("Measured on {rows}.", "{rows}에서 잰 값입니다."),
    # figures
    "f_kept": ("variation kept", "보존된 변동"),
    "f_kept_pca": ("kept by as many principal components", "같은 수의 주성분이 보존하는 변동"),
    "f_error": ("mean squared error of the reconstruction", "재구성의 평균 제곱 오차"),
    "f_bound": ("bound of the log-likelihood, nats a row", "로그 가능도의 하한(행당 내트)"),
    "f_divergence": ("divergence of codes from the prior, nats a row", "코드와 사전 분포의 KL 발산(행당 내트)"),
    "f_log_likelihood": ("log-likelihood, nats a row", "로그 가능도(행당 내트)"),
    "f_log_likelihood_independent": ("the same with columns one by one", "열을 하나씩 볼 때의 로그 가능도"),
    "f_told_apart": ("samples told from real rows", "만든 행을 구별하는 비율"),
    "f_silhouette": ("silhouette", "실루엣 계수"),
    "f_agreement": ("agreement with the labels (adjusted Rand index)", "레이블과 일치하는 정도(수정 랜드 지수)"),
    "f_inertia": ("sum of squared distances to the centres", "중심까지 거리의 제곱합"),
    "f_anomaly": ("strangeness, mean", "낯선 정도(평균)"),
    "f_vocabulary": ("words with a vector", "벡터가 있는 단어"),
    "f_words": ("words of text", "글의 단어 수"),
    "f_texts": ("texts", "글의 수"),
    "f_loss": ("loss at the end", "마지막 손실"),
    # pictures
    "originals": ("Images and what the code gives back", "원본과 재구성"),
    "originals_note": (
        "Above: {rows}. Below: the same images from their codes.",
        "위: {rows}. 아래: 코드에서 되돌린 것.",
    ),
    "by_column": ("Variation kept, by column", "열별로 보존된 변동"),
    "by_column_note": (
        "Below 0 the column's mean would be the better guess.",
        "0보다 작으면 열의 평균값이 더 낫습니다.",
    ),
    "new_images": ("Images drawn from the model", "모델이 만든 이미지"),
    "new_rows": ("Rows drawn from the model", "모델이 만든 행"),
    "compare_title": ("Samples beside training rows", "만든 행과 훈련 행"),
    "feature": ("feature", "특징"),
    "mean_real": ("mean, training", "평균(훈련)"),
    "mean_drawn": ("mean, samples", "평균(만든 행)"),
    "std_real": ("standard deviation, training", "표준편차(훈련)"),
    "std_drawn": ("standard deviation, samples", "표준편차(만든 행)"),
    "scaled_note": ("In units of the scaled columns.", "크기를 맞춘 열의 단위입니다."),
    "map_title": ("Rows, each a point", "행 하나가 점 하나"),
    "map_title_by": ("Rows, coloured by {label}", "행({label}별 색)"),
    "map_cluster": ("Rows, coloured by cluster", "행(군집별 색)"),
    "axis_code": ("code {n}", "코드 {n}"),
    "axis_component": ("component {n}", "주성분 {n}"),
    "map_share": (
        "The two directions of greatest variation of the codes, {share} of it.",
        "코드의 변동이 가장 큰 두 방향으로, 변동의 {share}입니다.",
    ),
    "map_rows": (
        "The two directions of greatest variation of the rows, {share} of it.",
        "행의 변동이 가장 큰 두 방향으로, 변동의 {share}입니다.",
    ),
    "map_centres": ("Rings: the centres.", "고리: 군집 중심."),
    "map_samples": ("Rings: samples.", "고리: 만든 행."),
    "filter_title": (
        "What the {count} strongest of {of} units look for",
        "유닛 {of}개 가운데 가장 강한 {count}개가 찾는 것",
    ),
    "filter_note": (
        "White pixels excite the unit, black ones inhibit it.",
        "흰 화소는 유닛을 켜고 검은 화소는 끕니다.",
    ),
    "weight_title": ("Weights of the strongest units", "가장 강한 유닛의 가중치"),
    "weight_note": (
        "Each column is a unit; shares of the largest weight.",
        "열 하나가 유닛 하나이며, 가장 큰 가중치를 1로 둡니다.",
    ),
    "size_title": ("Training rows in each cluster", "군집별 훈련 행"),
    "cluster_n": ("cluster {n}", "군집 {n}"),
    "centre_title": ("Centres", "군집 중심"),
    "centre_note": ("In the table's own units.", "원래 표의 단위입니다."),
    "cross_title": ("Clusters beside {label}", "군집과 {label}"),
    "choice_title": ("How many clusters?", "군집은 몇 개가 좋은가"),
    "choice_note": (
        "The number with the highest silhouette is taken; -\u2060-\u2060dim sets another.",
        "실루엣 계수가 가장 큰 수를 골랐습니다. --dim으로 바꿀 수 있습니다.",
    ),
    "variance_title": ("Variance along each component", "주성분별 분산"),
    "variance_note": (
        "All {count} together: {sum} of the training rows' variance.",
        "{count}개를 합치면 훈련 행 분산의 {sum}입니다.",
    ),
    "loading_title": ("What components are made of", "주성분의 구성"),
    "loading_note": ("Weights of the scaled columns, from −1 to 1.", "크기를 맞춘 열의 가중치로 −1에서 1까지입니다."),
    "neighbour_title": ("Nearest words", "가까운 단어"),
    "word": ("word", "단어"),
    "nearest": ("nearest, by cosine", "가까운 순서(코사인 유사도)"),
    "analogy_title": ("Analogies", "유추"),
    "analogy": ("{a} is to {b} as {c} is to …", "{a} : {b} = {c} : …"),
    "answers": ("answers", "답"),
    "analogy_note": ("Nearest to the sum of vectors b − a + c.", "벡터 합 b − a + c에 가까운 단어입니다."),
    "word_map": ("Frequent words", "자주 나오는 단어"),
    "setting": ("setting", "설정"),
    "figures_title": ("Figures", "지표"),
}  # fmt: skip
