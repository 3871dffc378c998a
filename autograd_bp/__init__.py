"""autograd-bp: computations recorded as a graph, differentiated backward, drawn and explained.

>>> import autograd_bp as ab
>>> apple, n, tax = ab.Value(100.0), ab.Value(2.0), ab.Value(1.1)
>>> price = apple * n * tax
>>> price.backward()
>>> apple.grad
2.2
"""

from autograd_bp import functions, graph, linalg, numpy_protocol, rules
from autograd_bp.functions import PUBLIC
from autograd_bp.functions.indexing import at
from autograd_bp.graph import no_grad
from autograd_bp.tensor import Tensor
from autograd_bp.value import Value

__version__ = "0.1.0"

globals().update(PUBLIC)
