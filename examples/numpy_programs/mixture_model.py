"""A mixture of Gaussians: how likely are points that come from one of three clouds, unknown which?

Written for NumPy; nothing here knows of derivatives. Each cloud has a weight, a centre and the
Cholesky factor of its inverse covariance.
"""

import numpy as np


def example(rng):
    """Weights (as logits), centres and factors of three clouds, and the points."""
    centres = np.array([[0.0, 0.0], [3.0, 1.0], [-2.0, 2.5]])
    points = np.concatenate([c + 0.7 * rng.normal(size=(25, 2)) for c in centres])
    parameters = {
        "logits": np.array([0.1, -0.2, 0.3]),
        "centres": centres + 0.3 * rng.normal(size=(3, 2)),
        "log_diagonals": 0.2 * rng.normal(size=(3, 2)),
        "corners": 0.1 * rng.normal(size=3),
    }
    return parameters, points


def log_sum_exp(x, axis):
    """log(sum(exp(x))) without overflow."""
    top = np.max(x, axis=axis, keepdims=True)
    return np.squeeze(top, axis) + np.log(np.sum(np.exp(x - top), axis=axis))


def objective(parameters, points):
    """The negative mean log-likelihood of the points."""
    weights = parameters["logits"] - log_sum_exp(parameters["logits"], 0)
    scores = []
    for k in range(len(weights)):
        diagonal = np.exp(parameters["log_diagonals"][k])
        corner = parameters["corners"][k]
        factor = np.diag(diagonal) + corner * np.eye(2, k=-1)
        offsets = (points - parameters["centres"][k]) @ factor
        scores.append(
            weights[k]
            + np.sum(parameters["log_diagonals"][k])
            - 0.5 * np.sum(offsets**2, axis=1)
            - np.log(2.0 * np.pi)
        )
    return -np.mean(log_sum_exp(np.stack(scores), 0))
