from .meal import MealHeads as MealHeads, MealNet as MealNet, box_iou as box_iou, meal_loss as meal_loss
from .own import (
    classifier as classifier,
    head_of as head_of,
    load as load,
    measured as measured,
    replace_head as replace_head,
    save as save,
)
from .plain import PlainCNN as PlainCNN
from .resnet import (
    BasicBlock as BasicBlock,
    ResNet18 as ResNet18,
    imagenet as imagenet,
    load_pretrained as load_pretrained,
    read_state as read_state,
)
from .weights import (
    Card as Card,
    available as available,
    card_of as card_of,
    predict as predict,
    pretrained as pretrained,
    publish as publish,
    weights_folder as weights_folder,
)
