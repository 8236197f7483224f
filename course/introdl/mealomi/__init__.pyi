from .app_view import app as app
from .diary import Diary as Diary, DiaryError as DiaryError, Entry as Entry
from .novelty import (
    choose_limit as choose_limit,
    embedding_distance as embedding_distance,
    energy_score as energy_score,
    max_softmax_score as max_softmax_score,
)
from .nutriscore import Item as Item, NutriScore as NutriScore, nutri_score as nutri_score
from .nutrition import (
    NUTRIENTS as NUTRIENTS,
    REFERENCE_INTAKES as REFERENCE_INTAKES,
    dishes as dishes,
    nutrients as nutrients,
    per_100g as per_100g,
    serving as serving,
)
from .recognition import Meal as Meal, load as load, recognize as recognize
from .sharing import share_card as share_card
from .taste import Suggestion as Suggestion, recommend as recommend
