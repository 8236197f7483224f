# %% [markdown]
# # 12 MealoMi
#
# You can tell dishes apart, you know what a network looks at, and you can train one. In this chapter it all becomes
# an app. A photo turns into a meal: *which dish is it, how much, and where in the picture?* From there it goes on to
# energy, a score, a diary and a recommendation. At the end, the app itself is a single cell.
#
# **When you are done, you can**
#
# - build one network that answers three questions, and say why they can share a trunk;
# - add up losses with different units so that none of them drowns out the others;
# - keep one box for each plate, and judge a detector by its mean average precision;
# - turn a dish and its grams into energy and nutrients, and say where an error in kilocalories comes from;
# - work out a Nutri-Score by hand, point by point;
# - measure whether a network's probabilities can be believed, and repair them with one number;
# - let a network say "I do not know", and state what that costs and what it misses;
# - keep a diary across time zones, and recommend by taste;
# - export a network to ONNX, and compare its scores and its speed with PyTorch's;
# - say what such an app must not be used for, and why.
#
# **What you build**: `multi_task_loss`, `non_maximum_suppression`, `nutrients`, `energy_errors`, `nutri_score`,
# `expected_calibration_error`, `confidence_threshold` and `daily_totals`.
#
# **Time**: about 130 minutes, with a resting point after section 7. **You need**: cross-entropy (chapter 05), the training
# loop in PyTorch (08), and the intersection over union of two boxes (01).

# %%
import functools
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from introdl import check, data, figures, hint, mealomi, models
from introdl.experiments import records, unusual
from introdl.figures import mealomi as figs
from introdl.figures.losses import reliability
from introdl.mealomi import calibration, detection, novelty, nutriscore, recognition, taste
from introdl.models import export

figures.use_style()

# %% tags=["parameters"]
seed = 12  # of an untrained network's weights, and of the pictures that are not food
strangers = 100  # pictures of each unknown kind, in section 9
tables = 24  # of four plates each, in section 4

# %% [markdown]
# ## 1. Multi-task learning: one network, three heads
#
# There are three questions, so do you need three networks? Each would have to find edges, then textures, then round
# things with a crust, all by itself. They would learn nearly the same filters three times over. So let a single **trunk**
# (also called a *backbone*) do the looking, and give it three small **heads** that answer the questions.
#
# MealoMi's network is `models.MealNet`. Its trunk is that of `models.PlainCNN`: five stages of convolution, pooling,
# batch normalization and ReLU. It comes with the course, already trained:

# %%
net = mealomi.load()
plates = data.plates(size=net.card.size)
train, val, test = (plates.split(part) for part in ("train", "val", "test"))
classes = list(net.card.classes)

said_test = recognition.look(net, test.images)  # scores, probabilities, grams, boxes, embeddings
example = int(np.flatnonzero(test.labels == classes.index("burger"))[0])
x0, y0, x1, y1 = said_test.boxes[example]
figs.three_heads(
    test.images[example],
    size=net.card.size,
    widths=[stage[0].out_channels for stage in net.stages],
    classes=len(classes),
    hidden=net.box.in_features,
    said={
        "dish": f"{classes[said_test.scores[example].argmax()]}, {said_test.probabilities[example].max():.0%}",
        "grams": f"{said_test.grams[example]:.0f} g",
        "box": f"{x0:.2f}, {y0:.2f}, {x1:.2f}, {y1:.2f}",
    },
)

# %% [markdown]
# The heads read the same last map in two ways. For the *dish* it does not matter where the food is, so its head takes
# the mean over space, as in chapter 04. For the *box* the place is all that matters, so its head sees the map as it
# is.
#
# The drawing hides two more choices:
#
# - The grams head returns $z = \ln(\text{grams})$ instead of grams. An error of 30 g is little for a steak, but it is
#   half a doughnut. In logarithms equal *ratios* are equal errors: $\ln 60 - \ln 30 = \ln 600 - \ln 300 = 0.69$.
# - The four numbers of the box are fractions of the picture's sides, from 0 to 1, so they stay the same when the
#   picture is resized.
#
# How much does sharing the trunk save? Count the parameters, as in chapter 04:

# %%
trunk = sum(p.numel() for p in net.stages.parameters())
whole = sum(p.numel() for p in net.parameters())
print(f"trunk {trunk:,}, three heads {whole - trunk:,}, together {whole:,}")
print(f"three networks with a trunk each: {3 * trunk + whole - trunk:,}")

# %% [markdown]
# It saves time as well, since the trunk does most of the arithmetic and runs only once. There may be a third gain: a
# trunk that has to serve several tasks may learn features that are more general ([Caruana,
# 1997](https://doi.org/10.1023/A:1007379606734)). That is a hope and not a law. Tasks can also get in each other's
# way, and only a measurement tells.
#
# ## 2. One loss for three questions
#
# Training needs a single number, but dish, grams and box each have a loss of their own. Can you just add them up?
#
# **By hand.** Early in training, a batch has a cross-entropy of 1.8, an error of 120 (in grams), and an error of 0.02
# (as a fraction of the picture). The sum is 121.82. Now improve the grams by one percent, to 118.8: the sum falls by 1.2.
# For the same gain, the dish's loss would have to fall from 1.8 to 0.6, and the box's loss is too small to gain that
# much at all. In this sum only the grams are heard.
#
# So use the logarithm of the grams. If 200 g are predicted and 320 g are true, the error is $|\ln 200 - \ln 320| =
# \ln 1.6 = 0.47$. Then give each loss a **weight**, here 1, 1 and 20. The sum becomes $1.8 + 0.47 + 0.4 = 2.67$.

# %%
figs.shares(
    {
        "added as they are": {"dish": 1.8, "grams": 120.0, "box": 0.02},
        "grams in logarithms, weights 1, 1, 20": {"dish": 1.8, "grams": 0.47, "box": 0.4},
    },
    "In a plain sum, the units decide which loss counts",
)

# %% [markdown]
# But does the *value* of a loss matter? What moves the weights of the network is its **gradient**. So measure that:
# take an untrained network and one batch, and compute for each of the three losses the size of its gradient at the
# trunk's last map.

# %%
torch.manual_seed(seed)
fresh = models.MealNet(len(classes), size=net.card.size)
mean, std = (torch.tensor(each).view(1, 3, 1, 1) for each in (net.card.mean, net.card.std))
x = (torch.from_numpy(train.images[:32].copy()).permute(0, 3, 1, 2) / 255 - mean) / std
labels, grams = torch.from_numpy(train.labels[:32]), torch.from_numpy(train.grams[:32])
boxes = torch.from_numpy(train.boxes[:32] / net.card.size)

maps = fresh.stages(x)
heads = fresh.heads(maps)
losses = {
    "dish": F.cross_entropy(heads.scores, labels),
    "grams": (heads.grams - grams).abs().mean(),
    "box": (heads.boxes - boxes).abs().mean(),
    "log-grams": (heads.log_grams - grams.log()).abs().mean(),
}
pull = {name: torch.autograd.grad(loss, maps, retain_graph=True)[0].norm().item() for name, loss in losses.items()}
for name, loss in losses.items():
    print(f"{name:>9}: loss {loss.item():8.3f}, gradient at the trunk's last map {pull[name]:.5f}")

# %%
figs.shares(
    {
        "grams as grams, no weights": {name: pull[name] for name in ("dish", "grams", "box")},
        "grams in logarithms, weights 1, 1, 20": {"dish": pull["dish"], "grams": pull["log-grams"], "box": 20 * pull["box"]},
    },
    "Each loss's share of the gradient at the trunk, measured on one batch",
)

# %% [markdown]
# In grams, one head has nearly all the influence. With logarithms and weights, all three count. Their shares need not
# be equal, and they change during training; this is an untrained network. The weights of the losses are
# hyperparameters, so choose them on validation plates. (They can also be learned along with the network: [Kendall,
# Gal and Cipolla, 2018](https://arxiv.org/abs/1705.07115).)
#
# **Empty plates.** Our plates are never empty, but your users' plates will be. An empty plate has a name, *nothing*,
# and the network should learn it. But it has no box and no mass. If you fill in zeros and let them count, the box
# head learns to shrink its boxes, and $\ln 0$ is minus infinity. So let class 0 stand for *nothing*. Then the loss of
# the dish counts for every picture, and the other two only for pictures with food. Object detectors treat their
# background in the same way ([Girshick, 2015](https://arxiv.org/abs/1504.08083)).
#
# $$L = w_1 \cdot \frac1N \sum_{i=1}^{N} \mathrm{CE}(s_i, y_i) + w_2 \cdot \frac1M \sum_{i:\, y_i > 0} |z_i - \ln g_i| +
# w_3 \cdot \frac1{4M} \sum_{i:\, y_i > 0} \sum_{c=1}^{4} |b_{ic} - t_{ic}|$$
#
# - $N$: number of pictures; $M$ of them show food. $s$: scores $(N, K)$. $y$: labels $(N,)$. CE: the cross-entropy of
#   one picture, from its scores.
# - $z$: the head's log-grams $(N,)$. $g$: true grams $(N,)$. $b$ and $t$: predicted and true boxes $(N, 4)$.
# - $w_1, w_2, w_3$: three weights. If $M = 0$, the second and the third term are 0.
#
# ### Exercise: `multi_task_loss`
#
# Write it in PyTorch; you may use `F.cross_entropy`. The check also looks at the gradient of each head.

# %% exercise="12.multi_task_loss"
def multi_task_loss(dish_scores, log_grams, boxes, dishes, grams, true_boxes, weights):
    """Return one loss for three heads; empty plates (class 0) count for the dish only.

    Parameters
    ----------
    dish_scores : torch.Tensor
        (N, K) float32: scores, before any softmax.
    log_grams : torch.Tensor
        (N,) float32: the natural logarithm of the predicted grams.
    boxes : torch.Tensor
        (N, 4) float32: x0, y0, x1, y1 as fractions of the picture's sides.
    dishes : torch.Tensor
        (N,) int64: the true classes; 0 is an empty plate.
    grams : torch.Tensor
        (N,) float32: true grams; 0 on an empty plate.
    true_boxes : torch.Tensor
        (N, 4) float32; zeros on an empty plate.
    weights : tuple of 3 floats
        Of dish, grams and box.

    Returns
    -------
    torch.Tensor
        A single number, (), with its graph: backward() reaches all three heads. The weighted
        sum of the mean cross-entropy over all pictures, the mean absolute error of the
        log-grams over pictures with food, and the mean absolute error of the boxes' sides over
        pictures with food. The last two are 0 if no picture has food.

    Example
    -------
    >>> loss = multi_task_loss(torch.zeros(2, 3), torch.tensor([5.0, 5.0]), torch.full((2, 4), 0.5),
    ...                        torch.tensor([1, 0]), torch.tensor([148.4132, 0.0]),
    ...                        torch.tensor([[0.4, 0.5, 0.5, 0.6], [0, 0, 0, 0]]), (1.0, 1.0, 20.0))
    >>> round(loss.item(), 3)  # ln 3 + 0 + 20 * 0.05
    2.099
    """
    ### BEGIN SOLUTION
    food = dishes > 0
    loss = weights[0] * F.cross_entropy(dish_scores, dishes)
    if food.any():
        loss = loss + weights[1] * (log_grams[food] - grams[food].log()).abs().mean()
        loss = loss + weights[2] * (boxes[food] - true_boxes[food]).abs().mean()
    return loss
    ### END SOLUTION

# %% check="12.multi_task_loss"
check("12.multi_task_loss", multi_task_loss)

# %% [markdown]
# The library's `models.meal_loss`, which trained the app's network, is a close relative of yours. It rounds off the
# absolute value of the log-grams near 0, as Huber's loss does (chapter 05), and it adds $1 - \text{IoU}$ for the box.
# There are no empty plates in its training set.
#
# ## 3. What the network achieves, against lazy baselines
#
# A number alone says little, so each one is compared with that of a lazy answer. For the dish, the lazy answer is
# always the same dish. For grams and energy it is the mean of the training plates, or, a little less lazy, the median
# portion of the dish that the network names. For the box it is the mean box. All numbers are from the test plates.
# These are rendered, like the training plates, so do not expect the same from photographs (chapter 11 shows how far
# apart the two are).

# %%
named = said_test.scores.argmax(axis=1)
kcal_per_100g = np.array([mealomi.per_100g(dish)["kcal"] for dish in classes])
median_portion = np.array([np.median(train.grams[train.labels == k]) for k in range(len(classes))])
true_boxes = test.boxes / net.card.size


def iou(some, others):
    return models.box_iou(torch.from_numpy(np.asarray(some, np.float32)), torch.from_numpy(np.asarray(others, np.float32))).numpy()


lazy_grams = np.full(len(test), train.grams.mean())
ious = iou(said_test.boxes, true_boxes)
lazy_ious = iou(np.tile(train.boxes.mean(axis=0) / net.card.size, (len(test), 1)), true_boxes)
most_frequent = np.bincount(train.labels).argmax()


def mean_error(some, truth):
    return np.abs(some - truth).mean()


print(f"{len(test)} test plates            network   the mean   named dish's median")
print(f"dish named right          {np.mean(named == test.labels):8.1%} {np.mean(test.labels == most_frequent):10.1%}   (always {classes[most_frequent]})")
print(f"grams, mean abs. error    {mean_error(said_test.grams, test.grams):6.0f} g {mean_error(lazy_grams, test.grams):8.0f} g {mean_error(median_portion[named], test.grams):8.0f} g")
kcal_network = kcal_per_100g[named] * said_test.grams / 100
kcal_median = kcal_per_100g[named] * median_portion[named] / 100
print(f"energy, mean abs. error   {mean_error(kcal_network, test.kcal):3.0f} kcal {mean_error(np.full(len(test), train.kcal.mean()), test.kcal):5.0f} kcal {mean_error(kcal_median, test.kcal):5.0f} kcal")
print(f"box, mean IoU             {ious.mean():8.2f} {lazy_ious.mean():10.2f}")

# %% [markdown]
# Read the second row twice. The dish is nearly always right, and the grams are far better than the mean. But most of
# that comes from knowing the dish: the *median portion* of the named dish does almost as well. What the network sees
# of the portion itself reduces the error by about a tenth. Where does it fail to see?

# %%
figs.grams_scatter(test.grams, said_test.grams, test.labels, classes, marked=("tomato", "hot_dog"))

# %% [markdown]
# The gray band is a factor of 1.25 up or down. Hot dogs vary little, so they are easy. The tomatoes form a flat
# cloud, because a small tomato from nearby and a large one from far away give the same picture. Our camera moves
# closer to small food, and there is no ruler on the table. No network can see what is not in the pixels.
#
# The boxes are easier, since everything that they depend on is in the picture. Here are four plates from the best
# quarter, then the four worst:

# %%
order = np.argsort(-ious)
shown = np.concatenate([order[: len(order) // 4 : len(order) // 16][:4], order[-4:]])
figs.boxes_on_plates(test.images[shown], true_boxes[shown], said_test.boxes[shown], ious[shown], [classes[k] for k in named[shown]])

# %% [markdown]
# ## 4. More than one plate: suppression and average precision
#
# MealoMi's box head returns one box, because there is one plate in the picture. On a table there are several. The
# simplest detector needs nothing new: slide a window over the table, ask the network about each, and you have a dish, a
# score and a box for every window. Those are far too many boxes, because neighboring windows see the same plate.
#
# **Non-maximum suppression** keeps one of them. Take the box with the highest score. Remove every box whose IoU
# (chapter 01) with it *exceeds* a threshold. Of what is left, take the best again, and so on.
#
# **By hand**, with a threshold of 0.5:
#
# | box | $x_0, y_0, x_1, y_1$ | score |
# |---|---|---|
# | 0 | 0, 0, 6, 5 | 0.60 |
# | 1 | 1, 0, 7, 5 | 0.90 |
# | 2 | 2, 0, 8, 5 | 0.70 |
# | 3 | 9, 4, 13, 9 | 0.80 |
#
# Box 1 is the best, so it stays. It overlaps with box 0 by $5 \cdot 5 = 25$, and the two cover $30 + 30 - 25 = 35$, so the
# IoU is 0.71: box 0 goes. So does box 2, for the same reason. Box 3 overlaps with nothing and stays. The result is 1, 3.
# Note that a box that has gone removes no others.
#
# ### Exercise: `non_maximum_suppression`
#
# Write it in NumPy.

# %% exercise="12.non_maximum_suppression"
def non_maximum_suppression(boxes, scores, threshold):
    """Keep the best of the boxes that overlap.

    Go through the boxes by falling score. Keep one if its IoU with every box that has been kept so
    far is at most the threshold.

    Parameters
    ----------
    boxes : numpy.ndarray
        (N, 4) floats: x0, y0, x1, y1 with x0 < x1 and y0 < y1, in pixels or as shares of the
        picture. N is 1 or more.
    scores : numpy.ndarray
        (N,) floats, all different.
    threshold : float
        From 0 to 1. An IoU that equals it suppresses nothing.

    Returns
    -------
    numpy.ndarray
        (M,) int64: the rows of `boxes` that are kept, the one with the highest score first. The
        inputs are left as they are.

    Example
    -------
    >>> boxes = np.array([[0.0, 0, 6, 5], [1, 0, 7, 5], [2, 0, 8, 5], [9, 4, 13, 9]])
    >>> non_maximum_suppression(boxes, np.array([0.6, 0.9, 0.7, 0.8]), 0.5)
    array([1, 3])
    """
    ### BEGIN SOLUTION
    corners = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    far = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    overlap = np.clip(far - corners, 0, None).prod(axis=2)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    iou = overlap / (area[:, None] + area[None, :] - overlap)
    kept = []
    for i in np.argsort(-scores):
        if all(iou[i, j] <= threshold for j in kept):
            kept.append(i)
    return np.array(kept)
    ### END SOLUTION

# %% check="12.non_maximum_suppression"
check("12.non_maximum_suppression", non_maximum_suppression)

# %% [markdown]
# Now a table. Each is laid with four validation plates of 96 x 96 pixels. Windows of that size at every 24th pixel make
# $5 \cdot 5 = 25$ boxes.

# %%
rng = np.random.default_rng(seed)
laid = rng.permutation(len(val))[: 4 * tables].reshape(tables, 4)
pictures, table_boxes = zip(*(detection.table(val.images[four], val.boxes[four]) for four in laid), strict=True)
table_labels = [val.labels[four] for four in laid]
found = detection.slide(net, np.stack(pictures), stride=24)
kept = [each.only(detection.thinned(each.boxes, each.scores, 0.3)) for each in found]
figs.before_and_after(pictures[0], found[0], kept[0], classes)

# %% [markdown]
# Most of the boxes are gone, and those that stay are mostly on plates. Some are not: a window that shows the corners of four
# plates must also be given a name. How good is such a detector? Neither the number of right boxes nor that of wrong ones
# says it alone, and both depend on the score from which on you believe a box. **Average precision** looks at every such score at once.
#
# **By hand**, for one class. There are four pizzas on all tables together. The network says *pizza* five times. Sort these
# by score. A detection is a hit if its IoU with a pizza that has not been hit yet is at least 0.5; a second box on the same pizza
# is a miss.
#
# | score | | hits so far | precision so far | recall so far |
# |---|---|---|---|---|
# | 0.95 | hit | 1 of 1 | **1** | 1/4 |
# | 0.90 | miss | 1 of 2 | 0.5 | 1/4 |
# | 0.80 | hit | 2 of 3 | **0.667** | 2/4 |
# | 0.60 | miss | 2 of 4 | 0.5 | 2/4 |
# | 0.50 | hit | 3 of 5 | **0.6** | 3/4 |
#
# Add up the precision at each hit and divide by the number of pizzas. The fourth was never found and adds 0: $(1 +
# 0.667 + 0.6 + 0) / 4 = 0.567$. The mean of this over all classes is the **mean average precision**, mAP. ([PASCAL
# VOC](https://doi.org/10.1007/s11263-009-0275-4) made it the measure of detectors, with an IoU of 0.5. [COCO](https://arxiv.org/abs/1405.0312)
# takes the mean over ten such limits, from 0.5 to 0.95. Both also smooth the curve of precision over recall, which changes the number a little.)

# %%
example_hits = np.array([True, False, True, False, True])
print(f"the pizzas above: {detection.average_precision(example_hits, 4):.3f}")


def mean_average_precision(found, iou=0.5):
    every = np.unique(np.concatenate(table_labels))
    return np.mean([detection.average_precision(*detection.hits(found, table_boxes, table_labels, k, iou)) for k in every])


print(f"{tables} tables of four plates       boxes per table   mAP at IoU 0.5   at 0.75")
print(f"every window                  {np.mean([len(each.scores) for each in found]):15.1f} {mean_average_precision(found):16.2f} {mean_average_precision(found, 0.75):9.2f}")
for threshold in (0.7, 0.5, 0.3, 0.1):
    left = [each.only(detection.thinned(each.boxes, each.scores, threshold)) for each in found]
    print(f"suppressed above IoU {threshold}      {np.mean([len(each.scores) for each in left]):15.1f} {mean_average_precision(left):16.2f} {mean_average_precision(left, 0.75):9.2f}")

# %% [markdown]
# Suppression earns its keep: every second box on a plate that is found already counts as a miss. With a low threshold few boxes
# are left over, but where plates stand close together, a neighbor's box goes with them. On our tables the plates never overlap, so
# a low threshold costs little here.
#
# Detectors of today do not slide a window. They compute the trunk's map *once* for the whole picture, and predict scores and boxes at each of its
# places ([YOLO](https://arxiv.org/abs/1506.02640), 2016), or let a transformer return a set of boxes that needs no suppression
# ([DETR](https://arxiv.org/abs/2005.12872), 2020). IoU, suppression and average precision are the vocabulary in which all of them are
# described.
#
# ## 5. From grams to energy
#
# The rest is bookkeeping, and bookkeeping needs care. The table `data/nutrition.csv` lists what is in **100 g** of
# each dish. Its figures are from the USDA's National Nutrient Database, release 27, and it names the number of each
# food there. An apple (food 09003) has 52 kcal per 100 g, so 150 g have $52 \cdot 150 / 100 = 78$ kcal.

# %%
for dish in ("apple", "pizza", "doughnut"):
    row = mealomi.per_100g(dish)
    print(f"100 g of {dish:>8}: {row['kcal']:5.0f} kcal = {row['kj']:6.1f} kJ, sugars {row['sugars_g']:5.2f} g, sodium {row['sodium_mg']:3.0f} mg")

# %% [markdown]
# ### Exercise: `nutrients`

# %% exercise="12.nutrients"
def nutrients(dish, grams, table):
    """Return what is in a portion.

    Parameters
    ----------
    dish : str
        A name in the table.
    grams : float
        The portion's mass in grams, more than 0.
    table : dict of str to dict
        A row for each dish: the amount of each nutrient in 100 g, by the nutrient's name. Other
        tables may have other nutrients.

    Returns
    -------
    dict of str to float
        The portion's amounts, by the names in the row, not rounded. The table is left as it is.

    Example
    -------
    >>> nutrients("apple", 150.0, {"apple": {"kcal": 52.0, "protein_g": 0.26}})
    {'kcal': 78.0, 'protein_g': 0.39}
    """
    ### BEGIN SOLUTION
    return {name: amount * grams / 100 for name, amount in table[dish].items()}
    ### END SOLUTION

# %% check="12.nutrients"
check("12.nutrients", nutrients)

# %% [markdown]
# ## 6. Errors multiply: where the kilocalories go wrong
#
# Energy is a product, so two errors contribute to its error. A 150 g apple has 78 kcal. Take it for a tomato (18 kcal
# per 100 g) of 200 g, and you say 36 kcal. There were two mistakes. Which one is to blame? Correct one at a time:
#
# | | dish | grams | energy | error |
# |---|---|---|---|---|
# | the truth | apple | 150 | 78 kcal | |
# | as the network says | tomato | 200 | 36 kcal | 42 kcal |
# | with the true dish | apple | 200 | 104 kcal | 26 kcal |
# | with the true grams | tomato | 150 | 27 kcal | 51 kcal |
#
# With the true grams it gets *worse*, because one mistake was hiding part of the other. A single plate can mislead
# you. The mean over many plates tells you where to work.
#
# ### Exercise: `energy_errors`

# %% exercise="12.energy_errors"
def energy_errors(dishes, grams, true_dishes, true_grams, kcal_per_100g):
    """Return the energy's mean absolute error: as predicted, with the true dish, with the true grams.

    Parameters
    ----------
    dishes : numpy.ndarray
        (N,) int64: the predicted dish of each plate, from 0 to K - 1.
    grams : numpy.ndarray
        (N,) floats: the predicted grams.
    true_dishes : numpy.ndarray
        (N,) int64.
    true_grams : numpy.ndarray
        (N,) floats.
    kcal_per_100g : numpy.ndarray
        (K,) floats: each dish's energy.

    Returns
    -------
    tuple of 3 floats
        In kcal, each a mean over the plates of the absolute difference from the true energy:
        of the predicted dish and grams; of the true dish with the predicted grams; of the
        predicted dish with the true grams. The inputs are left as they are.

    Example
    -------
    >>> energy_errors(np.array([1]), np.array([200.0]), np.array([0]), np.array([150.0]),
    ...               np.array([52.0, 18.0]))  # up to how NumPy writes its floats
    (42.0, 26.0, 51.0)
    """
    ### BEGIN SOLUTION
    def energy(which, mass):
        return kcal_per_100g[which] * mass / 100

    truth = energy(true_dishes, true_grams)
    pairs = ((dishes, grams), (true_dishes, grams), (dishes, true_grams))
    return tuple(np.abs(energy(which, mass) - truth).mean() for which, mass in pairs)
    ### END SOLUTION

# %% check="12.energy_errors"
check("12.energy_errors", energy_errors)

# %% [markdown]
# And our network? The figure uses its own code, on all test plates:

# %%
left = {
    "dish and grams as predicted": mean_error(kcal_network, test.kcal),
    "with the true dish": mean_error(kcal_per_100g[test.labels] * said_test.grams / 100, test.kcal),
    "with the true grams": mean_error(kcal_per_100g[named] * test.grams / 100, test.kcal),
}
worse = "grams" if left["with the true dish"] > left["with the true grams"] else "dish"
figs.energy_decomposed(left, f"Energy: most of the error comes from the {worse}")

# %% [markdown]
# If you want better calories, you do not need a better classifier here; you need a scale. And note what *true* means:
# the energy on the labels is the table's average for the dish, whatever topping the picture shows. A real plate
# differs from the average, too, and that error is not in this figure.
#
# ## 7. The Nutri-Score
#
# Energy is not everything. The **Nutri-Score** is a letter that is printed on packages of food in seven European countries.
# Its algorithm is public, published by Santé publique France. We use the version of **2023** for general foods; many web
# pages still show that of 2017, which has other thresholds.
#
# Everything is per 100 g. A nutrient gets one point for each threshold that it **exceeds**; a value equal to a
# threshold does not exceed it.
#
# | unfavorable | thresholds | most |
# |---|---|---|
# | energy (kJ) | 335, 670, 1005, 1340, 1675, 2010, 2345, 2680, 3015, 3350 | 10 |
# | sugars (g) | 3.4, 6.8, 10, 14, 17, 20, 24, 27, 31, 34, 37, 41, 44, 48, 51 | 15 |
# | saturated fat (g) | 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 | 10 |
# | salt (g) | 0.2, 0.4, 0.6, and so on to 4.0 | 20 |
#
# | favorable | thresholds | most |
# |---|---|---|
# | protein (g) | 2.4, 4.8, 7.2, 9.6, 12, 14, 17 | 7; red meat 2 |
# | fiber (g) | 3.0, 4.1, 5.2, 6.3, 7.4 | 5 |
# | fruit, vegetables, legumes | above 40 % one point, above 60 % two, above 80 % **five** | 5 |
#
# The score is the unfavorable points minus the favorable ones. There is one more rule: with **11 or more unfavorable
# points, protein does not count**. The letter is A for a score of 0 or less, B for 1 and 2, C for 3 to 10, D for 11
# to 18, and E from 19 on. (Cheese, fats, nuts and beverages have rules of their own; none of our dishes is one of these.)
#
# Salt is not sodium, and the table has sodium, in mg. Sodium chloride is heavier: salt = 2.5 · sodium.
#
# **By hand**, 100 g of pizza: 1133.9 kJ exceed three thresholds, so 3 points. The sugars, 3.37 g, stay just below 3.4: 0.
# Saturated fat 5.04 g: 5. Salt $2.5 \cdot 0.685 = 1.71$ g: 8. Together that makes 16 unfavorable points. Protein, 11.93
# g, would get 4, but 16 is more than 10, so it does not count. Fiber 1.8 g: 0. Fruit and vegetables 17 %: 0. The
# score is 16, a D.
#
# Whoever takes sodium for salt gets 3 points instead of 8, and whoever takes 271 kcal for kilojoules gets 0 instead
# of 3.
#
# Start from pizza in the figure. How far must you reduce the salt until protein counts, and what happens to the letter?
#
# <details><summary>What you should have seen</summary>
#
# At 0.6 g of salt the pizza has 10 unfavorable points, its protein counts, and the score is 6, a C. A slider step
# more, and it has 11 points, protein no longer counts, and the score jumps to 11, a D.
# </details>

# %% tags=["demo"]
figs.nutri_explorer("pizza")

# %% [markdown]
# ### Exercise: `nutri_score`
#
# Write it out yourself; the check does not accept the library's own (`introdl.mealomi.nutriscore`).

# %% exercise="12.nutri_score"
def nutri_score(per_100g, red_meat=False):
    """Return the Nutri-Score of a general food, version of 2023.

    Parameters
    ----------
    per_100g : dict of str to float
        What is in 100 g: `kj` (energy in kJ; there is also `kcal`), `sugars_g`,
        `saturated_fat_g`, `sodium_mg` (sodium, not salt, in milligrams), `protein_g`, `fibre_g`
        and `fruit_veg_share` (from 0 to 1).
    red_meat : bool
        Whether it is red meat: then protein gets at most 2 points.

    Returns
    -------
    tuple of (int, str)
        The score (it may be negative) and the letter, from "A" to "E". The dict is left as it
        is.

    Example
    -------
    >>> apple = {"kcal": 52.0, "kj": 217.6, "sugars_g": 10.39, "saturated_fat_g": 0.03,
    ...          "sodium_mg": 1.0, "protein_g": 0.26, "fibre_g": 2.4, "fruit_veg_share": 1.0}
    >>> nutri_score(apple)  # 3 points for sugars, minus 5 for fruit
    (-2, 'A')
    """
    ### BEGIN SOLUTION
    def points(value, thresholds):
        return sum(value > threshold for threshold in thresholds)

    salt_g = 2.5 * per_100g["sodium_mg"] / 1000
    sugars = [3.4, 6.8, 10, 14, 17, 20, 24, 27, 31, 34, 37, 41, 44, 48, 51]
    unfavorable = (
        points(per_100g["kj"], range(335, 3351, 335))
        + points(per_100g["sugars_g"], sugars)
        + points(per_100g["saturated_fat_g"], range(1, 11))
        + points(salt_g, [n / 5 for n in range(1, 21)])
    )
    protein = points(per_100g["protein_g"], [2.4, 4.8, 7.2, 9.6, 12, 14, 17])
    if red_meat:
        protein = min(protein, 2)
    if unfavorable >= 11:
        protein = 0
    fibre = points(per_100g["fibre_g"], [3.0, 4.1, 5.2, 6.3, 7.4])
    fruit = (0, 1, 2, 5)[points(per_100g["fruit_veg_share"], [0.4, 0.6, 0.8])]
    score = unfavorable - protein - fibre - fruit
    return score, "ABCDE"[points(score, [0, 2, 10, 18])]
    ### END SOLUTION

# %% check="12.nutri_score"
check("12.nutri_score", nutri_score)

# %% [markdown]
# Here are all twenty dishes, by the library's own version:

# %%
by_letter = {}
for dish in classes:
    score = nutriscore.of_dish(dish)
    by_letter.setdefault(score.letter, []).append((score.score, dish))
for letter in sorted(by_letter):
    print(letter, ", ".join(f"{dish} ({points})" for points, dish in sorted(by_letter[letter])))

# %% [markdown]
# The score is per 100 g and says nothing about the portion. It is meant for comparing foods of one kind and is no
# verdict on your meal.
#
# **A resting point.** MealoMi now names a dish, weighs it and counts its energy. What follows asks when to believe it, and
# turns the network into an app.
#
# ## 8. Calibration: can its probabilities be believed?
#
# MealoMi shows you *pizza, 90 %*. Chapter 05 asked what such a number is worth: probabilities are **calibrated** if, of
# all plates that are named with about 90 %, about 90 % are named correctly. There it was a look at a diagram. Here it becomes one
# number.
#
# **By hand.** Five plates are named with these **confidences** (the largest probability of each): 0.9 wrong, 0.7
# right, 0.6 right, 0.4 wrong, 0.45 right. Take two bins of equal width, from 0 to 0.5 and from 0.5 to 1.
#
# | bin | plates | share of all | accuracy | mean confidence | gap | share times gap |
# |---|---|---|---|---|---|---|
# | up to 0.5 | 2 | 0.4 | 1/2 = 0.5 | 0.425 | 0.075 | 0.03 |
# | above 0.5 | 3 | 0.6 | 2/3 = 0.667 | 0.733 | 0.067 | 0.04 |
#
# The sum of the last column is 0.07. On average, what the network says and how often it is right are 7 percentage points apart.
# This is the **expected calibration error**:
#
# $$\text{ECE} = \sum_{b=1}^{B} \frac{n_b}{N} \, \big| \text{acc}_b - \text{conf}_b \big|$$
#
# - $N$: number of plates; $n_b$ of them are in bin $b$ of $B$. $\text{acc}_b$: the share of these that is named
#   correctly. $\text{conf}_b$: the mean of their confidences. A bin without plates adds nothing.
#
# ### Exercise: `expected_calibration_error`
#
# Write it in NumPy. Decide first what happens to a confidence that lies exactly on an edge; the docstring says it.

# %% exercise="12.expected_calibration_error"
def expected_calibration_error(labels, probabilities, bins):
    """Return how far confidence and accuracy are apart, on average over the pictures.

    Parameters
    ----------
    labels : numpy.ndarray
        (N,) int64: the true classes, from 0 to K - 1.
    probabilities : numpy.ndarray
        (N, K) floats: each row adds up to 1, and one of its numbers is the largest.
    bins : int
        How many bins of equal width there are from 0 to 1, counted from 0. Bin b holds the
        confidences above b / bins and up to (b + 1) / bins, inclusive: with 8 bins, 0.5 is in bin
        3 (above 0.375, up to 0.5) and 1.0 in bin 7.

    Returns
    -------
    float
        From 0 to 1: the sum over all bins with pictures in them of the bin's share of the pictures
        times the absolute difference between its accuracy and its mean confidence. The inputs are
        left as they are.

    Example
    -------
    >>> p = np.array([[0.9, 0.1], [0.3, 0.7], [0.6, 0.4], [0.2, 0.8]])
    >>> round(float(expected_calibration_error(np.array([1, 1, 0, 1]), p, 2)), 3)  # |3/4 - 0.75|
    0.0
    >>> round(float(expected_calibration_error(np.array([1, 1, 0, 1]), p, 5)), 3)
    0.45
    """
    ### BEGIN SOLUTION
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    error = 0.0
    for b in range(bins):
        own = (confidence > b / bins) & (confidence <= (b + 1) / bins)
        if own.any():
            error += own.mean() * abs(right[own].mean() - confidence[own].mean())
    return error
    ### END SOLUTION

# %% check="12.expected_calibration_error"
check("12.expected_calibration_error", expected_calibration_error)

# %% [markdown]
# And MealoMi? Its probabilities on the validation plates, in ten bins:

# %%
said_val = recognition.look(net, val.images)


def confidence_and_right(scores, labels, temperature=1.0):
    p = torch.from_numpy(scores / temperature).softmax(dim=1).numpy()
    return p.max(axis=1), p.argmax(axis=1) == labels


as_it_is = confidence_and_right(said_val.scores, val.labels)
reliability([("MealoMi, validation plates", *as_it_is)], bins=10)
print(f"right {as_it_is[1].mean():.1%}, mean confidence {as_it_is[0].mean():.1%}, ECE {calibration.expected_error(*as_it_is):.1%}")

# %% [markdown]
# Every bar ends above the diagonal: MealoMi is *too cautious*. Its training is to blame. With label smoothing of 0.1
# (chapter 09) and twenty dishes, the target for the true dish is $0.9 + 0.1/20 = 0.905$ instead of 1, so the network
# learns not to say more. Networks that are trained without it usually err in the other direction ([Guo and others,
# 2017](https://arxiv.org/abs/1706.04599)).
#
# **Temperature scaling** repairs either, and it is one number. Divide all scores by a temperature $T$ before the
# softmax. Scores of 2 and 1 give probabilities of 0.73 and 0.27; with $T = 0.5$ they become 4 and 2, and the
# probabilities 0.88 and 0.12. With $T = 2$ they would be 0.62 and 0.38. The order stays the same, so no dish changes its name.
# Choose $T$ so that the cross-entropy on the *validation* plates is lowest, and measure on the test plates:

# %%
val_scores, val_labels = torch.from_numpy(said_val.scores), torch.from_numpy(val.labels)
temperatures = np.geomspace(0.2, 5, 200)
costs = [F.cross_entropy(val_scores / t, val_labels).item() for t in temperatures]
temperature = float(temperatures[np.argmin(costs)])
scaled_right = {}
for words, t in (("T = 1", 1.0), (f"T = {temperature:.2f}", temperature)):
    scaled_right[f"{words}, test plates"] = pair = confidence_and_right(said_test.scores, test.labels, t)
    cost = F.cross_entropy(torch.from_numpy(said_test.scores) / t, torch.from_numpy(test.labels)).item()
    print(f"{words:>8}: right {pair[1].mean():.1%}, mean confidence {pair[0].mean():.1%}, ECE {calibration.expected_error(*pair):.1%}, cross-entropy {cost:.3f}")
reliability([(words, *pair) for words, pair in scaled_right.items()], bins=10)

# %% [markdown]
# One number, and what the app says is what happens: on plates of this kind. On photographs it may be as wrong as before, for
# $T$ was chosen on rendered plates. The ECE has limits of its own, too. It depends on the bins, and a network that always says 5 %
# for each of twenty equally frequent dishes is perfectly calibrated and quite useless. So read it next to the accuracy, never
# instead of it.
#
# ## 9. "I do not know": recognizing what is unknown
#
# Some things the network **cannot** know, however long you train it:
#
# - **Scale.** You saw the tomatoes.
# - **What cannot be seen**: the oil in the pan, the sugar in the sauce, whatever is under the cheese.
# - **What it was never shown.** It knows twenty dishes, and to a photo of your cat it gives the name of one of them.
#   Softmax has to distribute 100 %, and *none of these* is not among the choices.
#
# You can do something about the last one: **reject** pictures that look like nothing the network knows. This is
# called *out-of-distribution detection*. You need a score that is high for known food. Here are two candidates:
#
# - the **largest probability** ([Hendrycks and Gimpel, 2017](https://arxiv.org/abs/1610.02136)): a network that is
#   torn between many dishes may not know any of them;
# - **minus the distance** from the picture's embedding (the trunk's output) to the nearest dish's center, after an
#   idea of [Lee and others, 2018](https://arxiv.org/abs/1807.03888): what is far from everything is unknown. Our
#   distance is between directions.
#
# You also need a **threshold**: pictures with a score below it are rejected, or *turned away*. There are two ways to
# be wrong: known food is turned away, or something unknown is let in. Every threshold trades one mistake for the
# other. So make a promise about one of them and measure the other: *at most 5 % of known food is turned away*. Choose
# the threshold for this promise on the **validation** plates. The test plates then show how well it holds on plates
# that were not used to choose it.
#
# **By hand**: there are 20 validation scores, and 5 % of 20 is one. Sorted, they begin 2, 3, 5, 5.5. With a threshold
# of 3 one plate is below it, the 2. With a threshold of 5 there would be two. So the threshold is 3, the *second*
# lowest score. With 50 plates, 5 % are 2.5, so at most two may be below, and the threshold is the third lowest.
#
# ### Exercise: `confidence_threshold`

# %% exercise="12.confidence_threshold"
def confidence_threshold(val_food, test_food, test_other, share):
    """Choose a threshold on validation scores, and measure its two errors on test scores.

    A picture is turned away if its score is below the threshold; one whose score equals it is
    let in.

    Parameters
    ----------
    val_food : numpy.ndarray
        (N,) floats, all different: scores of known food, to choose with. Higher means more like
        what is known.
    test_food, test_other : numpy.ndarray
        (M,) and (L,) floats: scores of known food and of other pictures, to measure with.
    share : float
        The largest share of val_food that may be turned away, less than 1.

    Returns
    -------
    tuple of 3 floats
        The threshold, which is the highest of the scores in val_food that turns away at most that
        share of val_food; the share of test_food that it turns away; and the share of test_other
        that it lets in, both from 0 to 1. The inputs are left as they are.

    Example
    -------
    >>> val = np.array([5.0, 2.0, 9.0, 3.0, 7.0])
    >>> confidence_threshold(val, np.array([2.5, 4.0, 8.0, 6.0]), np.array([1.0, 3.0]), 0.2)
    ... # up to how NumPy writes its floats
    (3.0, 0.25, 0.5)
    """
    ### BEGIN SOLUTION
    threshold = np.sort(val_food)[int(share * len(val_food))]
    return threshold, np.mean(test_food < threshold), np.mean(test_other >= threshold)
    ### END SOLUTION

# %% check="12.confidence_threshold"
check("12.confidence_threshold", confidence_threshold)

# %% [markdown]
# Now for real scores. The strangers are four kinds of pictures that are made on the spot: noise, cloudy textures,
# pieces of tablecloth and plate rim, and plates as color negatives.

# %%
rng = np.random.default_rng(seed)
full = data.plates(size=unusual.SIZE).split("test")
others = {
    "noise": unusual.noise(strangers, rng, full),
    "textures": unusual.textures(strangers, rng, full),
    "backgrounds": unusual.backgrounds(strangers, rng, full),
    "negatives": unusual.wrong_colors(strangers, rng, full),
}
said_others = {name: recognition.look(net, images) for name, images in others.items()}
scores_of = {
    "largest probability": lambda said: said.probabilities.max(axis=1),
    "minus the distance": lambda said: -novelty.embedding_distance(said.embeddings, net.centers.numpy()),
}
panels = {}
for name, score in scores_of.items():
    threshold = -novelty.choose_limit(-score(said_val), 0.05)  # the library's limits are upper limits, so the sign changes
    panels[name] = {
        "food": score(said_test),
        "others": {kind: score(said) for kind, said in said_others.items()},
        "threshold": threshold,
    }
figs.known_and_unknown(panels, "Each score lets some strangers in")
print(", ".join(f"threshold on {name}: {panel['threshold']:.2f}" for name, panel in panels.items()))

# %% [markdown]
# On the test plates the promise holds approximately, not exactly, because they are other plates. And look at what
# gets in. Most of the negatives pass, and the largest probability lets in all of the noise. Where two histograms
# overlap, no threshold can separate them.
#
# ### Look earlier: the first two stages
#
# How can noise pass for food? The trunk has learned to *name* dishes. Whatever does not help with the name is
# discarded on the way up, and with it any sign that something is odd. The first stages have not discarded much yet:
# their maps still show edges and colors (chapter 10). So ask them. For each channel of the first two stages, take the
# mean and the standard deviation of its map. The training plates tell you how these numbers usually vary.
#
# **By hand**, with two numbers. On the training plates, the first has a mean of 5 and a standard deviation of 2, and
# the second a mean of 5 and a standard deviation of 0.1. Picture A has $(9, 5)$: it is off by 4, which is $4 / 2 = 2$
# standard deviations. Picture B has $(5, 6)$: it is off by only 1, but that is $1 / 0.1 = 10$ standard deviations. B
# is the stranger. A distance that is measured like this is called a **Mahalanobis distance**. If numbers vary
# together, it is measured along directions in which they do not. (Lee and others compute it in several layers. Here
# there is only one distance, over the first two stages.)

# %%
early = {"test plates": said_test.early, **{kind: said.early for kind, said in said_others.items()}}
print(f"{net.early_mean.numel()} numbers for each picture; median distance:", ", ".join(f"{kind} {np.median(each):.0f}" for kind, each in early.items()))
panel = {
    "food": -said_test.early,
    "others": {kind: -said.early for kind, said in said_others.items()},
    "threshold": -novelty.choose_limit(said_val.early, 0.05),
}
figs.known_and_unknown({"minus the distance in the first two stages": panel}, "The same pictures, judged by the first two stages")

# %% [markdown]
# Now the noise is out, and so are nearly all of the negatives. But pieces of tablecloth look like our kitchen, so
# many of those get in, and that is where the largest probability was good. So MealoMi uses **both** scores: it has
# doubts if *either* of them says so. Two scores also give two chances for a false alarm. So both limits are made a
# little more generous, until together they doubt at most 5 % of the validation plates.
#
# A longer run is recorded in `data/experiments/unusual.json` (by `python -m introdl.experiments.unusual`). It has
# more kinds of pictures, among them real photographs of groceries and of food. The thresholds were chosen as above.
# Which two scores the app uses was decided on validation plates, and on other made pictures and other photographs
# than those in the figure:

# %%
record = records.load("unusual")
figs.unusual_recorded(record["runs"])
rates = record["about"]["false_alarms"]
print("test plates turned away:", ", ".join(f"{rates[score]:.1%} by {words}" for score, words in figs.SCORES.items()))
photographed = {run["kind"]: run["noticed"]["app"] for run in record["runs"] if run["real"]}
print("the app lets in:", ", ".join(f"{1 - noticed:.0%} of the {kind}" for kind, noticed in photographed.items()))

# %% [markdown]
# Be careful with the last row. Some photographs of food show dishes that the network *does* know, and the record
# counts them like strangers. So to let one in is not always a mistake, and to turn one away is not always right. To
# judge that row you would have to split it by known and unknown dishes, and see what the known ones were called. The
# record does not contain that.
#
# So a threshold buys you something, at a price that you can state. It does not buy safety: look at what the app still
# lets in. Even with a threshold, an app should say *"I think this is ..."* and let the user correct it. MealoMi does.
#
# ## 10. The diary: days and time zones
#
# A diary is a list of meals, each with a time. It is best to store times in UTC, the clock of Greenwich without
# daylight saving time, because phones travel. But a *day* is what it is where the person is. A snack at half past
# midnight in Vienna in summer, when clocks are 2 hours ahead of UTC, is at 22:30 UTC *of the day before*.
#
# Some of a portion may also be left on the plate: `eaten` is 0.5 if half of it went back to the kitchen.

# %%
diary = [
    {"time": "2026-06-05T06:10:00+00:00", "dish": "pancakes", "grams": 250.0, "kcal": 582.5, "eaten": 1.0},
    {"time": "2026-06-05T17:40:00+00:00", "dish": "pizza", "grams": 400.0, "kcal": 1084.0, "eaten": 0.75},
    {"time": "2026-06-05T22:30:00+00:00", "dish": "apple", "grams": 150.0, "kcal": 78.0, "eaten": 1.0},
    {"time": "2026-06-07T11:05:00+00:00", "dish": "salad", "grams": 300.0, "kcal": 180.3, "eaten": 1.0},
    {"time": "2026-06-08T18:20:00+00:00", "dish": "steak", "grams": 350.0, "kcal": 738.5, "eaten": 0.5},
]
for meal in diary:
    utc = datetime.fromisoformat(meal["time"])
    print(f"{meal['dish']:>8}: UTC {utc:%d %b %H:%M}, in Vienna {utc + timedelta(hours=2):%d %b %H:%M}")

# %% [markdown]
# ### Exercise: `daily_totals`

# %% exercise="12.daily_totals"
def daily_totals(diary, utc_offset):
    """Return the energy eaten on each local day, without gaps.

    Parameters
    ----------
    diary : list of dict
        One for each meal, in any order: `time`, a string such as "2026-06-05T22:30:00+00:00", always
        UTC; `dish`, a string; `grams` and `kcal`, of the whole portion; `eaten`, the share of it
        that was eaten, from 0 to 1.
    utc_offset : float
        How many hours local clocks are ahead of UTC: 2.0 in Vienna in summer, -8.0 on the
        American west coast in winter, 5.5 in Delhi.

    Returns
    -------
    dict of str to float
        kcal for each day, by its local date such as "2026-06-06": every day from the first with a
        meal to the last, 0.0 where there was none. An empty diary gives an empty dict. The
        diary is left as it is.

    Example
    -------
    >>> meals = [{"time": "2026-06-05T22:30:00+00:00", "dish": "apple", "grams": 150.0, "kcal": 78.0,
    ...           "eaten": 0.5}]
    >>> daily_totals(meals, 2.0)
    {'2026-06-06': 39.0}
    """
    ### BEGIN SOLUTION
    found = {}
    for entry in diary:
        day = (datetime.fromisoformat(entry["time"]) + timedelta(hours=utc_offset)).date()
        found[day] = found.get(day, 0.0) + entry["kcal"] * entry["eaten"]
    if not found:
        return {}
    first, last = min(found), max(found)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return {day.isoformat(): found.get(day, 0.0) for day in days}
    ### END SOLUTION

# %% check="12.daily_totals"
check("12.daily_totals", daily_totals)

# %% [markdown]
# Such totals make a chart. This week is made up, and on two of its days nothing was noted:

# %%
week = [1840.0, 2210.0, 0.0, 1975.0, 2480.0, 0.0, 1630.0]
figs.days({f"2026-06-{number:02}": kcal for number, kcal in enumerate(week, start=8)})

# %% [markdown]
# The reference intake of an adult, 2000 kcal, is from the EU's food labeling regulation (EU 1169/2011, Annex XIII).
# It is a round figure for labels, not your personal need. And a bar of 0 means *nothing noted*, which is not the same
# as *nothing eaten*.
#
# (The app's own `mealomi.Diary` is simpler. It notes local time, as shown by the clock on the wall, without a time
# zone. The date is then the day, and nothing has to be shifted. What it loses is the order of meals: after a flight
# it no longer knows which of two meals came first. The diary of the exercise is always in UTC.)
#
# ## 11. Recommendations by embedding
#
# The trunk gives every picture an **embedding**, here a vector of 256 numbers. Pictures that the network treats alike
# have embeddings with similar directions. So to recommend something to a user, take what she liked, look for
# embeddings in a similar direction, and leave out what she already knows.
#
# **By hand**, in two dimensions. She likes $(3, 1)$. There are two candidates, $p = (0.5, 0.25)$ and $q = (3, 12)$.
# The dot products are $1.5 + 0.25 = 1.75$ and $9 + 12 = 21$, so $q$ wins by far, although it points elsewhere. It is
# just *long*. The **cosine**, which chapter 10 used to find similar plates, divides by both lengths: $1.75 / (3.16
# \cdot 0.56) = 0.99$ against $21 / (3.16 \cdot 12.37) = 0.54$. Now $p$ wins. (You write the cosine yourself in chapter 13.)
#
# If she likes several dishes, her taste is the mean of their embeddings, each divided by its length, so that no single one
# decides. What does that look like on plates? The user likes three of the test plates. Below you see the nearest other
# test plates (`taste.most_alike`), and what the app's `mealomi.recommend` suggests. The latter takes one plate of each
# dish, and among those that resemble what she likes it puts better Nutri-Scores first.

# %%
embeddings = said_test.embeddings.astype(float)
liked_rows = [int(np.flatnonzero(test.labels == classes.index(dish))[3]) for dish in ("waffles", "doughnut", "ice_cream")]
nearest = taste.most_alike(embeddings, liked_rows, 5)
suggested = mealomi.recommend(
    embeddings[liked_rows],
    embeddings,
    [classes[label] for label in test.labels],
    k=5,
    just_eaten=("waffles", "doughnut", "ice_cream"),
)


def named_plate(i, more=""):
    return test.images[i], classes[test.labels[i]].replace("_", " ") + more


figs.recommended(
    [named_plate(i) for i in liked_rows],
    {
        "by cosine": [named_plate(i) for i in nearest],
        "the app": [named_plate(one.index, f", {one.letter}") for one in suggested],
    },
)

# %% [markdown]
# Think before you trust it. The embedding knows what food *looks* like, as far as that helps to tell twenty dishes
# apart. It knows nothing about taste, price or allergies. And a recommender that offers more of the same makes a diet
# narrower, not better. That is why the app takes the Nutri-Score into account.
#
# ## 12. Off to the phone: ONNX and latency
#
# The network has to run where the user is, and a phone or a web server need not have PyTorch. **ONNX** is a file format for
# networks: it lists the operations (Conv, Relu, Gemm) one after the other, with their weights. PyTorch writes it, and
# [ONNX Runtime](https://onnxruntime.ai) runs it, on phones and in browsers too. It knows the whole network in advance, so it can
# prepare it: it puts batch normalization into the convolution before it, for example, since both are linear in inference.
#
# Two questions decide whether you can use the file. Are the scores *the same*? And how long does *one* picture take? This
# is the **latency**; chapter 08 measured throughput, pictures per second in large batches. An app feels only the former.
#
# The cell needs three packages that the course does not install: `pip install onnx onnxscript onnxruntime`. Where they are
# missing, it says so and goes on. Export takes some 20 seconds.

# %%
if lacking := export.missing():
    print(lacking)
else:
    file = export.to_onnx(net, Path(tempfile.mkdtemp()) / "mealomi.onnx", net.card.size)
    run, threads = export.runner(file), torch.get_num_threads()
    photos = ((torch.from_numpy(test.images[:16].copy()).permute(0, 3, 1, 2) / 255 - mean) / std).contiguous()
    with torch.inference_mode():
        apart = max(np.abs(one - other.numpy()).max() for one, other in zip(run(photos.numpy()), net(photos), strict=True))
        print(f"{file.name}: {file.stat().st_size / 1e6:.1f} MB; largest difference of any output: {apart:.1e}")
        assert apart < 1e-4
        torch.set_num_threads(1)
        try:
            for n in (1, 16):
                some = photos[:n]
                torch_ms = export.latency(functools.partial(net, some))
                onnx_ms = export.latency(functools.partial(run, some.numpy()))
                print(f"{n:2} pictures, one processor, median of 30: PyTorch {torch_ms:6.1f} ms, ONNX Runtime {onnx_ms:6.1f} ms")
        finally:
            torch.set_num_threads(threads)

# %% [markdown]
# Floats are added in another order, so the outputs differ in the sixth or seventh digit and no more. Always compare them before you
# ship: an export that runs and computes something else is the worst kind of mistake. What the file does *not* hold is everything
# around the network: the square that is cut out, the size, the mean and standard deviation of the card, the names of the dishes.
# Pictures in BGR order, or not normalized, give confident nonsense and no error.
#
# How the two times compare depends on processor, versions and network, so believe only what you measured on the device itself, one
# picture at a time, after some calls that do not count. For phones there are also PyTorch's own
# [ExecuTorch](https://docs.pytorch.org/executorch/), Core ML and LiteRT, and weights in 8 bits (*quantization*), which are a quarter as large.
#
# ## 13. The app
#
# Everything is on one page. Choose a plate or upload a photo, correct the dish and the grams, add the meal to the
# diary, look at your day, follow a recommendation, save a card to share. Your photos stay in this kernel. The diary
# is a file in your own course folder, and it stores what you ate, never the picture.

# %% tags=["demo"]
mealomi.app()

# %% [markdown]
# Try it on a photo of your own lunch. The network was trained only on rendered plates, so expect it to be wrong, and
# watch what it says about its doubts.
#
# ## 14. Honest use: what the app must not be used for
#
# You have measured what this app can do. Tell everyone who uses it:
#
# - **Not for diets.** Look at the error per plate in section 3. A day has several plates, and a real kitchen uses
#   oil.
# - **Never for allergies.** An allergen can be in something that no camera sees, and a wrong *no nuts* can kill. No
#   threshold makes this safe.
# - **Not for medical decisions**: no insulin dose and no therapy from a photo. Software that is used in this way is a
#   medical device by law, and needs trials that this one has never had.
# - **Not to judge people.** What people eat is private, and may reveal faith, money or illness. Counting calories can
#   harm people with an eating disorder. Keep data on the user's device, keep little of it, and let people delete it.
# - **Say where the numbers come from**: rendered plates, a table of averages, one version of a score. A number with
#   two decimals looks as if it knew better.
#
# ## Quiz
#
# Write a letter for each, for example `answer_1 = "a"`.
#
# **1.** You add up a cross-entropy of 1.8, an error of 120 g and a box error of 0.02, without weights. What will the
# trunk learn best?
#
# - a) All three equally well.
# - b) The box.
# - c) The grams.
# - d) Whatever you care about most.
#
# **2.** A network takes a small tomato for a large one. What would help?
#
# - a) A threshold on its largest probability.
# - b) Something of known size in the picture.
# - c) More training pictures of the same kind.
# - d) A deeper network.
#
# **3.** A food has 12 unfavorable points, 6 for protein, 3 for fiber and 1 for fruit. What is its score?
#
# - a) 8
# - b) 2
# - c) 12
# - d) 6
#
# **4.** A threshold was chosen so that 5 % of the validation plates are turned away. What do you know?
#
# - a) Exactly 5 % of all future plates will be turned away.
# - b) 5 % of other pictures will be let in.
# - c) 95 % of plates will be named correctly.
# - d) About 5 % of plates of the same kind will be turned away; what else gets in must be measured.
#
# **5.** A friend with a nut allergy wants to scan his food with MealoMi. What do you tell him?
#
# - a) It is fine if the plate is named with 99 %.
# - b) Not to use it for that at all.
# - c) It is fine if the Nutri-Score is A.
# - d) It is fine for the twenty dishes that it knows.

# %% exercise="12.quiz"
### BEGIN SOLUTION
### STUB answer_1 = None
### STUB answer_2 = None
### STUB answer_3 = None
### STUB answer_4 = None
### STUB answer_5 = None
answer_1 = "c"
answer_2 = "b"
answer_3 = "a"
answer_4 = "d"
answer_5 = "b"
### END SOLUTION

# %% check="12.quiz"
check("12.quiz", answer_1, answer_2, answer_3, answer_4, answer_5)

# %% [markdown]
# ## What you know now
#
# - One trunk can serve several heads. That saves parameters and time; whether the tasks help each other must be
#   measured.
# - In a sum of losses, units decide which one counts. Use logarithms and fractions, choose weights, and look at the
#   gradients.
# - What does not exist (the box of an empty plate) must not count. Select first, then take the logarithm.
# - Compare every number with that of a lazy answer. Here much of what looks like weighing is knowing the dish.
# - In a product the errors multiply, and they can hide each other. Correct one at a time.
# - A detector returns too many boxes. Suppression keeps the best of those that overlap, and average precision charges for
#   every box that is wrong, or one too many, and for every plate that is missed.
# - A probability is worth what you have measured of it. One temperature can make a network say what is true, on pictures of
#   the same kind.
# - A threshold is a promise about one kind of error. The other must be measured, on pictures that were not used to
#   choose it.
#
# ### Cheat sheet
#
# | what | how |
# |---|---|
# | multi-task loss | $w_1$ CE + $w_2 \lvert z - \ln g \rvert$ + $w_3 \lvert b - t \rvert$; the last two on food only |
# | portion | amount per 100 g · grams / 100 |
# | energy error | mean absolute difference: as predicted, with the true dish, with the true grams |
# | Nutri-Score 2023 | energy, sugars, saturated fat and salt, minus protein (only below 11), fiber and fruit; A to 0, B to 2, C to 10, D to 18 |
# | salt | 2.5 · sodium |
# | several boxes | the best one stays, what overlaps it by more than the threshold goes; then the best of the rest |
# | average precision | mean over all true boxes of the precision at their hits, not found: 0 |
# | calibration | ECE: sum over bins of the bin's share · \|accuracy − mean confidence\| |
# | temperature | softmax(scores / T), T by the lowest cross-entropy on the validation plates |
# | threshold | the highest validation score with at most the promised share of food below it |
# | ONNX file | `export.to_onnx(net, file, size)`, then compare the outputs, then the latency |
# | local day | (UTC + offset), then its date |
# | taste | mean of the liked embeddings of length 1; rank by cosine |
#
# ### Words
#
# - **embedding**: the features of a picture as a vector in which similar pictures lie close together.
# - **expected calibration error**: how far confidence and accuracy are apart, averaged over bins of confidence (ECE).
# - **latency**: how long one answer takes, from the question on; throughput is how many answers a second there are.
# - **mean average precision**: the precision at each hit, averaged over all things to be found, then over the classes (mAP).
# - **multi-task learning**: training one network for several outputs at once.
# - **non-maximum suppression**: of boxes that overlap, keeping the one with the highest score (NMS).
# - **ONNX**: a file format for networks, which holds their operations and weights and runs without the library that trained them.
# - **open-set recognition**: telling whether a picture belongs to any known class at all.
# - **temperature scaling**: dividing all scores by one number, chosen on validation data, so that probabilities become calibrated.
# - **trunk**: the layers that several heads share.
#
# ### Next
#
# An embedding found dishes that look alike. Can it also say whether two pictures show *the same* thing, even a thing
# that it was never trained on? That is how faces are recognized. Chapter 13 does it with plates, and then asks
# whether one should.
#
# ### Further reading
#
# - Rich Caruana, [Multitask Learning](https://doi.org/10.1023/A:1007379606734), 1997: where shared trunks come from.
# - Ross Girshick, [Fast R-CNN](https://arxiv.org/abs/1504.08083), 2015: class and box from one trunk, with one loss.
# - Kendall, Gal and Cipolla, [Multi-task learning using uncertainty to weigh
#   losses](https://arxiv.org/abs/1705.07115), 2018.
# - Everingham and others, [The PASCAL visual object classes (VOC) challenge](https://doi.org/10.1007/s11263-009-0275-4), 2010.
# - Guo, Pleiss, Sun and Weinberger, [On calibration of modern neural networks](https://arxiv.org/abs/1706.04599), 2017.
# - Hendrycks and Gimpel, [A baseline for detecting misclassified and out-of-distribution
#   examples](https://arxiv.org/abs/1610.02136), 2017.
# - Lee and others, [A simple unified framework for detecting out-of-distribution
#   samples](https://arxiv.org/abs/1807.03888), 2018.
# - Nutri-Score: Santé publique France, Regulation of use and Scientific and Technical FAQ, 2023; Scientific Committee
#   of the Nutri-Score, Update of the Nutri-Score algorithm, 2022.
# - USDA, [National Nutrient Database for Standard
#   Reference](https://www.ars.usda.gov/northeast-area/beltsville-md-bhnrc/beltsville-human-nutrition-research-center/methods-and-application-of-food-composition-laboratory/mafcl-site-pages/sr11-sr28/),
#   release 27, 2014.
# - Mitchell and others, [Model Cards for Model Reporting](https://arxiv.org/abs/1810.03993), 2019: how to say what a
#   network is for.
