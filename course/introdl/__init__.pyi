from . import data as data, figures as figures, game as game, models as models, training as training
from .checking import check as check, hint as hint, progress as progress

__version__: str
