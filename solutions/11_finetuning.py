# %% [markdown]
# # 11 Fine-tuning
#
# MealoMi can name twelve dishes. Today the kitchen puts eight **specials** on the menu: bagel, waffles, hot dog,
# tomato, sushi, steak, chocolate cake and cheesecake. You have twenty pictures of each. A ResNet-18 has eleven million
# weights, and from scratch it knows nothing. But a network that was trained on twelve other dishes already knows what a
# crust, a plate and a shadow look like, so you can start from there. That is **transfer learning**: it saves training
# time, and it needs less data. How much of each? In this chapter you measure it.
#
# **When you are done, you can**
#
# - explain what a residual block adds, and why very deep networks need it;
# - write ResNet-18 so that published weights load into it by name, and notice when they do not;
# - give a network a new head, freeze its body, and keep BatchNorm's statistics fixed;
# - train head and body with two learning rates;
# - compare training from scratch, a frozen backbone and fine-tuning fairly, and say what the comparison does not show;
# - train a network on a folder of your own photographs, look at its mistakes, save it, and name new pictures with it;
# - say what Vision Transformers, CLIP and self-supervision do, and when to try which.
#
# **What you build**: `few_shot_subset`, `BasicBlock`, `ResNet18`, `load_pretrained`, `replace_head`, `freeze` with
# `train_mode`, and `parameter_groups`.
#
# **Time**: about 105 minutes. **You need**: convolutions and pooling (03, 04), the training step of chapter 08. **You do
# not need a GPU.**

# %%
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from introdl import check, data, figures, hint, models, training
from introdl.experiments import records
from introdl.figures import finetuning as figs
from introdl.figures.food_cnn import confusion, mistakes

figures.use_style()

# %% tags=["parameters"]
seed = 11  # of the pictures that are drawn, of first weights and of the order in training
per_class = 20  # training pictures of each special in the live run of section 7
steps = 32  # of the live run, for fine-tuning and from scratch each
size = 64  # height and width of the pictures in pixels

# %% [markdown]
# ## 1. The specials
#
# Four of the specials are close relatives of dishes on the base menu, on purpose: bagel and doughnut, waffles and
# pancakes, hot dog and burger, tomato and apple.

# %%
specials = data.plates(size=size, dishes="special")
train, val, test = (specials.split(part) for part in ("train", "val", "test"))
print(specials)

# %% [markdown]
# You pretend to have only a few of the training pictures. Which ones? Not the first ones: somebody may have sorted
# them. Not a random sample from the whole set either: one dish might get 31 pictures and another 12. Draw **the same
# number from each class**, without replacement, and use a generator that is passed in, so that a run can be repeated
# with the same pictures or with others.
#
# **By hand**: labels 0, 1, 1, 0, 1, 0, two of each class. Class 0 is at the indices 0, 3, 5, and class 1 at 1, 2, 4.
# Draw two of the first three, say 5 and 0, and two of the other three, say 1 and 4. The result is 5, 0, 1, 4, in any
# order.
#
# ### Exercise: `few_shot_subset`

# %% exercise="11.few_shot_subset"
def few_shot_subset(labels, per_class, rng):
    """Draw the same number of pictures from each class.

    Parameters
    ----------
    labels : numpy.ndarray
        (N,) int64: class of each picture, from 0 to K - 1; each class occurs. Do not change it.
    per_class : int
        Number of pictures from each class, at least 1.
    rng : numpy.random.Generator
        Makes all random draws.

    Returns
    -------
    numpy.ndarray
        (K * per_class,) whole numbers: indices of the chosen pictures, none twice, in any order.

    Raises
    ------
    ValueError
        Where a class has fewer than per_class pictures.

    Example
    -------
    >>> few_shot_subset(np.array([0, 1, 1, 0, 1, 0]), 2, np.random.default_rng(3))
    array([3, 5, 2, 4])    # for instance
    """
    ### BEGIN SOLUTION
    found = []
    for k in np.unique(labels):
        own = np.flatnonzero(labels == k)
        if len(own) < per_class:
            raise ValueError(f"Class {k} has {len(own)} pictures, fewer than {per_class}.")
        found.append(rng.choice(own, per_class, replace=False))
    return np.concatenate(found)
    ### END SOLUTION

# %% check="11.few_shot_subset"
check("11.few_shot_subset", few_shot_subset)

# %% [markdown]
# ## 2. The residual block
#
# More layers should never hurt, since the additional ones could simply pass on what they get. In practice they do hurt.
# On CIFAR-10 a plain network of 56 layers has a *higher training error* than one of 20 ([He and others,
# 2016](https://arxiv.org/abs/1512.03385), figure 1). To pass on its input, a stack of convolutions and ReLUs must learn
# the identity function, and that is surprisingly hard.
#
# Their remedy is a plus sign. Let $x$ be the input and $f(x)$ the output of two convolutions, both of shape
# $(N, C, H, W)$. A **residual block** returns
#
# $$y = \operatorname{ReLU}\big(f(x) + x\big).$$
#
# Now the identity is easy: $f = 0$. The convolutions only have to learn what should be *changed*, the residual. The
# path of $x$ around them is called a **skip connection**.
#
# **By hand**: $x = 2$, and the convolutions say $f(x) = -0.5$. A plain network continues with
# $\operatorname{ReLU}(-0.5) = 0$, so the signal is lost. The block continues with
# $\operatorname{ReLU}(-0.5 + 2) = 1.5$.
#
# What about the backward pass? The slope of $f(x) + x$ is $f'(x) + 1$, and through eighteen layers in a row the slopes
# are multiplied. What comes out depends on how large the slopes $f'$ are, so look at three kinds of layers:

# %%
draws = np.random.default_rng(seed)
for low, high in ((-0.3, 0.3), (-1.0, 1.0), (0.7, 1.3)):
    slopes = draws.uniform(low, high, (1000, 18))  # a thousand chains of eighteen layers
    plain, residual = np.median(np.abs(np.prod(slopes, axis=1))), np.median(np.abs(np.prod(slopes + 1, axis=1)))
    print(f"slopes f' from {low:4} to {high}: product of 18 slopes, plain {plain:7.1e}, residual {residual:7.1e} (medians)")

# %% [markdown]
# With small slopes, a gradient all but disappears in the plain chain and keeps its size in the residual one. With slopes
# between -1 and 1 it shrinks in both, but far less with the skip connection. And if every $f'$ is near 1, the plain
# chain is fine, while the residual one explodes. So the plus sign is not magic: it helps because BatchNorm and small
# first weights keep $f$ small at the start of training.

# %%
figs.residual_blocks()

# %% [markdown]
# Look at the block on the right. If the stride is 2 or the number of channels changes, $x$ has the wrong shape for the
# sum. Then it goes through a **projection**: a 1 x 1 convolution with the same stride, followed by a BatchNorm. Four
# details decide whether published weights work in your block. If one of them is wrong, the network may still run, but
# its answers are nonsense:
#
# - The order is convolution, BatchNorm, ReLU. The last ReLU comes **after** the plus.
# - The stride is in the **first** convolution (and in the projection).
# - No convolution has a bias: BatchNorm would subtract it again.
# - The **names** matter: PyTorch saves weights under the names of the attributes that hold them.
#
# ### Exercise: `BasicBlock`
#
# Write both methods with `torch.nn`. `introdl.models` and torchvision contain the finished block, so this chapter's
# exercises do not allow them.

# %% exercise="11.basic_block"
class BasicBlock(nn.Module):
    """The residual block of ResNet-18: relu(f(x) + x).

    Parameters
    ----------
    before, after : int
        Channels that go in and come out.
    stride : int
        Of the first convolution: 1 keeps height and width, 2 halves them (rounded up).

    Attributes
    ----------
    conv1, conv2 : torch.nn.Conv2d
        3 x 3, padding 1, no bias.
    bn1, bn2 : torch.nn.BatchNorm2d
        Each after the convolution with its number.
    downsample : torch.nn.Sequential
        1 x 1 convolution without bias, and its BatchNorm; only if stride or channels change the
        shape. (If they do not: None, or no such attribute.)

    Example
    -------
    >>> BasicBlock(64, 128, stride=2)(torch.zeros(7, 64, 16, 16)).shape
    torch.Size([7, 128, 8, 8])
    """

    def __init__(self, before, after, stride=1):
        super().__init__()
        ### BEGIN SOLUTION
        self.conv1 = nn.Conv2d(before, after, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.downsample = None
        if stride != 1 or before != after:
            self.downsample = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))
        ### END SOLUTION

    def forward(self, x):
        """Turn (N, before, H, W) into (N, after, H / stride, W / stride)."""
        ### BEGIN SOLUTION
        around = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(x)) + around)
        ### END SOLUTION

# %% check="11.basic_block"
check("11.basic_block", BasicBlock)

# %% [markdown]
# ## 3. ResNet-18
#
# ResNet-18 has eighteen layers with weights: a **stem** of one convolution, four **layers** of two blocks with two
# convolutions each, and a dense layer, the **head**: $1 + 4 \cdot 2 \cdot 2 + 1 = 18$. (Projections are not counted.)
#
# | part | what | 64 x 64 pixels become |
# |---|---|---|
# | `conv1`, `bn1`, ReLU | 7 x 7, stride 2, padding 3, no bias | 64 maps of 32 x 32 |
# | max pooling | 3 x 3, stride 2, padding 1 | 64 maps of 16 x 16 |
# | `layer1` | two blocks, stride 1 | 64 maps of 16 x 16 |
# | `layer2` | two blocks, the first with stride 2 | 128 maps of 8 x 8 |
# | `layer3` | two blocks, the first with stride 2 | 256 maps of 4 x 4 |
# | `layer4` | two blocks, the first with stride 2 | 512 maps of 2 x 2 |
# | mean over space | global average pooling of chapter 04 | 512 **features** |
# | `fc` | dense | K scores |
#
# Everything except the head is the **body**, or **backbone**. It turns a picture of any size into 512 numbers.
#
# ### Exercise: `ResNet18`
#
# The class of the block is an argument, so this check does not depend on your `BasicBlock`: it builds your network from
# narrow blocks of its own. Remember that blocks in a plain Python list are invisible to PyTorch; put them into
# `nn.Sequential`.

# %% exercise="11.resnet18"
class ResNet18(nn.Module):
    """ResNet-18: stem, layer1 to layer4 of two blocks each, mean over space, head.

    Parameters
    ----------
    num_classes : int
        How many scores come out, K.
    widths : sequence of 4 ints
        Channels of the four layers. The stem has as many as the first.
    block : callable
        block(before, after, stride) makes a block; give it all three by position.

    Attributes
    ----------
    conv1, bn1, layer1, layer2, layer3, layer4, fc
        As in the table above; layer2[0] is the first block of layer2.

    Example
    -------
    >>> ResNet18(8)(torch.zeros(7, 3, 64, 64)).shape
    torch.Size([7, 8])
    """

    def __init__(self, num_classes=1000, widths=(64, 128, 256, 512), block=BasicBlock):
        super().__init__()
        ### BEGIN SOLUTION
        w1, w2, w3, w4 = widths
        self.conv1 = nn.Conv2d(3, w1, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(w1)
        self.layer1 = nn.Sequential(block(w1, w1, 1), block(w1, w1, 1))
        self.layer2 = nn.Sequential(block(w1, w2, 2), block(w2, w2, 1))
        self.layer3 = nn.Sequential(block(w2, w3, 2), block(w3, w3, 1))
        self.layer4 = nn.Sequential(block(w3, w4, 2), block(w4, w4, 1))
        self.fc = nn.Linear(w4, num_classes)
        ### END SOLUTION

    def forward(self, x):
        """Turn normalized pictures (N, 3, H, W) into scores (N, K)."""
        ### BEGIN SOLUTION
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, stride=2, padding=1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean(dim=(2, 3)))
        ### END SOLUTION

# %% check="11.resnet18"
check("11.resnet18", ResNet18)

# %% [markdown]
# ## 4. Weights by name
#
# A trained network is saved as a **state dict**, which maps names to tensors. It holds the parameters, which are
# learned, and **buffers**, which are not: the running mean and variance of each BatchNorm. Here is ours, trained from
# scratch on the twelve base dishes:

# %% tags=["demo"]
backbone = models.pretrained("base-resnet18")
state = backbone.state_dict()
for name in list(state)[:6]:
    print(f"{name:28} {tuple(state[name].shape)}")
print(f"... {len(state)} names in all, the last: {list(state)[-1]} {tuple(state['fc.bias'].shape)}")
print(f"trained on: {', '.join(backbone.card.classes)}")
print(f"test accuracy on these twelve: {backbone.card.test['accuracy']:.1%}")

# %% [markdown]
# torchvision publishes a ResNet-18 trained on ImageNet, 1.28 million photographs of a thousand classes. Its weights
# have the same names, so the function that you write here loads both. Thousands of other networks wait in the **model
# zoos** of the web. (The first was [Caffe's](https://github.com/BVLC/caffe/wiki/Model-Zoo).)
#
# Two things go wrong time and again.
#
# - **The head.** Its rows stand for other dishes. If the number of classes differs, loading raises an error. If it
#   happens to be the *same*, the head is loaded, and row 0 now says pizza where you mean bagel. So always leave the
#   head out.
# - **Silence.** `load_state_dict(..., strict=False)` loads what it finds by name and ignores the rest. Watch what
#   happens with a prefix such as `module.`, which PyTorch's `DataParallel` puts in front of each name:

# %% tags=["demo"]
victim = models.ResNet18(8)
before = victim.conv1.weight.detach().clone()
prefixed = {f"module.{name}": value for name, value in state.items()}
answer = victim.load_state_dict(prefixed, strict=False)
print("an error? no.  loaded anything?", not torch.equal(before, victim.conv1.weight))
print("but it returns two lists:", len(answer.missing_keys), "missing,", len(answer.unexpected_keys), "unexpected")

# %% [markdown]
# Nothing was loaded, and there was no error. But the two lists tell you, so look at them.
#
# ### Exercise: `load_pretrained`

# %% exercise="11.load_pretrained"
def load_pretrained(model, state):
    """Load weights by name into a model: everything but the head.

    Parameters
    ----------
    model : torch.nn.Module
        Its own tensors are overwritten. The head is the layer model.fc; its names are those that
        begin with "fc.", and they keep their values, whatever state holds. (Inside the body there
        may be layers named fc too, such as layer1.0.fc; those belong to the body.)
    state : dict of str to torch.Tensor
        Parameters and buffers by their names. Do not change it.

    Returns
    -------
    None

    Raises
    ------
    ValueError
        If, apart from the head, a name occurs in only one of the two, or a shape differs. The
        message contains that name, and none that fits. (PyTorch's own RuntimeError will do too.)

    Example
    -------
    >>> model = ResNet18(8)
    >>> load_pretrained(model, models.pretrained("base-resnet18").state_dict())
    """
    ### BEGIN SOLUTION
    body = {name: value for name, value in state.items() if not name.startswith("fc.")}
    missing, unexpected = model.load_state_dict(body, strict=False)
    wrong = [name for name in missing if not name.startswith("fc.")] + list(unexpected)
    if wrong:
        raise ValueError(f"{wrong[0]} is only in the model or only in the weights.")
    ### END SOLUTION

# %% check="11.load_pretrained"
check("11.load_pretrained", load_pretrained)

# %% [markdown]
# ### A new head
#
# A network from a model zoo has a head for a thousand classes, and you need eight. The old scores are useless for that,
# but the 512 features that they are computed from are not. So you replace the head with a new one.
#
# ### Exercise: `replace_head`

# %% exercise="11.replace_head"
def replace_head(model, num_classes):
    """Put a new dense layer in the place of the head, model.fc.

    Parameters
    ----------
    model : torch.nn.Module
        Any network whose head is a torch.nn.Linear named fc. It is changed.
    num_classes : int
        Number of scores that the new head returns.

    Returns
    -------
    None

    Notes
    -----
    The new head takes as many features as the old one, has a bias, and keeps none of the old
    one's weights. Nothing else changes.
    """
    ### BEGIN SOLUTION
    model.fc = nn.Linear(model.fc.in_features, num_classes)
    ### END SOLUTION

# %% check="11.replace_head"
check("11.replace_head", replace_head)

# %% [markdown]
# ## 5. A frozen backbone: features of dishes that it never saw
#
# The backbone has never seen any of the specials. Pass the validation pictures through its body, and draw the 512
# features of each picture as a point in the plane. The method is called t-SNE, and it tries to keep neighbors together.
# (Distances between groups that are far apart mean little.)

# %% tags=["demo"]
from sklearn.manifold import TSNE

mean, std = backbone.card.mean, backbone.card.std


def features(pictures, network, mean, std):
    """A network's 512 features of each picture."""
    with torch.inference_mode():
        parts = np.array_split(pictures.images, len(pictures) // 48 + 1)
        return np.concatenate([network.features(training.normalize(torch.from_numpy(np.array(p)), mean, std)).numpy() for p in parts])


points = TSNE(perplexity=20, random_state=seed, init="pca").fit_transform(features(val, backbone, mean, std))
figs.feature_map(points, val.labels, val.classes, "Features of dishes that the backbone never saw")

# %% [markdown]
# Which specials does it separate, although it has never seen them? Which two overlap?
#
# <details><summary>What you should have seen</summary>
#
# The picture changes a little with the seed, but the groups that lie apart are usually those that look like no other
# special, such as the sushi or the hot dog. Dishes of similar color and outline overlap most: the two cakes, for
# instance, or bagels and waffles. The features were learned in order to separate other dishes, so they keep what
# separated *those*.
# </details>
#
# If the features are good, a new head alone may be enough. That is the **frozen** backbone: you compute the features
# once, then train a linear classifier on them, the logistic regression of chapter 01 (this is also called a *linear
# probe*). It costs one forward pass for each picture, and only the head is trained.
#
# Two controls belong to it. The backbone expects pictures normalized with **its own** mean and standard deviation,
# those of the pictures that it was trained on; what if you forget that? And how far does the architecture get without
# any training, with random weights?

# %% tags=["demo"]
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

draw = np.random.default_rng(seed)
chosen = np.concatenate([draw.permutation(np.flatnonzero(train.labels == k))[:per_class] for k in range(8)])


def probe(network, mean, std):
    """Validation accuracy of a linear classifier on a frozen network's features."""
    head = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
    head.fit(features(train.subset(chosen), network, mean, std), train.labels[chosen])
    return head.score(features(val, network, mean, std), val.labels)


torch.manual_seed(seed)
begun = time.perf_counter()
frozen_accuracy = probe(backbone, mean, std)
print(f"{len(chosen)} pictures, frozen: {frozen_accuracy:.1%} of the validation pictures right, {time.perf_counter() - begun:.1f} s")
print(f"the same without normalizing the pictures: {probe(backbone, (0, 0, 0), (1, 1, 1)):.1%}")
print(f"a frozen backbone with random weights:     {probe(models.ResNet18(8).eval(), mean, std):.1%}")
print(f"standard error, about: {(frozen_accuracy * (1 - frozen_accuracy) / len(val)) ** 0.5:.1%}")

# %% [markdown]
# Compare the first two lines: you lose that much if you forget to normalize, and no error tells you. The random
# backbone, on the other hand, is far better than guessing (one in eight). Random filters keep colors and coarse
# outlines, and that alone separates some dishes. So the backbone's *training* is worth the difference from that line,
# not from zero.
#
# ## 6. Freezing, and what BatchNorm does meanwhile
#
# In a training loop, freezing means two things. The first is well known: parameters with `requires_grad=False` get no
# gradient and stay as they are. The second is often forgotten. **BatchNorm** has two modes. In evaluation mode it
# normalizes with its running mean and variance. In training mode it normalizes with the statistics of the batch, and
# moves its running statistics towards them, *whatever* `requires_grad` says: they are buffers, not parameters.

# %%
layer = nn.BatchNorm2d(2).requires_grad_(False)  # frozen, or is it?
batch = 5 + torch.randn(16, 2, 4, 4, generator=torch.Generator().manual_seed(seed))
for mode in ("train", "eval"):
    layer.train(mode == "train")
    before = layer.running_mean.clone()
    mean_out = layer(batch).mean()
    moved = (layer.running_mean - before).abs().max()
    print(f"{mode:>5}: running mean moved by {moved:.3f}, mean of the output {mean_out:.2f}")

# %% [markdown]
# In training mode the running mean moves a tenth of the way to the batch's mean with every batch, so after some dozens
# of steps the backbone's features are no longer those of the network that you loaded. How much does that cost? It
# depends on how different the new pictures are, and it may be too little to measure. But it means that *frozen* is not
# frozen, and that features computed beforehand no longer fit. So a training loop for a partly frozen network calls,
# instead of `model.train()`, a function that leaves frozen BatchNorm layers in evaluation mode. A BatchNorm counts as
# frozen if its `weight` needs no gradient. (`introdl.training`'s loop does this too.)
#
# ### Exercise: `freeze` and `train_mode`

# %% exercise="11.freeze"
def freeze(model):
    """Freeze the body's parameters; the head's (names that begin with "fc.") still learn.

    Parameters
    ----------
    model : torch.nn.Module
        It is changed: afterwards its body's parameters need no gradient.

    Returns
    -------
    None
    """
    ### BEGIN SOLUTION
    for name, parameter in model.named_parameters():
        if not name.startswith("fc."):
            parameter.requires_grad_(False)
    ### END SOLUTION


def train_mode(model):
    """Put a model into training mode, but its frozen BatchNorm layers into evaluation mode.

    Parameters
    ----------
    model : torch.nn.Module
        With BatchNorm2d layers, some of them nested in other modules. One is frozen if its weight
        needs no gradient; the others are put into training mode, and so is the model itself. A
        loop calls this before each step.

    Returns
    -------
    None
    """
    ### BEGIN SOLUTION
    model.train()
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d) and not layer.weight.requires_grad:
            layer.eval()
    ### END SOLUTION

# %% check="11.freeze"
check("11.freeze", freeze, train_mode)

# %% [markdown]
# How many parameters are left to learn? Move the slider from the head alone, layer by layer, down to the stem.
#
# 1. Let the head and `layer4` learn. How many parameters is that for each of your pictures?
# 2. How many pictures a class would you need for one parameter a picture, with the head alone?
# 3. Early layers have few parameters. Would you rather freeze the early layers or the late ones? Think of what chapter
#    10 showed.
#
# <details><summary>What you should have seen</summary>
#
# The head alone has 512 · 8 + 8 = 4,104 parameters, and `layer4` has 8.4 million. With 160 pictures that is more than
# 52,000 parameters for each of them; the head alone has 26. For one parameter a picture you would need 4,104 pictures,
# 513 of each class. Freeze the early layers: what they respond to (edges, colors, textures) serves any dish, so there
# is little to gain by changing them. The late ones respond to parts of particular dishes, and most of the parameters
# are there.
# </details>

# %% tags=["demo"]
figs.freeze_explorer()

# %% [markdown]
# ## 7. Fine-tuning
#
# **Fine-tuning** continues the backbone's training on the new dishes, and all layers learn. The danger is the new head:
# it is random, so the first gradients that come back through it are nonsense, and with large steps they would ruin what
# the body has learned. The remedy is two learning rates, a large one for the head, which starts from nothing, and a
# small one for the body, which only has to be adjusted. An optimizer takes them as **parameter groups**, a list of
# dicts.
#
# ### Exercise: `parameter_groups`

# %% exercise="11.parameter_groups"
def parameter_groups(model, lr_head, lr_body):
    """Sort a model's parameters into groups, each with its own learning rate.

    Parameters
    ----------
    model : torch.nn.Module
        The head's parameters have names that begin with "fc."; all others are the body's (names
        such as layer1.0.fc.weight too).
    lr_head, lr_body : float
        The two learning rates.

    Returns
    -------
    list of dict
        Each with the keys "params" (a list of parameters) and "lr". Every parameter that needs a
        gradient is in exactly one group, with its own rate. Frozen ones are in none.

    Example
    -------
    >>> groups = parameter_groups(ResNet18(8), 1e-2, 1e-3)
    >>> optimizer = torch.optim.AdamW(groups)
    """
    ### BEGIN SOLUTION
    learn = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    return [
        {"params": [p for name, p in learn if not name.startswith("fc.")], "lr": lr_body},
        {"params": [p for name, p in learn if name.startswith("fc.")], "lr": lr_head},
    ]
    ### END SOLUTION

# %% check="11.parameter_groups"
check("11.parameter_groups", parameter_groups)

# %% [markdown]
# Now compare: the same few pictures, the same number of steps and the same augmentation, once starting from random
# weights and once from the backbone's. The accuracy of the frozen backbone from section 5 is drawn for comparison. The
# loop is `introdl.training`'s and the functions are the library's, so that the cell runs whatever you have finished.
# When your checks are green, use yours instead.
#
# The few pictures are repeated until they fill a quarter of the steps, and after each quarter the validation accuracy
# is measured.

# %% tags=["demo"]
def groups_of(model, lr_head, lr_body):
    head = list(model.fc.parameters())
    body = [p for name, p in model.named_parameters() if not name.startswith("fc.")]
    return [{"params": body, "lr": lr_body}, {"params": head, "lr": lr_head}]


batch_size, looks = 16, 4
each = steps // looks
many = np.resize(np.random.default_rng(seed).permutation(chosen), each * batch_size)
few_pictures = np.array(train.images)[many], train.labels[many]
curves, seconds = {}, {}
for arm, lr_body in (("fine-tuned", 4e-4), ("scratch", 2e-3)):
    torch.manual_seed(seed)
    model = models.ResNet18(8)
    if arm == "fine-tuned":
        models.load_pretrained(model, state)
    settings = training.Settings(epochs=looks, batch_size=batch_size, mean=mean, std=std, ema=0.9, seed=seed)
    begun = time.perf_counter()
    history = training.train(model, few_pictures, val, settings, groups=groups_of(model, 2e-3, lr_body), quiet=True)
    seconds[arm] = time.perf_counter() - begun
    curves[arm] = [each * (k + 1) for k in range(looks)], history.column("val_accuracy")
print(", ".join(f"{arm}: {value:.0f} s" for arm, value in seconds.items()))
figs.learning_curves(curves, frozen_accuracy)

# %% [markdown]
# This is one draw of pictures, one seed and few steps, so it shows a tendency and nothing more. Run it again with
# another `seed`: how much do the three accuracies change?
#
# <details><summary>What you should have seen</summary>
#
# By several points. Even in the longer runs of the next section, with the same 20 pictures a class, the test accuracy
# from scratch lies between 66.7 and 74.3 % over three draws, fine-tuned between 76.4 and 81.9 %, and frozen between 61.1
# and 62.8 %. So do not read anything into a difference of two or three points between two single runs.
# </details>
#
# ## 8. How much data does it save? The record
#
# An answer that you can trust needs more steps, several draws of pictures, and test pictures that were not used to
# choose anything. That takes longer than a chapter should, so it was done once, by
# `python -m introdl.experiments.transfer`, and every run was recorded. For 5, 10, 20 and 50 pictures a class, with
# three draws each:
#
# - **from scratch** and **fine-tuned** get the same number of steps, the same augmentation and the same schedule; the
#   learning rates were fixed before the first run and not tuned;
# - the validation pictures decide at which step a run is judged, and how strongly the frozen backbone's head is
#   regularized;
# - what is reported is the accuracy on the **test** pictures, which chose nothing.

# %% tags=["demo"]
recorded = records.load("transfer")
about = recorded["about"]
print(f"{about['steps']} steps of {about['batch_size']} pictures, {about['size']} x {about['size']} pixels; learning rate {about['lr']}, "
      f"fine-tuned body {about['lr_body']}")  # fmt: skip
for (arm, few), (mean_accuracy, spread, draws) in sorted(figs.summary(recorded["runs"]).items(), key=lambda each: (each[0][1], each[0][0])):
    print(f"{few:>3} a class, {arm:>30}: {mean_accuracy:.1%}" + (f" ± {spread:.1%} ({draws} draws)" if draws > 1 else " (one draw)"))
figs.recorded(recorded)

# %% [markdown]
# Read it slowly.
#
# - The rule for differences is that of chapter 09: the same seed draws the same pictures for every arm, so take
#   differences draw by draw, and compare their mean with its standard error. With three draws, ask for 4 standard
#   errors. Fine-tuned minus from scratch with 20 pictures a class: 2.1, 14.6 and 11.5 points, so the mean is 9.4 with a
#   standard error of 3.8. That is only 2.5 standard errors: likely, but by our rule not settled. With 50 a class it is
#   10.8, 12.8 and 13.2 points, so 12.3 ± 0.8, and there is no doubt.
# - Each single run has an error of its own, too. With 288 test pictures, an accuracy of 75 % has a standard error of
#   $\sqrt{0.75 \cdot 0.25 / 288} = 2.6$ percentage points.
# - With 5 pictures a class the frozen backbone is ahead of training from scratch on average (50.6 against 45.1 %), but
#   in one of three draws it is behind. With 20 it is behind in all three: features that were made for other dishes have
#   become a limit, while training from scratch can make its own.
# - Fine-tuning has the highest accuracy in every draw at every size, even with five pictures. Does that surprise you?
#   It changes the body in small steps only, and it sees every picture many times in augmented form, while the frozen
#   backbone's head sees each picture just once, as it is.
# - *Does training from scratch just need more steps?* One run had three times as many, with 20 pictures a class. It got
#   72.9 %, where the same draw got 74.3 % before: no sign of it, but it is a single run.
# - The validation set has 288 pictures, more than the training set in most of these runs. In practice, somebody with
#   five pictures a class has no such set and must choose with less information.
#
# ## 9. Does it carry over to real photographs?
#
# Our backbone has only ever seen rendered plates. Does that help with photographs? The same command takes a folder of
# pictures, with a subfolder for each class:
#
# `python -m introdl.experiments.transfer --photographs FOLDER --name NAME --out my_record.json`
#
# (`--out` names your own file; without it, the runs are added to the course's record.) It was run on two sets:
# `food101_mini`, 150 photographs each of thirteen dishes of Food-101 ([Bossard and others,
# 2014](https://data.vision.ee.ethz.ch/cvl/datasets_extra/food-101/)), and `grocery`, the fruit and vegetables of the
# Grocery Store Dataset ([Klasson and others, 2019](https://arxiv.org/abs/1901.00711)). The photographs are not ours to
# give away, so the course contains the numbers only.

# %% tags=["demo"]
photographs = records.load("transfer", records.path_of("transfer_photographs"))
figs.recorded_photographs(photographs)
for run in photographs["runs"]:
    error = (run["test_accuracy"] * (1 - run["test_accuracy"]) / run["test_pictures"]) ** 0.5
    told = f"test {run['test_accuracy']:.1%} (standard error {error:.1%}), validation {run['val_accuracy']:.1%}"
    print(f"{run['set']:>13}, {run['per_class']!s:>3} a class, {run['arm']:>10}: {told}")

# %% [markdown]
# The most instructive numbers here are those on the validation pictures. On `grocery`, fine-tuning on all pictures gets 82 % of the
# validation pictures right and 44 % of the test pictures. On `food101_mini` the two are about 3 points apart (with
# fine-tuning on all pictures), and on the plates of section 8 about 2. What is different about `grocery`? Its test pictures are the publishers' own
# validation part, while our validation pictures were drawn at random from their training part. In a supermarket,
# several photographs show one and the same shelf, so our random draw puts near copies of training pictures into the
# validation set (a *leak*), and the test pictures come from other shelves or days (a *distribution shift*). The record
# cannot tell the two apart, but either way the validation accuracy is not what you would get tomorrow. So split by
# shelf, by day or by person, not by picture.
#
# What the table does **not** show:
#
# - Two sets are not *the* real world. Each run was made once, so the chance in drawing and training has not been
#   measured; the standard error covers only the size of the test set.
# - 64 x 64 pixels are few, and fewer than the 96 x 96 on which the backbone was trained. With more pixels all numbers
#   may change, and not by the same amount.
# - The splits are ours, so the numbers cannot be compared with published ones.
# - The learning rates were not tuned for any of the three methods, and the budget was small: with 200 or 400 steps, a
#   ResNet-18 is far from fully trained on photographs. The table shows that our backbone gives a head start within a
#   short budget. It does not show that the lead would last.
# - There is no frozen backbone with *random* weights in the table, so it does not say how much of the frozen row comes
#   from training on plates at all. On the specials you measured that in section 5.
#
# A backbone trained on more than a million real photographs should be a better start than one trained on 2,688 rendered
# plates. With a network connection, `introdl data get imagenet_resnet18` fetches such weights, and the command above
# adds an arm for them if they are there. No such run is in our record yet, so this is an expectation, not a
# measurement.
#
# ## 10. Your own photographs
#
# Now it is your turn. All you need is a folder that holds one folder for each class; the folder's name is the name of
# the class:
#
# ```
# my_food/
#     pancakes/   IMG_0412.jpg   IMG_0413.jpg   ...
#     porridge/   IMG_0388.jpg   ...
# ```
#
# About forty photographs of each class are a good start. Take them the way the network will be used, with different
# plates, tables, light and days. If all your porridge was photographed on the blue table, the network will learn the
# table. And remember the leak of section 9: three shots of the same plate belong in the same part. `data.folder` puts
# pictures that are nearly identical together, but it cannot know that two different views show one plate.
#
# Write the path of your folder between the quotation marks. As long as there is nothing between them, the cell writes
# 24 rendered plates each of five specials into a folder of their own and reads that, so that you can see what happens.

# %%
my_folder = ""  # for example "~/Pictures/my_food"

if not my_folder:
    five = specials.only(["bagel", "hot_dog", "steak", "sushi", "waffles"])
    some = np.concatenate([np.flatnonzero(five.labels == k)[:24] for k in range(5)])
    my_folder = data.write_folder(five.subset(some), Path(tempfile.mkdtemp()) / "my_food")
photos = data.folder(my_folder, size=size)
print(photos)

# %% [markdown]
# `data.folder` turns each picture the way the camera held it, cuts out the largest square in the middle and scales it
# down. A file that cannot be read is left out, and so is a second copy of the same file; a sentence tells you which and
# why. Sixty percent of each class are for training, twenty for validation and twenty for the test.
#
# Everything else is what you have built in this chapter: a backbone's weights loaded by name, a new head, two learning
# rates, and pictures normalized *as the backbone's were*. That last point is easily forgotten, so the network carries
# its mean and standard deviation with it, on its `card`. With real photographs take `backbone="imagenet"`, which
# downloads 47 MB once. If torchvision or timm is installed, `backbone="torchvision/efficientnet_b0"` or
# `backbone="timm/convnext_tiny"` gets you a stronger one, with *its* own normalization.

# %%
own_steps = 16  # for your own photographs: 200 or more
mine = models.classifier(photos.classes, backbone="base-resnet18", size=size, seed=seed)
history = training.finetune(mine, photos, steps=own_steps, batch_size=16, seed=seed)

# %% [markdown]
# (An "epoch" is here the stretch between two looks at the validation pictures, an eighth of the steps.)
#
# Never stop at the accuracy. Look at the mistakes on the validation pictures, those first about which the network was
# surest: a wrong label, a picture without any food on it, two classes that even you cannot tell apart. Mend the folder,
# and run the cells again.

# %%
val_photos = photos.split("val")
found = models.predict(mine, val_photos.images)
wrong = np.flatnonzero(found.argmax(axis=1) != val_photos.labels)
surest = wrong[np.argsort(-found[wrong].max(axis=1))][:6]
mistakes(val_photos.images, val_photos.labels, found, surest, photos.classes)
matrix = np.zeros((len(photos.classes),) * 2, int)
np.add.at(matrix, (val_photos.labels, found.argmax(axis=1)), 1)
confusion(matrix, photos.classes)

# %% [markdown]
# When you are satisfied, and not before, look at the test pictures once. Then save the network: one file holds the
# weights and the card. `map_location` says onto which device it is loaded, so a network that was trained on a GPU loads
# on a laptop without one.

# %%
test_photos = photos.split("test")
accuracy = (models.predict(mine, test_photos.images).argmax(axis=1) == test_photos.labels).mean()
error = (accuracy * (1 - accuracy) / len(test_photos)) ** 0.5
print(f"test: {accuracy:.0%} of {len(test_photos)} pictures, standard error {100 * error:.0f} points")

file = models.save(mine, Path(my_folder).expanduser().parent / "my_food_network")
again = models.load(file, map_location="cpu")
print(f"{file.name}: {file.stat().st_size / 1e6:.0f} MB; {again.card.summary}")

# %% [markdown]
# With `data.photo("lunch.jpg")` you read a new picture, and `models.predict` names it. Here the first test pictures
# stand in for new ones:

# %%
new = test_photos.images[:: max(len(test_photos) // 6, 1)][:6]
figs.named(new, models.predict(again, new), photos.classes, "What your network takes them for")

# %% [markdown]
# The network must answer with one of its classes, even for a picture of your bicycle. So `training.finetune` has also
# measured when it should doubt: 1 minus the largest probability exceeds the card's `doubt` for at most one of twenty
# validation pictures. MealoMi, the app of chapter 12, uses that limit, and it runs on your network. It offers your test
# pictures to choose from, and you can upload a new photo. It has learned no portions, so the app fills in the usual
# serving of a dish that its nutrition table knows, and for any other dish you choose the nearest one:
#
# ```python
# from introdl import mealomi
# mealomi.app(model=again, plates=photos.split("test"))
# ```
#
# ## 11. Which method for which data?
#
# | you have | try first |
# |---|---|
# | a minute, or no machine to train on | frozen: features and a linear head. It is the baseline that everything else must beat |
# | a handful to hundreds of pictures a class | fine-tuning, the body at a fifth or a tenth of the head's rate |
# | far more pictures than the backbone has seen | fine-tuning still, and compare with scratch |
# | pictures of another kind (X-rays, spectra) | no rule of thumb holds: measure |
#
# ## 12. What came after
#
# ResNet is from 2015. Three ideas have changed the field since, and you will meet all of them when you look for a backbone. Each fits
# into a page, because you have all its parts already.
#
# ### Vision Transformers: a picture as a row of tokens
#
# A **Vision Transformer** (ViT; [Dosovitskiy and others, 2021](https://arxiv.org/abs/2010.11929)) cuts the picture into patches of
# 16 x 16 pixels. Each patch has $16 \cdot 16 \cdot 3 = 768$ numbers, and one dense layer, the same for all patches, turns them into a
# vector, a **token**. What was where is added to each token as a learned vector for its place. Here is that first step:

# %%
side = 16
picture = torch.from_numpy(val.images[0].copy()).permute(2, 0, 1) / 255  # (3, H, W)
patches = picture.unfold(1, side, side).unfold(2, side, side).permute(1, 2, 0, 3, 4).reshape(-1, 3 * side * side)
torch.manual_seed(seed)
project = nn.Conv2d(3, 192, side, stride=side)  # ViT-Tiny's tokens have 192 numbers
tokens = patches @ project.weight.flatten(1).T + project.bias
same = torch.allclose(tokens, project(picture[None])[0].flatten(1).T, atol=1e-5)
print(f"{size} x {size} pixels: patches {tuple(patches.shape)}, tokens {tuple(tokens.shape)}; the same as a convolution with stride 16? {same}")
for pixels in (64, 96, 224, 448):
    n = (pixels // side) ** 2
    print(f"{pixels:3} x {pixels:3} pixels: {n:3} patches, with one token for the answer {n + 1:3} tokens, {(n + 1) ** 2:7,} pairs for each head")
figs.patches(val.images[0], side)

# %% [markdown]
# So the first layer is an old friend: a convolution whose stride is as large as its kernel. What follows is new. In **attention**
# ([Vaswani and others, 2017](https://arxiv.org/abs/1706.03762)) every token looks at every other one and mixes what it finds.
#
# **By hand**: a token asks with a *query*, and the others answer with a *key* each. The dot products of the query with
# three keys are 2, 1 and 0. Softmax (chapter 05) makes 0.67, 0.24 and 0.09 of them. If the three tokens offer the *values* 10, 20 and 30,
# the token takes $0.67 \cdot 10 + 0.24 \cdot 20 + 0.09 \cdot 30 = 14.2$ with it. Query, key and value are three dense layers of the token.
#
# A convolution sees its neighbors, with fixed weights. Attention sees the whole picture at once, with weights that depend on the picture. It pays
# twice for that. Twice the side means four times the tokens and sixteen times the pairs, as the table shows. And nothing tells it that neighbors
# belong together: it must learn that from data. Trained on ImageNet's 1.28 million pictures alone, without strong regularization, ViT was a few
# points *below* ResNets of comparable size; with far more pictures it was above them, the authors report. And a ResNet with the newer recipes keeps up: that is
# [ConvNeXt](https://arxiv.org/abs/2201.03545) (Liu and others, 2022).
#
# ### CLIP: words instead of labels
#
# **CLIP** ([Radford and others, 2021](https://arxiv.org/abs/2103.00020)) has two networks, one for pictures and one for sentences, and trains
# them on 400 million pairs from the web, so that a picture and its own caption point in the same direction and a picture and others' captions do not.
# Then a new class needs no picture at all, only a sentence. That is called **zero-shot** classification.
#
# **By hand**: a photo becomes $(0.6, 0.8)$, *"a photo of waffles"* becomes $(0.8, 0.6)$, and *"a photo of sushi"* becomes $(1, 0)$. All have
# length 1, so their dot products are cosines: 0.96 and 0.6. CLIP multiplies them by a learned number, say 10, and takes a softmax: 9.6 against 6
# gives 97 % for waffles. So the head's weights are written in English.
#
# ### Self-supervision: no labels at all
#
# Labels are expensive, and pictures are not. So let the picture itself ask the question:
#
# - **Which one is my twin?** Change each picture in two ways (crop, color), and train until the two versions are more alike than
#   versions of other pictures: SimCLR ([Chen and others, 2020](https://arxiv.org/abs/2002.05709)). With cosines of 0.9 for the twin and 0.2
#   and 0.1 for two others, divided by a temperature of 0.5, the softmax gives the twin $e^{1.8} / (e^{1.8} + e^{0.4} + e^{0.2}) = 0.69$; the loss
#   is $-\ln 0.69 = 0.37$.
# - **What is missing here?** Hide 75 % of the patches, and let the network paint them: masked autoencoders ([He and others,
#   2022](https://arxiv.org/abs/2111.06377)). Of 196 patches 49 are left to see, which also makes training cheaper.
#
# The best-known backbone of this kind is DINOv2 ([Oquab and others, 2023](https://arxiv.org/abs/2304.07193)). Its authors made it for use *without*
# fine-tuning: a linear head on its frozen features.
#
# ### When to use which
#
# | you have | try |
# |---|---|
# | a small machine or a phone, one fixed menu | a convolutional network, fine-tuned as in this chapter |
# | few labeled photographs, and a machine that can run a larger network | DINOv2's features, frozen, with a linear head |
# | no labeled photographs, or a menu that changes every day | CLIP, zero-shot; then measure it on fifty photographs of your own |
# | millions of labeled pictures | ViT or ConvNeXt, fine-tuned; compare both |
#
# These are starting points, and none of them is measured in this course: such backbones have to be downloaded. The protocol of section 9 decides among
# them, not the year in which they were published. Their weights carry traces of what they were trained on, and for CLIP that is the web, with its
# prejudices.
#
# **To learn on**: [Dive into Deep Learning](https://d2l.ai/chapter_attention-mechanisms-and-transformers/index.html) builds attention and ViT line by line,
# [cs231n](https://cs231n.stanford.edu/) has lectures on all three ideas, and [timm](https://huggingface.co/docs/timm) and
# [OpenCLIP](https://github.com/mlfoundations/open_clip) have the weights.
#
# ## 13. In your own words
#
# This answer is read by a person, not by a program. Write eight to fifteen sentences.
#
# > A bakery has 40 photographs each of fifteen kinds of bread. A colleague takes a backbone trained on rendered dishes and loads its
# > weights with `strict=False`. He sets `requires_grad` to False for the body, calls `model.train()`, trains the new head, and gets
# > 52 % on the test photographs, at the epoch that was best on them. From scratch, with a tenth of the steps, he gets 31 %. "One run
# > each, but the gap is huge: our rendered dishes are a great school for bread."
#
# 1. Would you freeze or fine-tune first with 40 photographs a class? Say why, and with which learning rates.
# 2. Find at least four faults in what he did. For each, say what it does to the numbers and what you would do instead.
# 3. Which runs would you need to find out whether the *rendered* dishes helped, and by how much?
# 4. What would you report, and what does even a good comparison of this kind not show?

# %% [markdown] written="11.essay" points=10
# **A model answer**
#
# I would start with the frozen backbone as a cheap baseline, and then fine-tune: 600 photographs are enough to adapt
# the features, and bread is not among the rendered dishes. The head starts at random and gets the larger rate; the body
# a fifth or a tenth of it, so that the first gradients, which come through a random head, do not wreck it. Faults: With
# strict=False and no look at the missing names, the body may be random; check them. model.train() lets BatchNorm's
# statistics drift although the weights are frozen; put frozen BatchNorm into evaluation mode. Choosing the epoch on the
# test photographs makes the 52 % too good; choose on a validation set. A tenth of the steps makes scratch too bad; give
# both the same budget, or train scratch until it stops improving. One run each: draws and seeds may move the numbers by
# several points; repeat and give the spread. To find out about rendered dishes I would run scratch, frozen ours,
# fine-tuned ours, and a backbone from real photographs such as ImageNet's, on the same draws, with the same steps, and
# a frozen *random* backbone, to see what the architecture alone gives. I would report test accuracies with mean and
# spread for each way at several numbers of photographs. One bakery's photographs do not show what happens in other
# light, with other breads or with pictures of other sizes.
#
# ### BEGIN MARK SCHEME
# | points | for |
# |---|---|
# | 2 | Freeze or fine-tune with a reason from the amount and the kind of data (1), and a larger rate for the head than for the body, with a reason (1). |
# | 4 | One point for each of: missing names unseen with strict=False; BatchNorm in training mode; epoch chosen on the test set; fewer steps for scratch; one run each. Each with its effect and its cure, at most four. A fault without cure or effect: half a point. |
# | 2 | Compares scratch and the rendered backbone on the same draws and budget (1), and adds a control that separates *rendered* from *pretrained at all* (ImageNet's, or a random frozen backbone) (1). |
# | 1 | Reports mean and spread, or standard errors, on unseen photographs, and names one real limit. |
# | 1 | Clear, in whole sentences, in the field's words. |
#
# "31 % to 52 % proves it" earns at most 4 points in all.
# ### END MARK SCHEME

# %% [markdown]
# ## Quiz
#
# Write a letter for each, for example `answer_1 = "a"`.
#
# **1.** All parameters of the body have `requires_grad=False`. After a hundred training steps its features have changed. Why?
#
# - a) Weights cannot be frozen in PyTorch.
# - b) BatchNorm was in training mode, so its running statistics moved.
# - c) The head learned too fast.
# - d) Weight decay pulled at the frozen weights.
#
# **2.** Why does the body get a smaller learning rate than the head?
#
# - a) It has more parameters, so it needs smaller steps.
# - b) It is faster.
# - c) It starts from something worth keeping, and the head from random weights.
# - d) Its gradients are zero at first.
#
# **3.** You load weights with `strict=False`. There is no error, and training is as slow as from scratch. What do you suspect first?
#
# - a) The names do not match, and nothing was loaded.
# - b) The learning rate is wrong.
# - c) The classes are different.
# - d) The pictures are normalized in another way.
#
# **4.** You have 100 pictures a class of dishes that the backbone has not seen. What do you expect to be best?
#
# - a) From scratch, since the dishes are new.
# - b) Frozen, since 100 pictures are few.
# - c) A new head on the old head's scores.
# - d) Fine-tuning, and you would measure the others too.
#
# **5.** You compare scratch and fine-tuning. What makes it fair?
#
# - a) The best epoch on the test pictures, for both.
# - b) The same pictures and steps for both, several draws, and a test set that was not used to choose anything.
# - c) The same training accuracy for both.
# - d) A single draw, since both see the same pictures in it.

# %% exercise="11.quiz"
### BEGIN SOLUTION
### STUB answer_1 = None
### STUB answer_2 = None
### STUB answer_3 = None
### STUB answer_4 = None
### STUB answer_5 = None
answer_1 = "b"
answer_2 = "c"
answer_3 = "a"
answer_4 = "d"
answer_5 = "b"
### END SOLUTION

# %% check="11.quiz"
check("11.quiz", answer_1, answer_2, answer_3, answer_4, answer_5)

# %% [markdown]
# ## What you know now
#
# - A residual block adds its input to its convolutions' output. The identity is easy to learn, and gradients can bypass
#   the convolutions.
# - Weights are tensors with names. Look at what is missing or unexpected, because `strict=False` hides it.
# - You keep the body and replace the head. Freezing takes two things: no gradients, and BatchNorm in evaluation mode.
#   And pictures are normalized as the backbone's were.
# - In fine-tuning all layers learn, the body more slowly than the head.
# - A fair comparison has the same pictures, the same steps, several draws, paired differences, and a test set that
#   chose nothing; and the test set is split the way that tomorrow differs from today.
#
# ### Cheat sheet
#
# | what | how |
# |---|---|
# | residual block | $\operatorname{ReLU}(f(x) + x)$, projected by 1 x 1 where the shape changes |
# | names and tensors | `model.state_dict()`; buffers are in it too |
# | load the body | filter the head out; `missing, unexpected = model.load_state_dict(body, strict=False)`; look at both |
# | another head | `model.fc = nn.Linear(model.fc.in_features, k)` |
# | freeze | `p.requires_grad_(False)`, and `bn.eval()` after each `model.train()` |
# | two rates | `AdamW([{"params": body, "lr": 4e-4}, {"params": head, "lr": 2e-3}])` |
# | your own photographs | `photos = data.folder("my_food")`, `model = models.classifier(photos.classes)`, `training.finetune(model, photos)` |
# | save and load | `models.save(model, "mine")`, `models.load("mine.safetensors", map_location="cpu")` |
# | standard error of an accuracy | $\sqrt{p (1 - p) / n}$ |
#
# ### Words
#
# - **attention**: mixing tokens with weights that the tokens themselves decide.
# - **backbone**: the layers that turn a picture into features, usually pretrained; also called the body.
# - **buffer**: a tensor of a model that is saved but not trained, such as BatchNorm's running means.
# - **domain shift**: when the pictures in use come from elsewhere than those it was trained on.
# - **fine-tuning**: continuing the training of a pretrained network on one's own data.
# - **freezing**: keeping layers as they are: no gradients, and BatchNorm in evaluation mode.
# - **head**: the last layer or layers, made for one task.
# - **linear probe**: training a linear classifier on the features of a frozen backbone.
# - **parameter group**: parameters with an optimizer setting of their own, such as a smaller learning rate.
# - **pretraining**: training on a large data set first, in order to use the features elsewhere.
# - **residual block**: layers whose output is added to their input by a **skip connection**.
# - **self-supervision**: training on a question that the pictures answer themselves, without labels.
# - **state dict**: the tensors of a model by name.
# - **token**: a vector that stands for a patch of a picture, or for a piece of a word.
# - **transfer learning**: using on one task what was learned on another.
# - **zero-shot**: naming classes of which the network was shown no labeled picture.
#
# ### Next
#
# In chapter 12 one backbone gets three heads, for dish, grams and box, and MealoMi becomes an app.
#
# ### Further reading
#
# - He, Zhang, Ren and Sun, [Deep residual learning for image recognition](https://arxiv.org/abs/1512.03385), 2016.
# - Yosinski, Clune, Bengio and Lipson, [How transferable are features in deep neural networks?](https://arxiv.org/abs/1411.1792),
#   2014.
# - Kornblith, Shlens and Le, [Do better ImageNet models transfer better?](https://arxiv.org/abs/1805.08974), 2019.
# - He, Girshick and Dollár, [Rethinking ImageNet pre-training](https://arxiv.org/abs/1811.08883), 2019: where from scratch catches up.
# - [cs231n on transfer learning](https://cs231n.github.io/transfer-learning/), and the
#   [Caffe model zoo](https://github.com/BVLC/caffe/wiki/Model-Zoo).
# - van der Maaten and Hinton, [Visualizing data using t-SNE](https://www.jmlr.org/papers/v9/vandermaaten08a.html), 2008.
