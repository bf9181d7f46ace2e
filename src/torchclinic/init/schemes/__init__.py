"""Ways to fill a weight matrix, one a file, under their names."""

from torchclinic.init.schemes.constant import CONSTANT, constant
from torchclinic.init.schemes.he import HE
from torchclinic.init.schemes.he_fan_out import HE_FAN_OUT
from torchclinic.init.schemes.he_harmonic import HE_HARMONIC
from torchclinic.init.schemes.he_uniform import HE_UNIFORM
from torchclinic.init.schemes.lecun import LECUN
from torchclinic.init.schemes.normal import NORMAL, normal
from torchclinic.init.schemes.orthogonal import ORTHOGONAL, orthogonal
from torchclinic.init.schemes.scheme import SCHEMES, Fill, Scheme
from torchclinic.init.schemes.sparse import SPARSE, sparse
from torchclinic.init.schemes.uniform import UNIFORM, uniform
from torchclinic.init.schemes.xavier import XAVIER
from torchclinic.init.schemes.xavier_normal import XAVIER_NORMAL
from torchclinic.init.schemes.zeros import ZEROS

__all__ = [
    "CONSTANT",
    "HE",
    "HE_FAN_OUT",
    "HE_HARMONIC",
    "HE_UNIFORM",
    "LECUN",
    "NORMAL",
    "ORTHOGONAL",
    "SCHEMES",
    "SPARSE",
    "UNIFORM",
    "XAVIER",
    "XAVIER_NORMAL",
    "ZEROS",
    "Fill",
    "Scheme",
    "constant",
    "normal",
    "orthogonal",
    "sparse",
    "uniform",
]
