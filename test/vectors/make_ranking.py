"""scikit-learn's NDCG of groups with ties, for src/metrics/ndcg.ts; run: python make_ranking.py > ranking.json"""

import json

import numpy as np
import sklearn
from sklearn.metrics import ndcg_score

rng = np.random.default_rng(5)


def group(n_rows, levels, n_scores):
    relevance = rng.integers(0, levels, n_rows)
    relevance[0] = max(relevance[0], 1)
    scores = rng.integers(0, n_scores, n_rows) / 8 - 1
    gains = 2.0**relevance - 1
    return {
        "relevance": relevance.tolist(),
        "scores": scores.tolist(),
        "ndcg": {str(k): float(ndcg_score([gains], [scores], k=k)) for k in (1, 3, 10, 100)},
    }


groups = [group(*size) for size in [(2, 2, 1), (5, 2, 3), (8, 5, 1000), (12, 5, 4), (30, 3, 10), (120, 5, 1000), (120, 32, 20)]]
print(json.dumps({"madeBy": f"scikit-learn {sklearn.__version__}, script test/vectors/make_ranking.py", "groups": groups}))
