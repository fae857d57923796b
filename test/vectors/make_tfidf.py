"""Writes tfidf.json: what scikit-learn's TfidfVectorizer learns from and gives for ASCII texts.

Run: python test/vectors/make_tfidf.py  (scikit-learn 1.5 or newer)
"""

import json
import pathlib

import sklearn
from sklearn.feature_extraction.text import TfidfVectorizer

texts = [
    "Free entry in 2 a weekly comp to win FA Cup final tickets!",
    "I'm gonna be home soon and i don't want to talk about this stuff anymore tonight",
    "WINNER!! As a valued network customer you have been selected to receive a 900 prize reward",
    "to to to to be or not to be, that is the question; to win or not to win",
    "snake_case words, e-mail@example.com and 12.5 numbers",
    "",
    "a b c d",
    "Free free FREE entry entry to win",
    "the final question is free",
]

cases = []
for ngrams in (1, 2, 3):
    for sublinear in (False, True):
        for min_df in (1, 2):
            vectorizer = TfidfVectorizer(ngram_range=(1, ngrams), sublinear_tf=sublinear, min_df=min_df)
            matrix = vectorizer.fit_transform(texts).tocsr()
            matrix.sort_indices()
            rows = [
                [[int(j), float(v)] for j, v in zip(matrix[i].indices, matrix[i].data)] for i in range(len(texts))
            ]
            cases.append(
                {
                    "ngrams": ngrams,
                    "sublinear": sublinear,
                    "minTexts": min_df,
                    "terms": vectorizer.get_feature_names_out().tolist(),
                    "idf": vectorizer.idf_.tolist(),
                    "rows": rows,
                }
            )

out = pathlib.Path(__file__).with_name("tfidf.json")
out.write_text(json.dumps({"made": f"scikit-learn {sklearn.__version__}", "texts": texts, "cases": cases}) + "\n")
