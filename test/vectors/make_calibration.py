"""scikit-learn's isotonic regression and Platt's sigmoid, for src/train/ensembles; run: python make_calibration.py > calibration.json"""

import json

import numpy as np
import sklearn
from sklearn.calibration import _SigmoidCalibration
from sklearn.isotonic import IsotonicRegression


def main():
    rng = np.random.default_rng(15)
    cases = []
    for weighted in [False, True]:
        for decimals in [1, 9]:
            scores = np.round(rng.random(200), decimals)
            values = (rng.random(200) < scores**2).astype(float)
            weights = rng.integers(1, 4, 200).astype(float) if weighted else None
            asked = np.concatenate([rng.random(40), [0, 1, scores.min(), scores.max()]])
            isotonic = IsotonicRegression(out_of_bounds="clip").fit(scores, values, sample_weight=weights)
            odds = np.log(np.clip(scores, 0.01, 0.99)) - np.log1p(-np.clip(scores, 0.01, 0.99))
            sigmoid = _SigmoidCalibration().fit(odds, values, sample_weight=weights)
            cases.append(
                {
                    "scores": scores.tolist(),
                    "values": values.tolist(),
                    "weights": None if weights is None else weights.tolist(),
                    "asked": asked.tolist(),
                    "isotonic": isotonic.predict(asked).tolist(),
                    "odds": odds.tolist(),
                    "slope": -sigmoid.a_,
                    "shift": -sigmoid.b_,
                }
            )
    print(json.dumps({"scikit-learn": sklearn.__version__, "cases": cases}))


main()
