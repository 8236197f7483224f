# %% [markdown]
# # 09 A food CNN from scratch
#
# This is where the pieces come together: a plate goes in, and the name of a dish comes out. You train a network from
# random weights until it names most of twelve dishes correctly on plates that it has never seen, in about a minute on a
# laptop. No part of the recipe is hidden. You see what each one does, you write the parts that people often get wrong,
# and you look at measurements of what each is worth.
#
# The plates are rendered by a computer, as chapter 01 said. That keeps them small and free, and it makes them easier
# than photographs: about 88 % right here does not mean 88 % in a restaurant. Section 7 puts a number on the difference.
#
# **When you are done, you can**
#
# - prepare pictures: bytes on the device, statistics from the training set alone, augmentation in batches;
# - read a folder of photographs with a `Dataset` and a `DataLoader`;
# - design a convolutional network under a budget of parameters and of work;
# - read a training loop line by line: schedule, label smoothing, averaged weights;
# - stop a training run and resume it as if nothing had happened;
# - judge a network by its curves, its confusion matrix, and a close look at its worst mistakes;
# - say what an ablation shows, and which of its differences are real.
#
# **What you build**: `normalization_stats`, `PhotoDataset`, `augment`, `FoodNet`, `save_checkpoint` and
# `load_checkpoint`, `confusion_matrix`, `worst_mistakes`.
#
# **Time**: about 115 minutes. **You need**: chapters 04, 05, 07 and 08. **You do not need a GPU.**

# %%
import inspect
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from introdl import benchmark, check, data, figures, game, hint, models, training
from introdl.experiments import records
from introdl.figures import food_cnn as figs
from introdl.figures.training import show_curves
from introdl.models import plain
from introdl.training import loop

figures.use_style()

# %% tags=["parameters"]
size = 64  # of the pictures in pixels; 128 on a GPU
epochs = 4  # of the training in section 5; 30 on a GPU
seed = 9

# %% [markdown]
# ## 1. Plates on the device
#
# The base menu has twelve dishes, with 224 training plates, 48 validation plates and 48 test plates each.

# %%
plates = data.plates(size=size, dishes="base")
train, val = plates.split("train"), plates.split("val")
dishes = plates.classes
print(f"{len(train)} training plates, {len(val)} validation plates, {train.images.dtype}, {train.images.shape[1:]}")
print(f"as bytes {train.images.nbytes / 1e6:.0f} MB, as float32 {4 * train.images.nbytes / 1e6:.0f} MB")

# %% [markdown]
# They are small enough to stay on the device from beginning to end, all of them. They are stored as bytes, not as
# floats: that takes a quarter of the memory and a quarter of the traffic. A batch is selected by its indices and only
# then turned into floats, so no files have to be opened while the network waits.
#
# ### Normalization
#
# Chapter 00 standardized pictures, because networks learn best from numbers with a mean of about 0 and a standard
# deviation of about 1. Now there are several sets of pictures. Which of them should you compute the two numbers from?
# For each channel $c$ you take the mean $\mu_c$ and the standard deviation $\sigma_c$ over all pixels of all
# **training** pictures, and a byte $x$ becomes
#
# $$z = \frac{x / 255 - \mu_c}{\sigma_c} .$$
#
# **By hand**: a red channel has the four bytes 0, 255, 255, 0. Divided by 255 they are 0, 1, 1, 0, with a mean of 0.5.
# All are 0.5 away from it, so the standard deviation is 0.5. Normalized they are -1, 1, 1, -1.
#
# Why from the training set alone? The validation and test plates stand for plates that you do not have yet. Anything
# that you compute from them flows into your network, and then they can no longer judge it fairly. A mean is only a
# small leak, but the habit of leaking costs you the meaning of your test result.
#
# ### Exercise: `normalization_stats`

# %% exercise="09.normalization_stats"
def normalization_stats(images, splits):
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
        mean and std, (3,) each, of pictures scaled to [0, 1]. The sum of squares is divided by
        the number of pixels (as in NumPy's std), not by that number minus one.

    Example
    -------
    >>> images = np.array([[[[0, 0, 255]], [[255, 0, 255]]]], dtype=np.uint8)  # (1, 2, 1, 3)
    >>> normalization_stats(images, np.array(["train"]))
    (array([0.5, 0. , 1. ]), array([0.5, 0. , 0. ]))
    """
    ### BEGIN SOLUTION
    x = images[splits == "train"] / 255
    return x.mean(axis=(0, 1, 2)), x.std(axis=(0, 1, 2))
    ### END SOLUTION

# %% check="09.normalization_stats"
check("09.normalization_stats", normalization_stats)

# %% [markdown]
# ### Photographs in a folder: `Dataset` and `DataLoader`
#
# Our plates come as one array. Your own photographs won't: they are files of different sizes, often more than fit into
# memory, in a folder that holds one folder for each class, `my_food/pizza/IMG_0001.jpg`. PyTorch has two pieces for
# this, and you meet both in nearly every project.
#
# - A **`Dataset`** knows how many examples there are, `len(dataset)`, and how to get one of them, `dataset[5]`. Any
#   class with `__len__` and `__getitem__` will do.
# - A **`DataLoader`** makes batches of it: it draws an order, asks the dataset for one example after the other, and
#   stacks them. With `num_workers=2`, two processes of their own do that while the network computes.
#
# The point of a dataset is that it is *lazy*. When you create it, it lists the files and opens none. A picture is
# decoded when its index is asked for, and forgotten after its batch. Two details decide whether such a class is right.
# First, folders come from the disk in any order, so sort them: if `pizza` is 3 today and 0 tomorrow, a saved network
# names the wrong dishes. Second, files differ. A camera's JPEG has three channels, a scan in gray has one, and a
# screenshot often has four, the last of which is opacity. `Image.open(path).convert("RGB")` makes three of any of them.
#
# **By hand**: the folders `pizza`, `burger` and `sushi` have 2, 1 and 3 pictures. Sorted, they are `burger`, `pizza`
# and `sushi`, with the labels 0, 1 and 2. The dataset has 6 examples, and their labels are 0, 1, 1, 2, 2, 2.
#
# (torchvision, a package of its own, has this class ready as `ImageFolder`, with *transforms* for resizing and
# augmentation. Here you write it without torchvision.)
#
# ### Exercise: `PhotoDataset`

# %% exercise="09.photo_dataset"
class PhotoDataset(torch.utils.data.Dataset):
    """The pictures of a folder that holds one folder for each class, opened one at a time.

    Parameters
    ----------
    folder : pathlib.Path
        Holds folders, whose names are the classes; these hold the pictures. Other files may lie
        in any of them: a picture's name ends in .jpg, .jpeg or .png, in small or in capital
        letters.
    size : int
        Height and width, S, of every picture that is returned.

    Its attribute `classes` is the list of the classes, sorted by name. Nothing is opened before
    it is asked for.

    Example
    -------
    >>> dataset = PhotoDataset(Path("my_food"), size=64)  # burger/a.jpg, pizza/b.jpg, pizza/c.PNG
    >>> dataset.classes, len(dataset)
    (['burger', 'pizza'], 3)
    >>> picture, label = dataset[2]  # pizza/c.PNG
    >>> picture.shape, picture.dtype, label
    (torch.Size([3, 64, 64]), torch.float32, 1)
    """

    def __init__(self, folder, size):
        ### BEGIN SOLUTION
        self.size = size
        self.classes = sorted(entry.name for entry in folder.iterdir() if entry.is_dir())
        self.files = []
        for label, name in enumerate(self.classes):
            for path in sorted((folder / name).iterdir()):
                if path.suffix.lower() in (".jpg", ".jpeg", ".png"):
                    self.files.append((path, label))
        ### END SOLUTION

    def __len__(self):
        """The number of pictures."""
        ### BEGIN SOLUTION
        return len(self.files)
        ### END SOLUTION

    def __getitem__(self, index):
        """A picture, a float32 tensor (3, S, S) in [0, 1], red first, and its label, an int.

        The pictures come class by class, and within a class sorted by the file's name. The
        whole picture is squeezed into the square, as PIL's resize does; nothing is cut off.
        """
        ### BEGIN SOLUTION
        path, label = self.files[index]
        with Image.open(path) as opened:
            pixels = np.array(opened.convert("RGB").resize((self.size, self.size)))
        return torch.from_numpy(pixels).permute(2, 0, 1) / 255, label
        ### END SOLUTION

# %% check="09.photo_dataset"
check("09.photo_dataset", PhotoDataset)

# %% [markdown]
# Now a `DataLoader`. The next cell writes 360 of the plates as JPEG files, as a camera would, and reads them back in
# batches. The first line takes a ready-made class; when your check is green, write `Photos = PhotoDataset` there.
# (Workers begin as copies of the notebook on Linux only. On macOS and Windows they import what they need, so a class
# for workers has to stand in a file of its own.)
#
# `shuffle=True` draws a new order in every epoch: right for training, pointless for evaluation. `drop_last=True` would
# leave out a last batch that is too short. On a GPU, add `pin_memory=True` (chapter 08's transfers).

# %%
Photos = training.PhotoFolder

folder = Path(tempfile.mkdtemp()) / "plates"
for k, dish in enumerate(dishes):
    (folder / dish).mkdir(parents=True)
    for number, image in enumerate(train.images[np.flatnonzero(train.labels == k)[:30]]):
        Image.fromarray(image).resize((256, 256)).save(folder / dish / f"{number:03}.jpg")
photos = Photos(folder, size)
loader = torch.utils.data.DataLoader(photos, batch_size=64, shuffle=True, num_workers=0)
images, labels = next(iter(loader))
print(f"{len(photos)} pictures, {len(loader)} batches of {tuple(images.shape)}, {images.dtype}; labels {tuple(labels.shape)}, {labels.dtype}")

# %% [markdown]
# What does that cost? The cell below gets the same 360 pictures in three ways, and compares each time with one training
# step of this chapter's network for every batch:

# %%
def through(batches):
    """Seconds until all batches are there as float32."""
    begun = time.perf_counter()
    for _ in batches:
        pass
    return time.perf_counter() - begun


def loaded(workers):
    return torch.utils.data.DataLoader(photos, batch_size=60, shuffle=True, num_workers=workers)


held = torch.from_numpy(np.array(train.images[:360]))
ways = {
    "files, in the notebook's process": lambda: through(loaded(0)),
    "files, two workers": lambda: through(loaded(2)),
    "bytes that stay on the device": lambda: through(held[i].permute(0, 3, 1, 2) / 255 for i in torch.randperm(360).split(60)),
}
net = models.PlainCNN(len(dishes), (16, 32, 64, 128, 256))
optimizer = torch.optim.AdamW(net.parameters())


def step():
    optimizer.zero_grad()
    nn.functional.cross_entropy(net(images[:60]), labels[:60]).backward()
    optimizer.step()


stepped = np.median(benchmark.times(step, warmup=1, repeats=5))
for words, way in ways.items():
    each = way() / 360
    print(f"{words:>34}: {1000 * each:6.3f} ms a picture, {each * 60 / stepped:7.1%} of a training step's time")

# %% [markdown]
# <details><summary>What you should have seen</summary>
#
# When this chapter was written (AMD EPYC, one thread, other programs running, four tries), a picture took 1.3 ms or more
# from its file, which is a quarter to a half of a step, and about one per cent of a step from bytes that were decoded
# before. Two workers were *slower*, at about 3 ms, because starting two processes takes about half a second,
# and 360 pictures don't take longer than that. Workers pay when an epoch lasts minutes (`persistent_workers=True` keeps
# them from one epoch to the next) and when there are free cores for them. And the faster the step, the more the loading
# matters: on a GPU the step becomes shorter, but decoding is still done by the processor.
# </details>
#
# Keep the bytes on the device when they fit, as in this course: a thousand pictures of 128 x 128 take 49 MB. When they
# don't fit, or come in from a network, use a `DataLoader` and give it workers until the step no longer waits for
# pictures.
#
# ## 2. Augmentation
#
# 224 pizzas are not many. But a pizza in a mirror is still a pizza, and so is one that lies a little to the left or in
# warmer light. **Augmentation** changes each training picture a little, in a new way in every epoch, and keeps its
# label. So the network practically never sees the same pixels twice.
#
# There are two rules. The change must keep the label true, and should produce pictures that could occur: an upside-down
# ice cream is a sad sight, and our cameras never hang from the table. And each picture gets random changes of its own.
# If the whole batch were changed alike, the pictures' errors would all point the same way and would not average out in
# the gradient.
#
# 1. Set *turn* to 90 and *move* to 0.5. Would you still name the dish?
# 2. Set everything to 0 and tick *mirror*. How many different pictures are left?
# 3. How large may the *square* become before you hesitate?
#
# <details><summary>What you should have seen</summary>
#
# At 90° most dishes can still be named, because seen from above a plate has no natural direction; an ice cream in a
# cone loses it first. Moved by half the picture, some dishes have all but left it. With everything at 0 only two
# pictures are left, the plate and its mirror image. For the square there is no sharp limit: a pizza can be named from a
# quarter of it, while a hidden yolk turns fried eggs into a riddle. A bound is too large when *you* would no longer
# give the label.
# </details>

# %% tags=["demo"]
figs.augmentation_explorer([train.images[np.flatnonzero(train.labels == k)[0]] for k in range(len(dishes))], dishes)

# %% [markdown]
# The training below uses these bounds (`training.Augment()`); within them each picture's changes are drawn at random:

# %% tags=["demo"]
print(training.Augment())
figs.augmented_grid(train.images[np.flatnonzero(train.labels == 4)[2]], dishes[4], training.Augment(), seed)

# %% [markdown]
# Now write a small version yourself that mirrors and moves. **By hand**: one row of a picture is 1 2 3 4, and the shift
# is 1. Mirrored, the row is 4 3 2 1, and moved one pixel to the right it is 0 4 3 2. The pixels that come in at the
# edge are black.
#
# ### Exercise: `augment`

# %% exercise="09.augment"
def augment(images, labels, shift, rng):
    """Mirror and move each picture of a batch, each in its own random way.

    Parameters
    ----------
    images : numpy.ndarray
        uint8, (N, H, W, 3). Not changed.
    labels : numpy.ndarray
        int64, (N,).
    shift : int
        The largest distance that a picture is moved, in pixels: 0 or more.
    rng : numpy.random.Generator
        Makes all random draws.

    Returns
    -------
    tuple of 2 numpy.ndarrays
        New pictures, of the same shape and type, and their labels, in the same order. Each
        picture is mirrored, left to right, with probability 1/2. Then it is moved down by dy
        and to the right by dx, whole numbers from -shift to shift, all equally likely, drawn
        for each picture and each axis. Pixels that come in at the edge are black, 0.
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
# The pattern has been the same since LeNet: convolution, nonlinearity, pooling, several times over, while the maps get
# smaller and the channels more numerous. At the end a mean over height and width (chapter 04's global average pooling)
# leaves one number for each channel, and a dense layer turns these into scores. This is one stage of the network that
# this chapter trains:

# %%
print(inspect.getsource(plain.stage))

# %% [markdown]
# What is new is **batch normalization**. For each channel it takes the mean $m$ and the variance $v$ over the batch and
# all positions, and returns
#
# $$y = \gamma \, \frac{x - m}{\sqrt{v + \epsilon}} + \beta .$$
#
# - $x$: activations of a channel, over $(N, H, W)$. $\gamma, \beta$: two learned numbers for each channel. $\epsilon$: a small
#   number, $10^{-5}$, so that nothing is divided by 0.
#
# **By hand**: activations 1, 3, 5, 7. $m = 4$, $v = (9 + 1 + 1 + 9) / 4 = 5$, $\sqrt{5} = 2.24$. So with $\gamma = 1$,
# $\beta = 0$: -1.34, -0.45, 0.45, 1.34. Whatever scale the previous layers produce, the next layer gets numbers of the
# same scale ([Ioffe and Szegedy, 2015](https://arxiv.org/abs/1502.03167)). In evaluation it uses running averages of
# both instead of the batch's own values, so that the answer for a plate does not depend on the other plates in its
# batch.

# %%
layer = nn.BatchNorm2d(1)
x = torch.tensor([1.0, 3.0, 5.0, 7.0]).reshape(4, 1, 1, 1)
print("training:  ", layer.train()(x).flatten().tolist())
print("evaluation:", layer.eval()(x).flatten().tolist(), "(running mean and variance after one batch)")

# %% [markdown]
# ### `nn.Module` from the inside
#
# A stage is not a network yet. In PyTorch a network is a class derived from `nn.Module`, and you need to know one thing
# about it: it keeps a **register of its parts**. When you write `self.conv = nn.Conv2d(...)`, the assignment does more
# than Python's usual one. It looks at what you assign, and if that is a layer, its name goes into the register. Whatever
# concerns the whole network walks through this register: `parameters()`, from which the optimizer gets its weights;
# `state_dict()`, which a checkpoint saves; `to(device)`; and `train()` and `eval()`, which reach every layer below.
#
# **By hand**: the network below has a convolution with $4 \cdot 3 \cdot 3 \cdot 3 + 4 = 112$ parameters, a batch
# normalization with $4 + 4 = 8$, and a dense layer with $4 \cdot 2 + 2 = 10$. That makes 130.

# %%
class Tiny(nn.Module):
    def __init__(self):
        super().__init__()  # makes the empty register; without it the next line raises an error
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        return self.head(self.norm(self.conv(x)).relu().mean(dim=(2, 3)))


tiny = Tiny()
for part, weight in tiny.named_parameters():
    print(f"{part:>12} {str(tuple(weight.shape)):>13} {weight.numel():4}")
print("parameters in all:", sum(weight.numel() for weight in tiny.parameters()))
print("state_dict() has besides:", [part for part in tiny.state_dict() if part not in dict(tiny.named_parameters())])
print("after eval(), training is", tiny.eval().norm.training, "in the batch normalization too")

# %% [markdown]
# The three other entries of `state_dict()` are *buffers*: numbers that belong to the network without being trained.
# You run the network by calling it, `tiny(x)`; that calls `forward`, and whatever hooks are attached (chapter 10).
#
# The register sees layers, not what is inside a plain Python list. Here are the same two layers, once in a list and
# once in an `nn.ModuleList`, which is a list that registers:

# %%
class Listed(nn.Module):
    def __init__(self, container):
        super().__init__()
        self.layers = container([nn.Linear(4, 4), nn.BatchNorm1d(4)])


for container in (list, nn.ModuleList):
    listed = Listed(container).eval()
    count = sum(weight.numel() for weight in listed.parameters())
    norm = "still in training mode" if listed.layers[1].training else "in evaluation mode"
    print(f"{container.__name__:>10}: {count:2} parameters, {len(listed.state_dict())} entries to save, batch normalization {norm}")

# %% [markdown]
# The plain list raises no error. The forward pass would work, but the optimizer would never move these weights, no
# checkpoint would hold them, and the batch normalization would stay in training mode for ever. Use `nn.ModuleList`, or
# `nn.Sequential`, which also calls its layers one after the other.
#
# ### Exercise: `FoodNet`
#
# Now it is your turn, and the limits are those of a phone: at most **200,000 parameters**, and at most **20 million
# multiplications** for a picture of 32 x 32 pixels. (Chapter 08's `conv_flops` returns twice that number, since it
# counts additions too.) Frozen parameters count, and so do constants and buffers, except batch normalization's own.
#
# The check builds your network, draws its first weights again (torch's layers draw theirs, parameters of your own are
# shuffled), and trains it by a short recipe of its own: 300 steps of 64 plates, AdamW, one cycle. Then it shows your
# network plates that it has never seen. There are marks for 60, for 68 and for 76 % right. In this notebook the
# validation plates judge; when you are graded, it is plates that nobody has seen. In those, colors and the dishes'
# numbers are shuffled, so a network that was trained elsewhere gains little. The check takes from 10 seconds to a
# minute.
#
# You may use everything in `torch.nn`, but not `introdl.models`. Call `super().__init__()` first, and register every
# layer in `__init__`.

# %% exercise="09.food_net"
class FoodNet(nn.Module):
    """A convolutional network that names dishes, within a budget.

    Parameters
    ----------
    num_classes : int
        How many dishes there are, K.

    Its forward turns normalized pictures, float32 (N, 3, 32, 32), into scores (N, K), without a
    softmax. It has at most 200,000 parameters, including buffers and constants, and needs at most
    20 million multiplications for a picture. All computation is done by torch, and the weights
    change only in training.
    """

    def __init__(self, num_classes):
        super().__init__()
        ### BEGIN SOLUTION
        channels = (16, 32, 64, 128)
        layers = [nn.Conv2d(3, 16, 5, stride=2, padding=2, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
        for before, after in zip(channels[:-1], channels[1:], strict=True):
            layers += [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.MaxPool2d(2), nn.BatchNorm2d(after), nn.ReLU()]
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
# From here on, `introdl.training` does the training, and you can read all of it. This is one epoch:

# %%
print(inspect.getsource(loop._epoch))

# %% [markdown]
# You know most of these lines. Three ideas in them are worth a closer look, and two of those are new.
#
# **The schedule** you know from chapter 07: a linear warm-up followed by a cosine, here as a factor of the highest
# rate. (The course calls it `one_cycle`, because the rate goes up and down once. Smith and Topin's original one-cycle
# policy also moves the momentum the opposite way.) **By hand**: 100 steps, a tenth of them warm-up. Step 4 (the fifth)
# has 5/10 of the highest rate, step 9 all of it.

# %%
factors = [training.one_cycle(step, 100, 0.15) for step in range(100)]
figs.schedule(factors, 0.15)

# %% [markdown]
# **Label smoothing.** The target of a pizza is 1 for pizza and 0 for the rest. No finite scores ever reach that, so the
# loss keeps pushing them apart. With label smoothing of strength $\lambda$ the target becomes
# $1 - \lambda + \lambda / K$ for the true dish and $\lambda / K$ for each of the others. **By hand**, with $K = 12$ and
# $\lambda = 0.1$: 0.908 and 0.0083. Now scores of a finite size reach the target, and larger ones cost something
# ([Szegedy and others, 2016](https://arxiv.org/abs/1512.00567)). The loop gets the loss from its *task*, because
# chapter 12's network has a different one. For naming dishes it is this:

# %%
print(inspect.getsource(training.Classification.loss))

# %% [markdown]
# **Averaged weights.** Each step follows one noisy batch, so the weights jitter, and their mean over many steps is
# steadier than any single state. An *exponential moving average* (EMA) keeps such a mean:
# $\bar \theta \leftarrow \alpha \bar \theta + (1 - \alpha) \theta$. With $\alpha = 0.98$ it averages over about the
# last $1 / (1 - \alpha) = 50$ steps. It is this average that is evaluated and kept.

# %%
print(inspect.getsource(loop.average))

# %% [markdown]
# ## 5. Train
#
# Here is the recipe in numbers, then the run. By default it takes half a minute to two minutes on a CPU. Four epochs keep
# it short; when this chapter was written, they brought the network to 88.0 % of the validation plates and 87.5 % of the
# test plates, and six epochs to 91.5 % and 92.4 % (one run each). The records of section 8 have eight. On a GPU, set `size = 128` and `epochs = 30` in the
# parameters cell (or run the notebook with papermill, or with `introdl execute` and `-p`). Once your `FoodNet` passes
# its check, write `model = FoodNet(len(dishes))` instead and train your own network.

# %% tags=["demo"]
training.quickest_threads()
settings = training.Settings(epochs=epochs, batch_size=64, lr=3e-3, seed=seed)
print(settings)

# %% [markdown]
# ### Which learning rate? A range test
#
# Why 0.003? You could train with ten rates and compare, but a **range test**
# ([Smith, 2017](https://arxiv.org/abs/1506.01186)) needs one short run. It starts with a rate that is far too small,
# multiplies it by the same factor at every step, and watches the loss. At first nothing happens. Then the loss falls,
# faster and faster, until the rate is too large and the loss rises again. **By hand**: from $10^{-4}$ to $0.3$ in 48
# steps there are 47 multiplications, so the factor is $3000^{1/47} = 1.19$. Six steps make the rate 2.8 times as large.
#
# The test below takes a few seconds, because it looks at the plates with 32 x 32 pixels. It works on a copy of the
# network, so nothing of it remains.

# %% tags=["demo"]
torch.manual_seed(seed)
model = models.PlainCNN(len(dishes), (16, 32, 64, 128, 256))
small = data.plates(size=32, dishes="base").split("train")
tested = training.range_test(model, small, settings, lowest=1e-4, highest=0.3, steps=48)
figs.range_test(tested, settings.lr)

# %% [markdown]
# The lowest point is not the rate to take: there the loss has just stopped falling. A common rule takes a fifth to a
# tenth of it. The curve has a flat and noisy floor: in three runs when this chapter was written the lowest point lay at
# 0.014, 0.017 and 0.039. A fifth to a tenth of those is 0.0014 to 0.008, and 0.003 lies in between. The test is a first
# guess from a few dozen batches: it says which power of ten to try, and nothing about what is best after many epochs.
#
# ### The run

# %% tags=["demo"]
torch.manual_seed(seed)
model = models.PlainCNN(len(dishes), (16, 32, 64, 128, 256))
history = training.train(model, train, val, settings, quiet=True)
show_curves(history)

# %% [markdown]
# Look at the curves: the training accuracy is *below* the validation accuracy. How can that be? There are two reasons.
# Augmentation makes the training pictures harder. And the training accuracy is counted during the epoch, while the
# network is still learning, but the validation accuracy after it, with the averaged weights.
#
# ### Several GPUs
#
# The same loop runs on several GPUs. `torchrun` starts one process for each of them. Every process handles its share of
# each batch, and the gradients are averaged before the step:
#
#     torchrun --nproc-per-node 4 -m introdl.recipes plates-128 --out weights
#
# Nothing else changes. The batch size is that of all processes together, and the random draws are made for the whole
# batch, so up to rounding the result is the same as on one device. (The tests of this course check that with two
# processes on a CPU; on several GPUs it has not been run yet.)
#
# ## 6. Checkpoints: stop and resume
#
# Long runs get interrupted. A **checkpoint** is a file that holds everything the next step depends on. That is more
# than the weights: the optimizer has a memory (momentum; Adam's running means), the schedule counts its steps, and the
# random generator has a state that decides what it draws next. If you forget one of them, the run continues without an
# error, and ends up somewhere else.
#
# The check trains a small network, saves it and goes on training. Then another process starts from the beginning, loads
# the checkpoint and continues from there. Both must end with the same numbers.
#
# ### Exercise: `save_checkpoint` and `load_checkpoint`

# %% exercise="09.checkpoint"
def save_checkpoint(path, model, optimizer, schedule, generator, epochs):
    """Save everything that the next epoch depends on.

    Parameters
    ----------
    path : pathlib.Path
        The file to write.
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
    """Restore the saved state of a model, an optimizer, a schedule and a generator.

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
# The accuracy alone does not tell you which dishes the network confuses. In chapter 01 you read a **confusion matrix**;
# now you make one. It counts each pair of truth and prediction. **By hand**: the true dishes are 0, 0, 1 and the
# predictions 0, 1, 1. Row 0 (true dish 0) is 1, 1: it was named right once, and once called 1. Row 1 is 0, 1.
#
# ### Exercise: `confusion_matrix`

# %% exercise="09.confusion_matrix"
def confusion_matrix(labels, predictions, k):
    """Count what each dish is called.

    Parameters
    ----------
    labels, predictions : numpy.ndarray
        int64, (N,): the true dishes and the predicted ones, from 0 to k - 1.
    k : int
        How many dishes there are; some may not occur.

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
# Here is the network of section 5 on the test plates. Until now this chapter has not used them, and it changes nothing
# because of what they show.

# %% tags=["demo"]
test = plates.split("test")
mean, std = history.about["mean"], history.about["std"]
with torch.inference_mode():
    scores = model.eval().cpu()(training.normalize(torch.from_numpy(np.array(test.images)), mean, std))
probabilities = scores.float().softmax(dim=1).numpy()
named = probabilities.argmax(axis=1)
accuracy = (named == test.labels).mean()
print(f"test accuracy {accuracy:.1%}, standard error {np.sqrt(accuracy * (1 - accuracy) / len(test)):.1%}")
matrix = np.zeros((len(dishes), len(dishes)), dtype=int)
np.add.at(matrix, (test.labels, named), 1)
figs.confusion(matrix, dishes)

# %% [markdown]
# Now compare with photographs. On 494 test photographs of thirteen dishes from Food-101, a ResNet-18 that chapter 11
# trains from scratch on all of the set's training photographs, also at 64 x 64 pixels, gets 35 % right (one run,
# recorded). Real food varies far more than our kitchen does, and with 400 short steps that network was also not trained
# for long. So treat the accuracy above as what it is: the accuracy on rendered plates.
#
# Then look at the pictures themselves. The **worst mistakes** are wrong answers in which the network was most
# confident. Among them you find wrong labels, odd camera angles, dishes that even you could not name, and gaps in the
# training set.
#
# ### Exercise: `worst_mistakes`

# %% exercise="09.worst_mistakes"
def worst_mistakes(probabilities, labels, n):
    """Find the plates that are named wrong with the most confidence.

    Parameters
    ----------
    probabilities : numpy.ndarray
        (N, K); the predicted dish is the one with the largest.
    labels : numpy.ndarray
        int64, (N,): the true dishes.
    n : int
        How many to return at most.

    Returns
    -------
    numpy.ndarray
        Indices of the plates that are named wrong, sorted by the probability of the predicted
        dish, highest first: n of them, or as many as there are.

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
# **Play against it.** The game of chapter 00 works with any network. Here your opponent is the one that you have just
# trained, with twelve dishes and five guesses for each plate. The *hard* course begins with the plates on which *the
# network* does worst.

# %% tags=["demo"]
game.play(game.Deck(test, lambda images: probabilities), name="chapter 09", seed=seed)

# %% [markdown]
# ## 8. Ablation: what each part of the recipe is worth
#
# An **ablation** removes one part of the recipe and measures again. One run is not enough, because another seed alone
# changes the result. So every variant (*arm*) was trained with three seeds, and each run was compared with the run of
# the full recipe that has the same seed. Such *paired* differences vary less than the accuracies themselves, because
# first weights and the order of the plates are the same in both. It takes long, so it was done once, by
# `python -m introdl.experiments.ablation`, and recorded.
#
# The rule of this course for *is this difference real?* is chapter 01's: take the mean of the paired differences and
# its standard error, which is their standard deviation divided by the square root of their number. With many pairs, a
# mean of more than 2 standard errors is hard to explain by chance. With only three pairs the standard error itself is
# uncertain, so ask for 4 (Student's t distribution says 4.3).

# %%
record = records.load("ablation")
about, counts = record["about"], {}
for made in record["runs"]:
    counts[made["arm"]] = counts.get(made["arm"], 0) + 1
print(f"{about['network']} {about['widths']}, {about['size'][0]} px, {about['settings']}")
print(f"{' or '.join(map(str, sorted(set(counts.values()))))} seeds an arm; {about['machine']['device']}, {about['machine']['day']}")
print("difference from the full recipe in percentage points, mean and standard error")
print(f"{'':>58}  validation      test")
on_validation, noise = figs.ablation_gains(record, "val_accuracy")
on_test, _ = figs.ablation_gains(record, "test_accuracy")
for arm in on_validation:
    told = [f"{np.mean(v):+6.1f} ± {np.std(v, ddof=1) / len(v) ** 0.5:.1f}" for v in (on_validation[arm], on_test[arm])]
    print(f"{arm:>58}: {'   '.join(told)}")
print(f"the full recipe itself, from seed to seed: standard deviation {noise:.1f} points on the validation plates")
figs.ablation(record)

# %% [markdown]
# Read it with care. Validation plates are for comparing arms; the test column shows what the same runs did on plates
# that chose nothing. With one look for each run, it is no longer a fresh test either.
#
# - **Batch normalization** is worth most by far: without it the network loses 13 points. Is the learning rate to blame?
#   Compared with the same network at the usual rate, a quarter of the rate loses another 10 points on the validation
#   plates. Twice the rate gains 2.1, with a standard error of 1.4, which by our rule is nothing yet. Are the first
#   weights to blame? PyTorch's default is not He's: the standard deviation is $\sqrt{1 / (3 D)}$ for $D$ inputs, less
#   than half of He's $\sqrt{2 / D}$ (chapter 02). With He's first weights 3.6 points come back on the validation
#   plates (standard error 0.9) and 5.0 on the test plates (0.7). So the default is part of the trouble, but the larger
#   part, about 9 points, remains. Batch normalization corrects the scale in every layer and at every step, not only at
#   the start.
# - **Augmentation** hurts here. *Flips only* beats the full recipe with every seed and on both sets, by more than 2
#   points on average, and no augmentation at all beats it on the validation plates as clearly. An effect belongs to its budget: in
#   eight epochs the network sees each plate only eight times and cannot learn it by heart yet, so augmentation has
#   little to prevent and makes learning slower. With three times the epochs the picture is less clear. (Compare the
#   last two rows with each other.) On the test plates the run with augmentation wins with every seed, by 1.2 points
#   with a standard error of 0.4; on the validation plates of the same runs the differences are -0.3, -0.2 and +0.3
#   points, which is nothing. By our rule, neither counts.
# - **Label smoothing, averaged weights, input normalization**: none of them makes a difference that our rule would
#   accept. A *constant learning rate* even beats the schedule with every seed, by 0.6 points on the validation plates,
#   but that is only 1.8 standard errors. Three pairs cannot show an effect of half a point, and they cannot show that
#   there is none: for that you would need more seeds.
# - So is this the best recipe? For eight epochs it is not. We show it because it is the usual one, and because it is
#   meant for longer runs on harder pictures; what the record supports is *flips only*.
# - 576 plates give an accuracy of 93 % a standard error of about a point of its own. Pairing helps against that too,
#   since both runs of a pair are measured on the same plates.
#
# ## 9. Written answer
#
# A colleague reports: *"My new trick gains 0.8 points! I trained the old recipe and the new one once each, looked at
# the test accuracy after every epoch, and took the best of each: 93.2 against 94.0 %, on 500 plates. The trick also
# doubled the training time, since I let it run until it stopped getting better."*
#
# In at most 200 words:
#
# 1. Is 0.8 points more than chance? Give the standard error that comes from the size of the test set, and say what else
#    varies.
# 2. What is wrong with how the two numbers were chosen?
# 3. What is unfair about the comparison?
# 4. Describe the experiment that you would do: arms, seeds, which set decides, what you would report.

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
# An answer that treats the two results as paired, since they are on the same plates, and says that the error of the
# difference is then smaller, is right and earns the full 3 points of the first row if it gives a number.
# ### END MARK SCHEME

# %% [markdown]
# ## Quiz
#
# Write a letter for each, for example `answer_1 = "a"`.
#
# **1.** Why are mean and deviation not computed over all plates, test plates among them?
#
# - a) Because the result would be much too good.
# - b) Because nothing computed from test plates may enter the training: they stand for plates that you do not have.
# - c) Because normalized test pictures would need too much memory.
# - d) It does not matter: all splits have the same mean.
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
# - d) Keep the one with the better test accuracy: that is what the test set is for.

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
# - Pictures stay on the device as bytes; a batch is selected, augmented and normalized there. Statistics come from the
#   training set alone.
# - Pictures that don't fit come from the disk: a lazy `Dataset` and a `DataLoader` with workers.
# - `nn.Module` registers what you assign to its attributes; a plain list of layers stays unknown to it.
# - Augmentation changes the pixels, keeps the label, and draws separately for each picture.
# - A CNN: convolution, batch normalization, ReLU and pooling, repeated; then a mean over space and a dense layer.
# - Learning-rate schedule, label smoothing and averaged weights are each only a line or two in the loop.
# - A checkpoint holds weights, optimizer, schedule, generator and the number of epochs.
# - After the accuracy, look at the confusion matrix, and then at the pictures.
# - An ablation shows something only with several seeds: compare paired differences with their standard error.
#
# ### Cheat sheet
#
# | what | how |
# |---|---|
# | normalize | $(x / 255 - \mu) / \sigma$, one $\mu$ and $\sigma$ a channel, training set |
# | stage | `Conv2d(a, b, 3, padding=1, bias=False)`, `BatchNorm2d(b)`, `ReLU()`, `MaxPool2d(2)` |
# | head | `x.mean(dim=(2, 3))`, `Linear(channels, K)`; no softmax |
# | a folder of pictures | `__len__` and `__getitem__`; `DataLoader(dataset, batch_size, shuffle=True, num_workers=2)` |
# | a list of layers | `nn.ModuleList([...])`, not `[...]` |
# | a first learning rate | range test: a fifth to a tenth of the rate with the lowest loss |
# | label smoothing | `cross_entropy(scores, labels, label_smoothing=0.1)` |
# | checkpoint | `torch.save({...state_dict()...}, path)`, `load_state_dict(torch.load(path)[...])` |
# | several GPUs | `torchrun --nproc-per-node N -m introdl.recipes NAME` |
# | standard error of an accuracy | $\sqrt{p (1 - p) / n}$ |
#
# ### Words
#
# - **ablation**: leaving out one part at a time, to measure what it is worth.
# - **augmentation**: changing training pictures in ways that keep their labels, such as a flip or a crop.
# - **batch normalization**: standardizing each channel over the batch; when evaluating, with running means
#   (BatchNorm).
# - **checkpoint**: everything that training needs to go on from a point: weights, optimizer, schedule, generator,
#   epoch.
# - **DataLoader**: draws an order, asks a dataset for its examples, and stacks them into batches, in worker processes if
#   you like.
# - **dropout**: setting random activations to 0 while training.
# - **ensemble**: several networks whose answers are averaged.
# - **exponential moving average**: a running mean of the weights in which the past fades (EMA).
# - **label smoothing**: training toward a label that gives the true class slightly less than 1 and the others the
#   rest.
# - **range test**: a short run with a growing learning rate, to find one that is neither too small nor too large.
# - **seed**: the number that a random generator starts from; the same seed, the same draws.
#
# ### Next
#
# The network works, but what does it look at? Chapter 10 opens it: filters, feature maps, and the pixels that decide.
#
# ### Further reading
#
# - Andrej Karpathy, [A recipe for training neural networks](https://karpathy.github.io/2019/04/25/recipe/), 2019.
# - Ioffe and Szegedy, [Batch normalization](https://arxiv.org/abs/1502.03167), 2015.
# - Szegedy and others, [Rethinking the Inception architecture](https://arxiv.org/abs/1512.00567), 2016: label smoothing.
# - Smith and Topin, [Super-convergence](https://arxiv.org/abs/1708.07120), 2017: one cycle.
# - [cs231n: training neural networks](https://cs231n.github.io/neural-networks-3/): what to watch while it runs.
# - PyTorch, [torchrun](https://pytorch.org/docs/stable/elastic/run.html).
