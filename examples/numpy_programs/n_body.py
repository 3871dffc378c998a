"""Bodies that attract each other: their energy, and how far an orbit has strayed after some steps.

Written for NumPy; nothing here knows of derivatives. The gradient of the energy by the places is
minus the forces, and here it is also needed through the integration.
"""

import numpy as np


def example(rng):
    """Places and speeds of five bodies, and their masses."""
    places, speeds = rng.normal(size=(5, 3)), 0.3 * rng.normal(size=(5, 3))
    return {"places": places, "speeds": speeds}, np.array([1.0, 0.5, 2.0, 0.3, 0.8])


def energy(places, speeds, masses, softening=0.05):
    """Kinetic and potential energy."""
    first, second = np.triu_indices(len(masses), 1)
    distances = np.sqrt(np.sum((places[first] - places[second]) ** 2, axis=1) + softening**2)
    potential = -np.sum(masses[first] * masses[second] / distances)
    return 0.5 * np.sum(masses[:, None] * speeds**2) + potential


def forces(places, masses, softening=0.05):
    """What each body feels from all others."""
    apart = places[None, :, :] - places[:, None, :]
    cubes = (np.sum(apart**2, axis=-1) + softening**2) ** 1.5
    pulls = masses[:, None] * masses[None, :] / cubes
    return np.einsum("ij,ijk->ik", pulls, apart)


def objective(parameters, masses):
    """The energy now, and the scatter of the bodies after ten steps of the leapfrog method."""
    places, speeds = parameters["places"], parameters["speeds"]
    total = energy(places, speeds, masses)
    step = 0.02
    for _ in range(10):
        speeds = speeds + 0.5 * step * forces(places, masses) / masses[:, None]
        places = places + step * speeds
        speeds = speeds + 0.5 * step * forces(places, masses) / masses[:, None]
    centre = np.average(places, axis=0, weights=masses)
    return total + np.mean(np.linalg.norm(places - centre, axis=1))
