"""Ways to fill a weight matrix, one a file, under their names."""

from torchclinic.init.schemes.he import HE
from torchclinic.init.schemes.he_uniform import HE_UNIFORM
from torchclinic.init.schemes.lecun import LECUN
from torchclinic.init.schemes.normal import NORMAL
from torchclinic.init.schemes.orthogonal import ORTHOGONAL
from torchclinic.init.schemes.scheme import SCHEMES, Fill, Scheme
from torchclinic.init.schemes.xavier import XAVIER
from torchclinic.init.schemes.xavier_normal import XAVIER_NORMAL

__all__ = [
    "HE",
    "HE_UNIFORM",
    "LECUN",
    "NORMAL",
    "ORTHOGONAL",
    "SCHEMES",
    "XAVIER",
    "XAVIER_NORMAL",
    "Fill",
    "Scheme",
]
