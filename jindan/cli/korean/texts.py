"""What layers of texts, categories and ranges have wrong, in Korean."""

from __future__ import annotations

TEXTS = {
    # learning before training
    "There is nothing to adapt to.": "adapt할 것이 없습니다.",
    "an array, a list, or an iterator of batches": "배열, 목록, 또는 배치의 반복자",
    "Give the rows of training.": "학습할 행을 주세요.",
    "There is nothing to learn a vocabulary from.": "어휘를 배울 것이 없습니다.",
    "{n} rows without any": "토큰이 없는 행 {n}개",
    "Look whether these are the right rows.": "맞는 행인지 살펴보세요.",
    "adapt before it is used, or bin_boundaries": "쓰기 전에 adapt, 또는 bin_boundaries",
    "adapt, set_vocabulary or vocabulary= before it is used": "쓰기 전에 adapt, set_vocabulary 또는 vocabulary=",
    # vocabularies
    "{name} has no vocabulary yet.": "{name}에 아직 어휘가 없습니다.",
    "This is no vocabulary.": "어휘가 아닙니다.",
    "tokens that differ": "서로 다른 토큰",
    "tokens that differ, at most {n} of them": "서로 다른 토큰, 많아야 {n}개",
    "tokens that differ; special ones first of all, or not at all: {names}":
        "서로 다른 토큰. 특별한 토큰은 맨 앞에 모두 두거나 빼야 합니다: {names}",
    "tokens that differ, at most {n} of them; special ones first of all, or not at all: {names}":
        "서로 다른 토큰, 많아야 {n}개. 특별한 토큰은 맨 앞에 모두 두거나 빼야 합니다: {names}",
    "no tokens": "토큰 없음",
    "{name} twice": "{name}이(가) 두 번",
    "{name} among the others": "{name}이(가) 다른 토큰 사이에 있음",
    "{n} tokens": "토큰 {n}개",
    "Give each token once, the most frequent first.": "토큰을 하나씩, 가장 잦은 것부터 주세요.",
    "Each token needs a weight.": "토큰마다 가중치가 있어야 합니다.",
    "adapt(data) learns vocabulary and weights.": "adapt(data)가 어휘와 가중치를 배웁니다.",
    "The settings of {name} do not go together.": "{name}의 설정이 서로 맞지 않습니다.",
    "max_tokens, too": "max_tokens도 함께",
    'idf_weights with output_mode="tf_idf" alone': 'output_mode="tf_idf"일 때만 idf_weights',
    "more than {n}, which special tokens take": "특별한 토큰이 차지하는 {n}보다 많이",
    "Leave {name} out, or give {value}.": "{name}을(를) 빼거나 이렇게 주세요: {value}.",
    "The vocabulary cannot be read.": "어휘를 읽을 수 없습니다.",
    "a file of one token a line, in UTF-8": "한 줄에 토큰 하나인 UTF-8 파일",
    "A list of tokens is a vocabulary, too.": "토큰의 목록도 어휘입니다.",
    "A token is not in the vocabulary.": "어휘에 없는 토큰입니다.",
    "one of {n} tokens, since num_oov_indices=0": "토큰 {n}개 가운데 하나(num_oov_indices=0이므로)",
    "num_oov_indices=1 gives unknown tokens a number.": "num_oov_indices=1이면 모르는 토큰도 번호를 얻습니다.",
    "The vocabulary of IntegerLookup is of integers of 32 bits.": "IntegerLookup의 어휘는 32비트 정수입니다.",
    "integers {n} … {m}": "{n}부터 {m}까지의 정수",
    "StringLookup numbers longer ones, as strings.": "더 긴 것은 StringLookup이 문자열로 번호를 매깁니다.",
    "An inverted StringLookup gives strings, which no model does.":
        "뒤집은 StringLookup은 문자열을 주는데, 모델은 문자열을 주지 않습니다.",
    "a layer that gives numbers": "수를 주는 층",
    "Call it on what the model gave: layer(model.predict(x).argmax(1)).":
        "모델이 준 것에 부르세요: layer(model.predict(x).argmax(1)).",
    # strings
    "{name} reads strings.": "{name}은(는) 문자열을 읽습니다.",
    "a string, or None": "문자열 또는 None",
    "IntegerLookup is for integers.": "정수에는 IntegerLookup을 쓰세요.",
    "values such as {value}": "{value} 같은 값",
    "Layers of strings are StringLookup and TextVectorization.":
        "문자열을 읽는 층은 StringLookup과 TextVectorization입니다.",
    "{name} reads strings, and stands where a model has numbers already.":
        "{name}은(는) 문자열을 읽는데, 이미 수가 있는 자리에 있습니다.",
    "the first layer, or the only one that reads an Input": "첫 층, 또는 그 Input을 혼자 읽는 층",
    "{name} behind or beside other layers": "다른 층의 뒤나 옆에 있는 {name}",
    "Sequential([vectorizer, …]); in a graph, vectorizer(Input((1,), dtype='string')) alone.":
        "Sequential([vectorizer, …]). 그래프에서는 vectorizer(Input((1,), dtype='string')) 하나만 두세요.",
    "The rows of strings differ in length.": "문자열 행의 길이가 서로 다릅니다.",
    "Pad the rows with '' to one length.": "행을 ''로 채워 길이를 맞추세요.",
    "A row is one text.": "한 행은 글 하나입니다.",
    "texts (rows,) or (rows, 1)": "(행,) 또는 (행, 1)인 글",
    "split=None takes rows of tokens.": "split=None이면 토큰의 행을 받습니다.",
    "n-grams are runs of so many tokens.": "n-그램은 이어진 토큰 n개입니다.",
    "2 for runs of one and two, (2, 3), …, or None": "하나와 둘씩이면 2, (2, 3), … 또는 None",
    "ngrams=2 adds pairs of neighbours to single tokens.": "ngrams=2면 토큰 하나하나에 이웃한 둘이 더해집니다.",
    "The function that splits must give the tokens of each text.": "나누는 함수는 글마다 토큰을 주어야 합니다.",
    "{n} lists of strings": "문자열 목록 {n}개",
    "split=lambda texts: [text.split('|') for text in texts]":
        "예: split=lambda texts: [text.split('|') for text in texts]",
    # hashes
    "A salt is one or two integers.": "salt는 정수 하나나 둘입니다.",
    "133, [133, 137] or None": "133, [133, 137] 또는 None",
    "Leave it out to hash as everyone does.": "빼면 보통의 해시가 됩니다.",
    "Columns are crossed with one another.": "열은 다른 열과 교차합니다.",
    "a list of columns": "열의 목록",
    "The columns do not go together.": "열들이 서로 맞지 않습니다.",
    "columns (rows,) or (rows, 1), all alike": "모양이 같은 (행,) 또는 (행, 1) 열",
    "shapes {shapes}": "모양 {shapes}",
    # categories and ranges
    "{name} reads whole numbers.": "{name}은(는) 정수를 읽습니다.",
    "whole numbers": "정수",
    "Strings are looked up by StringLookup; numbers of any size are numbered by IntegerLookup.":
        "문자열은 StringLookup이, 아무 크기의 정수는 IntegerLookup이 번호를 매깁니다.",
    "count_weights says how much each number counts.": "count_weights는 번호마다 얼마로 셀지입니다.",
    "Leave them out, or give one for each number.": "빼거나, 번호마다 하나씩 주세요.",
    "Boundaries of ranges are rising numbers.": "구간의 경계는 커지는 수입니다.",
    "Sort them, and leave out NaN: what is below the first is range 0.":
        "정렬하고 NaN을 빼세요. 첫 경계 아래가 0번 구간입니다.",
    "Discretization needs the boundaries of its ranges, or how many there are to learn.":
        "Discretization에는 구간의 경계나 배울 구간의 수가 필요합니다.",
    "bin_boundaries, or num_bins and adapt(data)": "bin_boundaries, 또는 num_bins와 adapt(data)",
    "This Discretization was given its boundaries.": "이 Discretization은 경계를 받았습니다.",
    "num_bins in place of bin_boundaries": "bin_boundaries 대신 num_bins",
    "Discretization has learnt no boundaries yet.": "Discretization이 아직 경계를 배우지 않았습니다.",
}  # fmt: skip
