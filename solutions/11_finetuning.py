# %% [markdown]
# # 11 Fine-tuning
#
# MealoMi names twelve dishes. Today the kitchen puts eight **specials** on the menu: bagel, waffles, hot dog, tomato, sushi,
# steak, chocolate cake and cheesecake. You have twenty pictures of each. A network from scratch has eleven million weights
# and knows nothing. Yet a network that has looked at twelve other dishes knows what a crust, a plate and a shadow look like.
# **Do not start from scratch.** It saves time, and it needs less data. How much of both? You measure it here.
#
# **When you are done, you can**
#
# - say what a residual block adds, and why very deep networks need it;
# - write ResNet-18 so that published weights load into it by name, and notice when they do not;
# - give a network another head, freeze its body, and keep BatchNorm still;
# - train head and body at two learning rates;
# - compare from scratch, frozen and fine-tuned in a fair way, and say what a comparison does not show.
#
# **What you build**: `few_shot_subset`, `BasicBlock`, `ResNet18`, `load_pretrained`, `replace_head`, `freeze` with
# `train_mode`, and `parameter_groups`.
#
# **Time**: about 90 minutes. **You need**: convolutions and pooling (03, 04), the training step of chapter 08. A GPU is not
# needed.

# %%
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from introdl import check, data, figures, hint, models, training
from introdl.experiments import records
from introdl.figures import finetuning as figs

figures.use_style()

# %% tags=["parameters"]
seed = 11  # of the pictures that are drawn, of first weights and of the order in training
per_class = 20  # training pictures of each special in the live run of section 7
steps = 40  # of the live run, for fine-tuning and from scratch each
size = 64  # height and width of the pictures in pixels

# %% [markdown]
# ## 1. The specials
#
# Four of the specials are near relatives of dishes on the base menu, on purpose: bagel and doughnut, waffles and pancakes,
# hot dog and burger, tomato and apple.

# %%
specials = data.plates(size=size, dishes="special")
train, val, test = (specials.split(part) for part in ("train", "val", "test"))
print(specials)

# %% [markdown]
# You pretend to have only a few of the training pictures. Which ones? Not the first: whoever sorted them has chosen for you.
# Not so many from the whole set: then one dish gets 31 and another 12. Draw so many **of each class**, without replacement,
# with a generator that is passed in, so that a run can be repeated with the same pictures, and made anew with others.
#
# **By hand**: labels 0, 1, 1, 0, 1, 0, two of each class. Class 0 lies at the indices 0, 3, 5, class 1 at 1, 2, 4. Draw two of
# the first three, say 5 and 0, and two of the other three, say 1 and 4. The result is 5, 0, 1, 4, in any order.
#
# ### Exercise: `few_shot_subset`

# %% exercise="11.few_shot_subset"
def few_shot_subset(labels, per_class, rng):
    """Draw the same number of pictures from each class.

    Parameters
    ----------
    labels : numpy.ndarray
        (N,) int64: class of each picture, from 0 to K - 1; each class occurs. Leave it as it is.
    per_class : int
        How many of each class, at least 1.
    rng : numpy.random.Generator
        Where chance comes from, all of it.

    Returns
    -------
    numpy.ndarray
        (K * per_class,) whole numbers: indices of the drawn pictures, none twice, in any order.

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
# More layers should never hurt: the additional ones could simply hand on what they get. In practice they do hurt. On CIFAR-10 a
# plain network of 56 layers has a *higher training error* than one of 20
# ([He and others, 2016](https://arxiv.org/abs/1512.03385), figure 1). To hand on its input, a stack of convolutions and ReLUs
# must learn the identity, and that is surprisingly hard.
#
# Their cure is one plus sign. With the input $x$ and what two convolutions make of it, $f(x)$, both of shape $(N, C, H, W)$, a
# **residual block** returns
#
# $$y = \operatorname{ReLU}\big(f(x) + x\big).$$
#
# Now the identity is easy: $f = 0$. The convolutions only learn what is to be *changed*, the residual.
#
# **By hand**: $x = 2$, and the convolutions say $f(x) = -0.5$. A plain network goes on with $\operatorname{ReLU}(-0.5) = 0$: the
# signal is dead. The block goes on with $\operatorname{ReLU}(-0.5 + 2) = 1.5$.
#
# And the way back? The slope of $f(x) + x$ is $f'(x) + 1$. Through eighteen layers in a row slopes are multiplied:

# %%
slopes = np.random.default_rng(seed).uniform(-0.3, 0.3, 18)  # of eighteen layers, drawn at random
print(f"plain:    the product of 18 slopes f'     is {np.prod(slopes):9.1e}")
print(f"residual: the product of 18 slopes f' + 1 is {np.prod(slopes + 1):9.1e}")

# %%
figs.residual_blocks()

# %% [markdown]
# Look at the right one. Where the stride is 2 or the channels change, $x$ does not fit the sum. There it goes through a
# **projection**: a 1 x 1 convolution with the same stride, and a BatchNorm. Four details decide whether published weights work in
# your block. A block with a detail wrong runs without an error, and its answers are nonsense:
#
# - The order is convolution, BatchNorm, ReLU. The last ReLU comes **after** the plus.
# - The stride is in the **first** convolution (and in the projection).
# - No convolution has a bias: BatchNorm would subtract it again.
# - The **names**. PyTorch saves weights under the names of the attributes that hold them.
#
# ### Exercise: `BasicBlock`
#
# Write both methods with `torch.nn`. `introdl.models` and torchvision have the finished block, so they are not to be used in this
# chapter's exercises.

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
        Each behind the convolution of its number.
    downsample : torch.nn.Sequential
        1 x 1 convolution without bias, and its BatchNorm; only where stride or channels change
        the shape. (Where they do not, None or nothing at all.)

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
# Eighteen layers with weights: a **stem** of one convolution, four **layers** of two blocks of two convolutions each, and a dense
# layer, the **head**: $1 + 4 \cdot 2 \cdot 2 + 1 = 18$. (Projections are not counted.)
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
# Everything but the head is the **body**, or the **backbone**. It turns a picture into 512 numbers, and it does so for pictures of
# any size.
#
# ### Exercise: `ResNet18`
#
# The class of the block comes in as an argument. So this check does not lean on your `BasicBlock`: it builds your network from
# narrow blocks of its own. Layers whose blocks you keep in a plain Python list are invisible to PyTorch; `nn.Sequential` holds
# them.

# %% exercise="11.resnet18"
class ResNet18(nn.Module):
    """ResNet-18: stem, layer1 to layer4 of two blocks each, mean over space, head.

    Parameters
    ----------
    num_classes : int
        How many scores come out, K.
    widths : sequence of 4 ints
        Channels of the four layers. The stem has the first one's.
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
        """Turn normalised pictures (N, 3, H, W) into scores (N, K)."""
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
# A trained network is a **state dict**: names and tensors. Parameters are in it, which are learned, and **buffers**, which are not:
# the running mean and variance of each BatchNorm. Here is ours, trained from scratch on the twelve base dishes:

# %% tags=["demo"]
backbone = models.pretrained("base-resnet18")
state = backbone.state_dict()
for name in list(state)[:6]:
    print(f"{name:28} {tuple(state[name].shape)}")
print(f"... {len(state)} names in all, the last: {list(state)[-1]} {tuple(state['fc.bias'].shape)}")
print(f"trained on: {', '.join(backbone.card.classes)}")
print(f"test accuracy on these twelve: {backbone.card.test['accuracy']:.1%}")

# %% [markdown]
# torchvision publishes a ResNet-18 trained on ImageNet, 1.28 million photographs of a thousand kinds. It has the same names. So what
# you write here loads both, and so do thousands of networks on the **model zoos** of the web. (The first was
# [Caffe's](https://github.com/BVLC/caffe/wiki/Model-Zoo).)
#
# Two things go wrong again and again.
#
# - **The head.** Its rows stand for other dishes. With another number of classes, loading raises an error. With the *same* number it
#   loads, and row 0 now says pizza where you mean bagel. Leave it out, always.
# - **Silence.** `load_state_dict(..., strict=False)` loads what it finds by name and says nothing of the rest. Watch what a prefix
#   does, such as `module.`, which some ways of training put in front of each name:

# %% tags=["demo"]
victim = models.ResNet18(8)
before = victim.conv1.weight.detach().clone()
prefixed = {f"module.{name}": value for name, value in state.items()}
answer = victim.load_state_dict(prefixed, strict=False)
print("an error? no.  loaded anything?", not torch.equal(before, victim.conv1.weight))
print("but it returns two lists:", len(answer.missing_keys), "missing,", len(answer.unexpected_keys), "unexpected")

# %% [markdown]
# Nothing was loaded, and nothing was said. The lists know. Look at them.
#
# ### Exercise: `load_pretrained`

# %% exercise="11.load_pretrained"
def load_pretrained(model, state):
    """Load weights by name into a model: everything but the head.

    Parameters
    ----------
    model : torch.nn.Module
        Its own tensors are overwritten. The head is the layer model.fc; its names are those that
        begin with "fc.", and they keep their values, whatever state holds. (Inside of the body
        there may be layers named fc too, such as layer1.0.fc; those are body.)
    state : dict of str to torch.Tensor
        The weights, by their names; parameters and buffers. Leave it as it is.

    Returns
    -------
    None

    Raises
    ------
    ValueError
        Where, apart from the head, a name stands in one of the two alone, or a shape differs. The
        message holds the name, not those that fit. (A RuntimeError of torch's own is as good.)

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
        raise ValueError(f"{wrong[0]} stands in the model or in the weights alone.")
    ### END SOLUTION

# %% check="11.load_pretrained"
check("11.load_pretrained", load_pretrained)

# %% [markdown]
# ### Another head
#
# The network that comes from a zoo has a head for a thousand kinds, and you need eight. The old scores are useless for that, but
# the 512 features in front of them are not. So the head goes, and a new one comes.
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
        How many scores the new head gives.

    Returns
    -------
    None

    Notes
    -----
    The new head takes as many features as the old one, has a bias, and holds nothing of the old
    one's weights. Nothing else changes.
    """
    ### BEGIN SOLUTION
    model.fc = nn.Linear(model.fc.in_features, num_classes)
    ### END SOLUTION

# %% check="11.replace_head"
check("11.replace_head", replace_head)

# %% [markdown]
# ## 5. What the backbone knows of dishes that it never saw
#
# The backbone has not seen one special in its life. Push the validation pictures through its body, and lay the 512 features of each
# picture out in the plane. t-SNE does that: it tries to keep neighbours together. (Distances between far groups mean little.)

# %% tags=["demo"]
from sklearn.manifold import TSNE

mean, std = backbone.card.mean, backbone.card.std


def features(pictures):
    """The backbone's 512 features of each picture."""
    with torch.inference_mode():
        parts = np.array_split(pictures.images, len(pictures) // 48 + 1)
        return np.concatenate([backbone.features(training.normalise(torch.from_numpy(np.array(p)), mean, std)).numpy() for p in parts])


x_val = features(val)
points = TSNE(perplexity=20, random_state=seed, init="pca").fit_transform(x_val)
figs.feature_map(points, val.labels, val.classes, "Features of dishes that the backbone never saw")

# %% [markdown]
# Which specials has it told apart, without ever having been told that they exist? Which two lie in each other's way?
#
# If the features are good, a new head alone may do. That is the **frozen** backbone: features once, then a linear classifier on them,
# the logistic regression of chapter 01. It costs one forward pass for each picture, and nothing is trained but the head.

# %% tags=["demo"]
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

draw = np.random.default_rng(seed)
chosen = np.concatenate([draw.permutation(np.flatnonzero(train.labels == k))[:per_class] for k in range(8)])
begun = time.perf_counter()
probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
probe.fit(features(train.subset(chosen)), train.labels[chosen])
frozen_accuracy = probe.score(x_val, val.labels)
print(f"{len(chosen)} pictures, frozen: {frozen_accuracy:.1%} of the validation pictures right, {time.perf_counter() - begun:.1f} s")

# %% [markdown]
# ## 6. Freezing
#
# In a training loop, freezing is two things. The first is well known: parameters that need no gradient get none, and stay.
# The second is forgotten by nearly everybody. **BatchNorm** has two modes. In evaluation mode it normalises by its running mean and
# variance. In training mode it normalises by the batch, and moves its running statistics towards it, *whatever* `requires_grad`
# says. Statistics are buffers, not parameters.

# %%
layer = nn.BatchNorm2d(2).requires_grad_(False)  # frozen, is it not?
batch = 5 + torch.randn(16, 2, 4, 4, generator=torch.Generator().manual_seed(seed))
for mode in ("train", "eval"):
    layer.train(mode == "train")
    before = layer.running_mean.clone()
    mean_out = layer(batch).mean()
    moved = (layer.running_mean - before).abs().max()
    print(f"{mode:>5}: running mean moved by {moved:.3f}, mean of the output {mean_out:.2f}")

# %% [markdown]
# In training mode the running mean moves by a tenth of the way with every batch. After some hundred steps the frozen backbone sees
# another world than the one it was trained in, and its features drift. So a training loop for a partly frozen network calls, in
# place of `model.train()`, a function that leaves frozen BatchNorm layers in evaluation mode. A BatchNorm is frozen if its `weight`
# needs no gradient. (`introdl.training`'s loop does this by itself.)
#
# ### Exercise: `freeze` and `train_mode`

# %% exercise="11.freeze"
def freeze(model):
    """Let no parameter of the body learn any more; the head's ("fc." at the beginning) go on.

    Parameters
    ----------
    model : torch.nn.Module
        It is changed: its body's parameters need no gradient afterwards.

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
    """Put a model into training mode, but each frozen BatchNorm into evaluation mode.

    Parameters
    ----------
    model : torch.nn.Module
        With BatchNorm2d layers, some inside others' parts. One is frozen if its weight needs no
        gradient; one that is not frozen is put into training mode, and so is the model itself.
        A loop calls this before each step.

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
# How much is left to learn? Move the slider: from the head alone, layer by layer, down to the stem.
#
# 1. Let the head and `layer4` learn. How many parameters is that for each of your pictures?
# 2. How many pictures a class would you need for one parameter a picture, with the head alone?
# 3. Early layers have few parameters. Would you rather freeze them, or the late ones? Think of what chapter 10 showed.

# %% tags=["demo"]
figs.freeze_explorer()

# %% [markdown]
# ## 7. Fine-tuning
#
# **Fine-tuning** goes on where the other training stopped: all layers learn. There is a danger. The new head is random, so the
# first gradients that come through it are nonsense, and with a large step they wreck what the body knows. The cure is two learning
# rates: large for the head, which starts from nothing, small for the body, which only has to be nudged. An optimiser takes them as
# **parameter groups**, a list of dicts.
#
# ### Exercise: `parameter_groups`

# %% exercise="11.parameter_groups"
def parameter_groups(model, lr_head, lr_body):
    """Sort a model's parameters into groups with a learning rate each.

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
# Now the race: the same few pictures, the same number of steps, the same augmentation, once from random weights and once from the
# backbone's. The frozen backbone's level from section 5 is drawn beside them. The loop is `introdl.training`'s, and the functions
# are the library's, so that the cell runs whatever you have finished. When your checks are green, put yours there.
#
# The few pictures are repeated until a quarter of the steps is full: so the validation pictures are looked at four times.

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
# One draw of pictures, one seed, few steps. It shows the direction, and no more. Run it again with another `seed`: how much do the
# three levels move?
#
# ## 8. How much does it save?
#
# The honest answer needs more steps, several draws and pictures that nothing was chosen on. That takes longer than a chapter may,
# so it was done once by a command, and each run was written down. For 5, 10, 20 and 50 pictures a class, with several draws:
#
# - **from scratch** and **fine-tuned** get the same number of steps, the same augmentation and the same schedule; the learning
#   rates were set before the first run and not searched;
# - the validation pictures choose the moment at which a run is judged, and the frozen head's penalty;
# - what is reported is the accuracy on the **test** pictures, looked at once.

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
# - A difference that is smaller than the spread is no difference. With 288 test pictures, the standard error of an accuracy of
#   75 % is $\sqrt{0.75 \cdot 0.25 / 288} = 2.6$ percentage points, in each run.
# - Where does the frozen backbone win against scratch, and where does it lose? With a handful of pictures eleven million weights learn
#   little that lasts. With more of them, features made for other dishes are a ceiling.
# - Fine-tuning is ahead at every size, also with five pictures. Does that surprise you? Its steps are small, it looks at each picture
#   many times in changed form, and the frozen head sees each picture once, as it is.
# - *Does scratch only lack steps?* One run had three times as many. Compare its line above with the others at 20 pictures.
# - The validation set has 288 pictures, more than the training set in most of these runs. In earnest, somebody with five pictures a
#   class has no such set, and would have to choose more blindly.
#
# ## 9. Does it carry over to real photographs?
#
# Our backbone has seen computed plates only. Does that help with photographs? The same command takes a folder:
#
# `python -m introdl.experiments.transfer --photographs FOLDER --name NAME`
#
# with a folder of pictures for each class. It was run on two sets: `food101_mini`, 150 photographs each of thirteen dishes of
# Food-101 ([Bossard and others, 2014](https://data.vision.ee.ethz.ch/cvl/datasets_extra/food-101/)), and `grocery`, the fruit and
# vegetables of the Grocery Store Dataset ([Klasson and others, 2019](https://arxiv.org/abs/1901.00711)). The photographs do not
# belong to us, so only the numbers are here.

# %% tags=["demo"]
photographs = records.load("transfer", records.path_of("transfer_photographs"))
figs.recorded_photographs(photographs)
for run in photographs["runs"]:
    error = (run["test_accuracy"] * (1 - run["test_accuracy"]) / run["test_pictures"]) ** 0.5
    print(f"{run['set']:>13}, {run['per_class']!s:>3} a class, {run['arm']:>10}: {run['test_accuracy']:.1%}, standard error {error:.1%}")

# %% [markdown]
# What it does **not** show:
#
# - Two sets are not *the* real world, and where there is one draw, chance has not been measured. Only the standard error of the test
#   pictures is given.
# - 64 x 64 pixels are few, and fewer than the 96 x 96 that the backbone was trained at; more of them may move all numbers, and not by
#   the same amount.
# - The splits are ours, not the publishers' (of `grocery`, the publishers' validation part is the test set). So the numbers cannot be
#   compared with published ones.
# - The learning rates were not searched, for none of the three ways.
#
# To set beside it: in an earlier trial with one seed, on splits of its own, a small CNN from scratch reached 51.5 % on the thirteen
# dishes, and a linear classifier on a frozen MobileNetV2 trained on *ImageNet*, at 160 pixels, 74.9 %. On 28 of the grocery classes
# it was 61.3 % and (at 128 pixels) 71.7 %. Two things follow. More than a million real photographs look like a better school than 2,688
# computed plates. And that small CNN from scratch did better than all of our rows: with a few hundred steps our ResNet-18 is far from
# trained out on photographs. So the table says that our backbone gives a head start within a short budget. It does not say that the
# lead would last. With a network connection, `introdl data get imagenet_resnet18` fetches such weights, and the command above uses them where they are.
#
# ## 10. Which way?
#
# | you have | try first |
# |---|---|
# | a minute, or no machine to train on | frozen: features and a linear head. It is the level that everything else must beat |
# | a handful to hundreds of pictures a class | fine-tuning, the body at a fifth or a tenth of the head's rate |
# | far more pictures than the backbone has seen | fine-tuning still, and compare with scratch |
# | pictures of another kind (X-rays, spectra) | measure; do not believe |
#
# ## 11. In your own words
#
# This answer is read by a person, not by a program. Write eight to fifteen sentences.
#
# > A bakery has 40 photographs each of fifteen kinds of bread. A colleague takes a backbone trained on rendered dishes and loads its
# > weights with `strict=False`. He sets `requires_grad` to False for the body, calls `model.train()`, trains the new head, and gets
# > 52 % on the test photographs, at the epoch that was best on them. From scratch, with a tenth of the steps, he gets 31 %. "One run
# > each, but the gap is huge: our rendered dishes are a great school for bread."
#
# 1. Would you freeze or fine-tune first with 40 photographs a class? Say why, and with which learning rates.
# 2. Find at least four faults in what he did. For each, say what it does to the numbers and what you would do in its place.
# 3. Which runs would you make to find out whether *rendered* dishes helped, and by how much?
# 4. What would you report, and what does even a good comparison of this kind not show?

# %% [markdown] written="11.essay" points=10
# **A model answer**
#
# I would start with the frozen backbone as a cheap baseline, and then fine-tune: 600 photographs are enough to adapt the features,
# and bread is not among the rendered dishes. The head starts at random and gets the larger rate; the body a fifth or a tenth of it, so
# that the first gradients, which come through a random head, do not wreck it. Faults: strict=False without a look at the missing names
# may mean that the body is random; check them. model.train() lets BatchNorm's statistics drift although the weights are frozen; put frozen
# BatchNorm into evaluation mode. Choosing the epoch on the test photographs makes the 52 % too good; choose on a validation set.
# A tenth of the steps makes scratch too bad; give both the same budget, or train scratch until it stops improving. One run each: draws
# and seeds may move the numbers by several points; repeat and give the spread. To find out about rendered dishes I would run scratch,
# frozen ours, fine-tuned ours, and a backbone from real photographs such as ImageNet's, on the same draws, with the same steps, and
# a frozen *random* backbone, to see what the architecture alone gives. I would report test accuracies with mean and spread for
# each way at several numbers of photographs. One bakery's photographs do not tell what happens in other light, with other breads or
# other sizes of pictures.
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
# - c) The classes are other ones.
# - d) The pictures are normalised in another way.
#
# **4.** You have 100 pictures a class of dishes that the backbone has not seen. What do you expect to be best?
#
# - a) From scratch, since the dishes are new.
# - b) Frozen, since 100 pictures are few.
# - c) A new head on the old head's scores.
# - d) Fine-tuning, and you would measure the others beside it.
#
# **5.** You compare scratch and fine-tuning. What makes it fair?
#
# - a) The best epoch on the test pictures, for both.
# - b) The same pictures and steps for both, several draws, judged on a test set that chose nothing.
# - c) The same training accuracy for both.
# - d) One draw, since both see the same pictures in it.

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
# - A residual block adds its input to what its convolutions make. The identity is easy, and gradients have a way around.
# - Weights are names and tensors. Look at what is missing; `strict=False` alone hides it.
# - The head goes, the body stays. Frozen is two things: no gradients, and BatchNorm in evaluation mode.
# - Fine-tuning: all layers learn, the body more slowly than the head.
# - A fair comparison: same pictures, same steps, several draws, a test set that chose nothing.
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
# | standard error of an accuracy | $\sqrt{p (1 - p) / n}$ |
#
# ### Next
#
# In chapter 12 one backbone carries three heads, dish, grams and box, and MealoMi becomes an app.
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
