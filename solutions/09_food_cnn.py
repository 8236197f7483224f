# %% [markdown]
# # 09 A food CNN from scratch
#
# Now it gets real. Plates go in, a dish comes out. You take a network from random weights to one that names most of twelve dishes
# on plates that it has never seen, in about a minute on a laptop. Every part of the recipe is on the table: you see what it
# does, you write the parts that people get wrong, and you look at measurements of what each part is worth.
#
# **When you are done, you can**
#
# - prepare pictures: bytes on the device, statistics from the training set alone, augmentation in batches;
# - design a convolutional network under a budget of parameters and of work;
# - read a training loop line by line: schedule, label smoothing, averaged weights;
# - stop a run and go on with it as if nothing had happened;
# - judge a network: curves, a confusion matrix, and its worst mistakes, looked at;
# - say what an ablation shows, and what lies within the noise.
#
# **What you build**: `normalisation_stats`, `augment`, `FoodNet`, `save_checkpoint` and `load_checkpoint`, `confusion_matrix`,
# `worst_mistakes`.
#
# **Time**: about 90 minutes. **You need**: chapters 04, 05, 07 and 08. **You do not need a GPU.**

# %%
import inspect

import numpy as np
import torch
from torch import nn

from introdl import check, data, figures, game, hint, models, training
from introdl.experiments import records
from introdl.figures import food_cnn as figs
from introdl.figures.training import show_curves
from introdl.models import plain
from introdl.training import loop

figures.use_style()

# %% tags=["parameters"]
size = 64  # of the pictures in pixels; 128 on a GPU
epochs = 8  # of the training in section 5; 30 on a GPU
seed = 9

# %% [markdown]
# ## 1. Plates on the device
#
# The base menu: twelve dishes, 224 training plates of each, and 48 each to validate and to test.

# %%
plates = data.plates(size=size, dishes="base")
train, val = plates.split("train"), plates.split("val")
dishes = plates.classes
print(f"{len(train)} training plates, {len(val)} validation plates, {train.images.dtype}, {train.images.shape[1:]}")
print(f"as bytes {train.images.nbytes / 1e6:.0f} MB, as float32 {4 * train.images.nbytes / 1e6:.0f} MB")

# %% [markdown]
# They are small enough to lie on the device, all of them, from beginning to end. As bytes, not as floats: a quarter of the
# memory, and a quarter of the traffic. A batch is cut out by its indices, and only then turned into floats. There are no files
# to open while the network waits.
#
# ### Normalisation
#
# Chapter 00 standardised pictures: networks learn best from numbers around 0 with a spread around 1. Now there are several sets, and the
# question is whose numbers to take. Each channel $c$ gets a mean $\mu_c$ and a standard
# deviation $\sigma_c$, both over all pixels of all **training** pictures, and a byte $x$ becomes
#
# $$z = \frac{x / 255 - \mu_c}{\sigma_c} .$$
#
# **By hand**: a red channel with the four bytes 0, 255, 255, 0. As shares: 0, 1, 1, 0. Mean 0.5. All are 0.5 away from it, so
# the deviation is 0.5. Normalised: -1, 1, 1, -1.
#
# Why from the training set alone? Validation and test plates stand for plates of tomorrow. What you compute with them, they
# have told you, and then they no longer judge fairly. A mean is a small leak. The habit is not small.
#
# ### Exercise: `normalisation_stats`

# %% exercise="09.normalisation_stats"
def normalisation_stats(images, splits):
    """Mean and standard deviation of each channel, over the training pictures.

    Parameters
    ----------
    images : numpy.ndarray
        uint8, (N, H, W, 3), of all splits.
    splits : numpy.ndarray
        str, (N,): "train", "val" or "test" for each picture.

    Returns
    -------
    tuple of 2 numpy.ndarrays
        mean and std, (3,) each, of pictures scaled to [0, 1]. The deviation is divided by the
        number of pixels (as in NumPy's std), not by one less.

    Example
    -------
    >>> images = np.array([[[[0, 0, 255]], [[255, 0, 255]]]], dtype=np.uint8)  # (1, 2, 1, 3)
    >>> normalisation_stats(images, np.array(["train"]))
    (array([0.5, 0. , 1. ]), array([0.5, 0. , 0. ]))
    """
    ### BEGIN SOLUTION
    x = images[splits == "train"] / 255
    return x.mean(axis=(0, 1, 2)), x.std(axis=(0, 1, 2))
    ### END SOLUTION

# %% check="09.normalisation_stats"
check("09.normalisation_stats", normalisation_stats)

# %% [markdown]
# ## 2. Augmentation
#
# 224 pizzas are few. But a pizza in a mirror is a pizza, and so is one that lies a little to the left, or in warmer light.
# **Augmentation** changes each training picture a little, anew in every epoch, and keeps its label. The network never sees the
# same pixels twice.
#
# Two rules. The change must keep the label true: an upside-down ice cream is a sad one, and our cameras never hang from the table.
# And each picture draws for itself. One draw for the whole batch makes the gradients of a step all err in the same direction.
#
# 1. Set *turn* to 90 and *move* to 0.5. Would you still name the dish?
# 2. Set everything to 0 and tick *mirror*. How many different pictures are left?
# 3. How large may the *square* become before you hesitate?

# %% tags=["demo"]
figs.augmentation_explorer([train.images[np.flatnonzero(train.labels == k)[0]] for k in range(len(dishes))], dishes)

# %% [markdown]
# The training below uses these bounds (`training.Augment()`), drawn for each picture:

# %% tags=["demo"]
print(training.Augment())
figs.augmented_grid(train.images[np.flatnonzero(train.labels == 4)[2]], dishes[4], training.Augment(), seed)

# %% [markdown]
# Now write a small one yourself: mirror and move. **By hand**, one row of a picture, 1 2 3 4, with shift 1: mirrored it is
# 4 3 2 1; moved one to the right, 0 4 3 2. What comes in is black.
#
# ### Exercise: `augment`

# %% exercise="09.augment"
def augment(images, labels, shift, rng):
    """Mirror and move each picture of a batch, each by draws of its own.

    Parameters
    ----------
    images : numpy.ndarray
        uint8, (N, H, W, 3). Not changed.
    labels : numpy.ndarray
        int64, (N,).
    shift : int
        The most that a picture is moved, in pixels: 0 or more.
    rng : numpy.random.Generator
        Where all draws come from.

    Returns
    -------
    tuple of 2 numpy.ndarrays
        New pictures, like images, and their labels, in the order in which they came. Each
        picture is mirrored, left to right, with probability 1/2. Then it is moved down by dy
        and to the right by dx, whole numbers from -shift to shift, all equally likely, drawn
        for each picture and each axis. What comes in is black, 0.
    """
    ### BEGIN SOLUTION
    n, height, width, _ = images.shape
    flip = rng.random(n) < 0.5
    mirrored = np.where(flip[:, None, None, None], images[:, :, ::-1], images)
    padded = np.pad(mirrored, ((0, 0), (shift, shift), (shift, shift), (0, 0)))
    corners = rng.integers(0, 2 * shift + 1, (n, 2))
    new = np.stack([padded[k, y : y + height, x : x + width] for k, (y, x) in enumerate(corners)])
    return new, labels.copy()
    ### END SOLUTION

# %% check="09.augment"
check("09.augment", augment)

# %% [markdown]
# ## 3. The network
#
# The pattern has not changed since LeNet: convolution, nonlinearity, pooling, again and again. Maps shrink, channels grow. At the end
# a mean over height and width (chapter 04's global average pooling) leaves one number for each channel, and a dense layer makes
# scores of them. This is one stage of the network that this chapter trains:

# %%
print(inspect.getsource(plain.stage))

# %% [markdown]
# New is **batch normalisation**. For each channel it takes the mean $m$ and the variance $v$ over the batch and all places, and
# returns
#
# $$y = \gamma \, \frac{x - m}{\sqrt{v + \epsilon}} + \beta .$$
#
# - $x$: activations of a channel, over $(N, H, W)$. $\gamma, \beta$: two learned numbers for each channel. $\epsilon$: a small
#   number, $10^{-5}$, so that nothing is divided by 0.
#
# **By hand**: activations 1, 3, 5, 7. $m = 4$, $v = (9 + 1 + 1 + 9) / 4 = 5$, $\sqrt{5} = 2.24$. So with $\gamma = 1$, $\beta = 0$: -1.34, -0.45, 0.45,
# 1.34. Whatever the layers before do to the scale, the next layer finds it in order
# ([Ioffe and Szegedy, 2015](https://arxiv.org/abs/1502.03167)). In evaluation it uses running means in place of the batch's, so
# that a plate's dish does not depend on its neighbours.

# %%
layer = nn.BatchNorm2d(1)
x = torch.tensor([1.0, 3.0, 5.0, 7.0]).reshape(4, 1, 1, 1)
print("training:  ", layer.train()(x).flatten().tolist())
print("evaluation:", layer.eval()(x).flatten().tolist(), "(running mean and variance after one batch)")

# %% [markdown]
# ### Exercise: `FoodNet`
#
# Your turn, and the rules are those of a phone: at most **200,000 parameters**, and at most **20 million multiplications** for a
# picture of 32 x 32 pixels. (Chapter 08's `conv_flops` counts them, twice.) Frozen parameters count, and so do constants
# and buffers, other than batch normalisation's own. The check builds your network, draws its first weights anew (torch's layers
# draw theirs, parameters of your own are shuffled), and trains it by a short recipe of its own: 300 steps of 64 plates, AdamW,
# one cycle. Then come plates that it has never seen. 60, 68 and 76 % right earn marks step by step. In this notebook the validation
# plates judge; when you are graded, plates that nobody has. Their colours and their dishes' numbers are dealt anew, so a network
# that learned elsewhere brings little along. The check takes from 10 seconds to a minute.
#
# It may not use `introdl.models`. Everything in `torch.nn` is yours.

# %% exercise="09.food_net"
class FoodNet(nn.Module):
    """A convolutional network that names dishes, within a budget.

    Parameters
    ----------
    num_classes : int
        How many dishes there are, K.

    Its forward turns normalised pictures, float32 (N, 3, 32, 32), into scores (N, K): no
    softmax. It has 200,000 parameters at most, buffers and constants among them, and needs 20
    million multiplications for a picture at most. All its work is done by torch, and its weights
    change by training alone.
    """

    def __init__(self, num_classes):
        super().__init__()
        ### BEGIN SOLUTION
        layers, channels = [], (3, 16, 32, 64, 128)
        for before, after in zip(channels[:-1], channels[1:], strict=True):
            layers += [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)]
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(channels[-1], num_classes)
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        return self.head(self.body(x).mean(dim=(2, 3)))
        ### END SOLUTION

# %% check="09.food_net"
check("09.food_net", FoodNet)

# %% [markdown]
# ## 4. The loop, line by line
#
# From here on, training is done by `introdl.training`. Nothing about it is hidden. This is one epoch:

# %%
print(inspect.getsource(loop._epoch))

# %% [markdown]
# You know most of its lines. Three are worth a look, and two of them are new.
#
# **The schedule** is an old friend: chapter 07's warm-up and cosine, here as a factor of the highest rate. **By hand**: 100 steps, a tenth
# of them warm-up. Step 4 (the fifth) has 5/10 of the highest rate, step 9 all of it.

# %%
factors = [training.one_cycle(step, 100, 0.15) for step in range(100)]
figs.schedule(factors, 0.15)

# %% [markdown]
# **Label smoothing.** The target of a pizza is 1 for pizza and 0 for the rest. No finite scores ever reach that, so they grow for
# ever. With a share $s$ the target becomes $1 - s + s / K$ for the true dish and $s / K$ for each other. **By hand**, $K = 12$
# and $s = 0.1$: 0.908 and 0.0083. Being sure is enough; being infinitely sure is not asked for
# ([Szegedy and others, 2016](https://arxiv.org/abs/1512.00567)). The loop asks its *task* for the loss, because the app's network of
# chapter 12 has another one. For naming dishes, it is this:

# %%
print(inspect.getsource(training.Classification.loss))

# %% [markdown]
# **Averaged weights.** Each step follows one noisy batch. The mean of many steps' weights is calmer than any of them. An
# *exponential moving average* (EMA) keeps one: $\bar w \leftarrow \alpha \bar w + (1 - \alpha) w$. With $\alpha = 0.98$ it
# remembers about $1 / (1 - \alpha) = 50$ steps. It is the average that is evaluated and kept.

# %%
print(inspect.getsource(loop.average))

# %% [markdown]
# ## 5. Train
#
# The recipe in numbers, then the run. By default it takes half a minute to two minutes on a CPU. On a GPU, set `size = 128` and
# `epochs = 30` above (or with papermill, `introdl execute` and `-p`).

# %% tags=["demo"]
training.quickest_threads()
settings = training.Settings(epochs=epochs, batch_size=64, lr=3e-3, seed=seed)
print(settings)
torch.manual_seed(seed)
model = models.PlainCNN(len(dishes), (16, 32, 64, 128, 256))
history = training.train(model, train, val, settings, quiet=True)
show_curves(history)

# %% [markdown]
# Look at the curves. The training accuracy is *below* the validation accuracy. Is that possible? It is, for two reasons: training
# pictures are changed, which makes them harder, and the training accuracy is counted while the network still learns, the
# validation accuracy after it, with the averaged weights.
#
# ### Several GPUs
#
# The same loop runs on several GPUs. `torchrun` starts one process for each; every process takes its share of each batch, and the
# gradients are averaged before the step:
#
#     torchrun --nproc-per-node 4 -m introdl.recipes plates-128 --out weights
#
# Nothing else changes. The batch is the whole batch, the draws are made for all of it, so the result is that of one device up
# to rounding.
#
# ## 6. Stop and go on
#
# Long runs get interrupted. A **checkpoint** is a file that holds everything on which the next step depends. That is more than the
# weights: the optimizer remembers (momentum; Adam's running means), the schedule knows where it is, and the generator knows what it
# will draw next. Forget one, and the run goes on, without an error, and ends elsewhere.
#
# The check trains a small network, saves, goes on; then begins anew in another process, loads, and goes on from there. Both must end
# with the same numbers.
#
# ### Exercise: `save_checkpoint` and `load_checkpoint`

# %% exercise="09.checkpoint"
def save_checkpoint(path, model, optimizer, schedule, generator, epochs):
    """Write down everything that the next epoch depends on.

    Parameters
    ----------
    path : pathlib.Path
        Where to.
    model, optimizer, schedule : torch.nn.Module, torch.optim.Optimizer, LRScheduler
        Each has state_dict() and load_state_dict().
    generator : torch.Generator
        Draws the order of the pictures; it has get_state() and set_state().
    epochs : int
        How many are finished.
    """
    ### BEGIN SOLUTION
    torch.save(
        {
            "model": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "schedule": schedule.state_dict(),
            "generator": generator.get_state(),
            "epochs": epochs,
        },
        path,
    )
    ### END SOLUTION


def load_checkpoint(path, model, optimizer, schedule, generator):
    """Bring a fresh model, optimizer, schedule and generator to where they were saved.

    Returns
    -------
    int
        How many epochs are finished.
    """
    ### BEGIN SOLUTION
    saved = torch.load(path)
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    schedule.load_state_dict(saved["schedule"])
    generator.set_state(saved["generator"])
    return saved["epochs"]
    ### END SOLUTION

# %% check="09.checkpoint"
check("09.checkpoint", save_checkpoint, load_checkpoint)

# %% [markdown]
# ## 7. What does it get wrong?
#
# One number is not an answer. Which dishes does it confuse? Chapter 01 read a **confusion matrix**; now you make one. Count each pair of
# truth and answer. **By hand**: true dishes
# 0, 0, 1 and answers 0, 1, 1. Row 0 (true dish 0) is 1, 1: once right, once called 1. Row 1 is 0, 1.
#
# ### Exercise: `confusion_matrix`

# %% exercise="09.confusion_matrix"
def confusion_matrix(labels, predictions, k):
    """Count what each dish is called.

    Parameters
    ----------
    labels, predictions : numpy.ndarray
        int64, (N,): the true dishes and the answers, from 0 to k - 1.
    k : int
        How many dishes there are; some may not come.

    Returns
    -------
    numpy.ndarray
        Counts, (k, k): entry [i, j] is how many plates of dish i were called j.

    Example
    -------
    >>> confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), 2)
    array([[1, 1],
           [0, 1]])
    """
    ### BEGIN SOLUTION
    matrix = np.zeros((k, k), dtype=np.int64)
    for label, prediction in zip(labels, predictions, strict=True):
        matrix[label, prediction] += 1
    return matrix
    ### END SOLUTION

# %% check="09.confusion_matrix"
check("09.confusion_matrix", confusion_matrix)

# %% [markdown]
# The network of section 5 on the test plates. This is the one look at them that we take.

# %% tags=["demo"]
test = plates.split("test")
mean, std = history.about["mean"], history.about["std"]
with torch.inference_mode():
    scores = model.eval().cpu()(training.normalise(torch.from_numpy(np.array(test.images)), mean, std))
probabilities = scores.float().softmax(dim=1).numpy()
named = probabilities.argmax(axis=1)
accuracy = (named == test.labels).mean()
print(f"test accuracy {accuracy:.1%}, standard error {np.sqrt(accuracy * (1 - accuracy) / len(test)):.1%}")
matrix = np.zeros((len(dishes), len(dishes)), dtype=int)
np.add.at(matrix, (test.labels, named), 1)
figs.confusion(matrix, dishes)

# %% [markdown]
# Then look at pictures, always. The **worst mistakes** are those that the network was surest of: nobody would ask it twice. Look at
# them and you find wrong labels, odd cameras, dishes that even you would not name, and gaps in the training set.
#
# ### Exercise: `worst_mistakes`

# %% exercise="09.worst_mistakes"
def worst_mistakes(probabilities, labels, n):
    """Which plates are named wrong, with the most confidence?

    Parameters
    ----------
    probabilities : numpy.ndarray
        (N, K); the named dish is the one with the largest.
    labels : numpy.ndarray
        int64, (N,): the true dishes.
    n : int
        How many to return at most.

    Returns
    -------
    numpy.ndarray
        Numbers of the plates that are named wrong, those with the highest probability of the
        named dish first: n of them, or as many as there are.

    Example
    -------
    >>> worst_mistakes(np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]), np.array([1, 1, 1]), 2)
    array([0, 2])
    """
    ### BEGIN SOLUTION
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    order = np.argsort(-probabilities[wrong].max(axis=1))
    return wrong[order][:n]
    ### END SOLUTION

# %% check="09.worst_mistakes"
check("09.worst_mistakes", worst_mistakes)

# %% tags=["demo"]
wrong = np.flatnonzero(named != test.labels)
worst = wrong[np.argsort(-probabilities[wrong].max(axis=1))][:12]
figs.mistakes(test.images, test.labels, probabilities, worst, dishes)

# %% [markdown]
# **Play against it.** The game of chapter 00 takes any network. Here is the one that you have just trained: twelve dishes, five guesses for
# each plate. The *hard* course begins with the plates that *it* names worst.

# %% tags=["demo"]
game.play(game.Deck(test, lambda images: probabilities), name="chapter 09", seed=seed)

# %% [markdown]
# ## 8. What does each trick buy?
#
# An **ablation** takes one part away and measures again. One run is not enough: another seed alone changes the result. So every
# arm was trained with several seeds, and compared with the full recipe with the same seed. That takes long, so it was done
# once, by `python -m introdl.experiments.ablation`, and recorded:

# %%
record = records.load("ablation")
about, counts = record["about"], {}
for made in record["runs"]:
    counts[made["arm"]] = counts.get(made["arm"], 0) + 1
print(f"{about['network']} {about['widths']}, {about['size'][0]} px, {about['settings']}")
print(f"{' or '.join(map(str, sorted(set(counts.values()))))} seeds an arm; {about['machine']['device']}, {about['machine']['day']}")
gains, noise = figs.ablation_gains(record)
for arm, values in gains.items():
    print(f"{arm:>58}: {np.mean(values):+5.1f} points ({min(values):+.1f} to {max(values):+.1f})")
print(f"the full recipe itself, from seed to seed: standard deviation {noise:.1f} points")
figs.ablation(record)

# %% [markdown]
# Read it with care.
#
# - A bar that is no longer than the shaded band shows **nothing**. It does not show that the part is useless, either: for that
#   too, one would need more seeds.
# - An effect belongs to its budget. In eight epochs the network meets each plate eight times, and cannot yet know it by heart. So
#   augmentation has little to prevent and makes learning slower: without it, all three seeds do better. The last two rows are three
#   times as long, and there it is the other way around, with every seed: 24 epochs with augmentation beat 24 without, by about a
#   point. (That is little beside the noise of a single seed. It is the pairing, three out of three, that speaks for it.)
# - The parts lean on each other. Without batch normalisation another learning rate might be better, so there is an arm with a
#   quarter of it. Is the rate to blame?
# - 576 test plates have a standard error of their own: about a point at 93 %.
#
# ## 9. Written answer
#
# A colleague reports: *"My new trick buys 0.8 points! I trained the old recipe and the new one once each, at the same epochs,
# looked at the test accuracy after every epoch, and took each one's best: 93.2 against 94.0 %, on 500 plates. The trick also doubled the
# training time, since I let it run until it stopped getting better."*
#
# In at most 200 words:
#
# 1. Is 0.8 points more than chance? Give the size of the test set's standard error, and say what else varies.
# 2. What is wrong with how the two numbers were chosen?
# 3. What is unfair about the comparison?
# 4. Describe the experiment that you would make: arms, seeds, which set decides, what you would report.

# %% [markdown] written="09.essay" points=10
# **A model answer**
#
# No. At 93 % on 500 plates the standard error is sqrt(0.93 * 0.07 / 500) = 1.1 points, so 0.8 is less than one standard error of
# one number. Seeds vary too: first weights, order, augmentation. One run each cannot tell the trick from the seed. The best of
# all epochs was chosen on the test set, so the test set is no longer unseen, and both numbers are too good; the epoch must be
# chosen on validation plates. And the new recipe had twice the time. Longer training may be all of the gain. I would train both
# recipes with the same budget of steps (and the old one also for as long as the new), with five seeds each, choose epochs on
# the validation set, look at the test set once at the end, and report the mean difference over seeds, paired, with its spread, and
# the time that it costs.
#
# ### BEGIN MARK SCHEME
# | points | for |
# |---|---|
# | 3 | Standard error of about 1.1 points, or a right formula with these numbers (2); seeds, first weights or order vary too (1). "0.8 is small" without a number: 1 of 3. |
# | 2 | The epoch is chosen on the test set (1), so the reported numbers are too good; a validation set should choose (1). |
# | 2 | Twice the training time (1); the old recipe needs the same budget to be compared (1). |
# | 2 | Several seeds for each arm (1); the mean difference with its spread is reported, the test set is looked at once (1). |
# | 1 | Clear, in whole sentences, within the length. |
#
# Whoever counts the two results as paired, on the same plates, and says that the difference's error is then smaller, is right and
# has the full 3 points of the first row, if a number is given.
# ### END MARK SCHEME

# %% [markdown]
# ## Quiz
#
# Write a letter for each, for example `answer_1 = "a"`.
#
# **1.** Why are mean and deviation not computed over all plates, test plates among them?
#
# - a) Because the result would be much too good.
# - b) Because nothing that is computed with test plates may enter the training; they stand for plates that you do not have.
# - c) Because normalised test pictures would need too much memory.
# - d) It does not matter: all parts have the same mean.
#
# **2.** Network A: 99.9 % of training plates, 86 % of validation plates. Network B: 95 % and 94 %. Which one goes into the app?
#
# - a) A, since it has learned more.
# - b) A, since its training is finished.
# - c) Neither of the two can be judged.
# - d) B, since it is better on plates that it has not seen.
#
# **3.** A checkpoint holds the network's weights alone. You resume. What happens?
#
# - a) Training goes on without an error, but not as it would have.
# - b) The accuracy drops to that of random weights.
# - c) Loading raises an error.
# - d) Nothing: the weights are all that matters.
#
# **4.** What does label smoothing change?
#
# - a) nothing, as long as the largest score is the right one
# - b) the pictures: they get softer
# - c) the loss's target: a little of the true dish's share goes to all dishes, so scores need not grow for ever
# - d) the labels: some become wrong on purpose
#
# **5.** With and without a trick: 93.4 and 92.8 % of test plates. The seed alone changes results by a point. What do you say?
#
# - a) The trick helps: 0.6 points.
# - b) I cannot tell. I would train both with several seeds and compare the difference with its spread.
# - c) The trick surely does nothing.
# - d) Keep the one with the better test accuracy, for that is what the test set is for.

# %% exercise="09.quiz"
### BEGIN SOLUTION
### STUB answer_1 = None
### STUB answer_2 = None
### STUB answer_3 = None
### STUB answer_4 = None
### STUB answer_5 = None
answer_1 = "b"
answer_2 = "d"
answer_3 = "a"
answer_4 = "c"
answer_5 = "b"
### END SOLUTION

# %% check="09.quiz"
check("09.quiz", answer_1, answer_2, answer_3, answer_4, answer_5)

# %% [markdown]
# ## What you know now
#
# - Bytes lie on the device; a batch is cut out, augmented and normalised there. Statistics come from the training set alone.
# - Augmentation keeps the label, changes the pixels, and draws for each picture.
# - Convolution, batch normalisation, ReLU, pooling; then a mean over space and a dense layer. Budgets make designs.
# - One cycle, label smoothing, averaged weights: three lines in the loop.
# - A checkpoint holds weights, optimizer, schedule, generator and the number of epochs.
# - Look at the confusion matrix, then at the pictures.
# - An ablation without seeds and spread shows nothing.
#
# ### Cheat sheet
#
# | what | how |
# |---|---|
# | normalise | $(x / 255 - \mu) / \sigma$, one $\mu$ and $\sigma$ a channel, training set |
# | stage | `Conv2d(a, b, 3, padding=1, bias=False)`, `BatchNorm2d(b)`, `ReLU()`, `MaxPool2d(2)` |
# | head | `x.mean(dim=(2, 3))`, `Linear(channels, K)`; no softmax |
# | label smoothing | `cross_entropy(scores, labels, label_smoothing=0.1)` |
# | checkpoint | `torch.save({...state_dict()...}, path)`, `load_state_dict(torch.load(path)[...])` |
# | several GPUs | `torchrun --nproc-per-node N -m introdl.recipes NAME` |
# | standard error of an accuracy | $\sqrt{p (1 - p) / n}$ |
#
# ### Next
#
# It works. But what does it look at? Chapter 10 opens the network: filters, feature maps, and the pixels that decide.
#
# ### Further reading
#
# - Andrej Karpathy, [A recipe for training neural networks](https://karpathy.github.io/2019/04/25/recipe/), 2019.
# - Ioffe and Szegedy, [Batch normalization](https://arxiv.org/abs/1502.03167), 2015.
# - Szegedy and others, [Rethinking the Inception architecture](https://arxiv.org/abs/1512.00567), 2016: label smoothing.
# - Smith and Topin, [Super-convergence](https://arxiv.org/abs/1708.07120), 2017: one cycle.
# - [cs231n: training neural networks](https://cs231n.github.io/neural-networks-3/): what to watch while it runs.
# - PyTorch, [torchrun](https://pytorch.org/docs/stable/elastic/run.html).
