# %% [markdown]
# # 08 From NumPy to CUDA
#
# Your NumPy network of chapter 07 learns digits. MealoMi's plates have more pixels, more dishes and more layers, and
# NumPy would need days. In this chapter you move to PyTorch: the same arrays, but they know their gradients, and they
# can live on a GPU. And you learn to ask the question that comes with it: *how fast is this, really?*
#
# **When you are done, you can**
#
# - say what a tensor is: numbers in memory, a dtype, a device and strides;
# - take a gradient with autograd, and check it against your own backward pass of chapter 06;
# - measure a time so that you can trust it, on a busy laptop and on a GPU;
# - count a layer's operations and bytes, and say from a roofline what it is waiting for;
# - write a training step and an evaluation that are right, and a step in mixed precision.
#
# **What you build**: `best_device`, `to_device`, `measure`, `conv_flops`, `arithmetic_intensity`, `train_step`,
# `evaluate` and `train_step_amp`. Chapters 09 to 13 stand on them.
#
# **Time**: about 90 minutes. **You need**: the convolution of chapter 03, the backward pass of chapter 06, SGD from
# chapter 07. **You do not need a GPU.** Every cell runs on a CPU and teaches there; where there is CUDA, the same cells
# use it.

# %%
import copy
import math
import statistics
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from introdl import benchmark, check, data, figures, hint
from introdl.figures import cuda as figs

figures.use_style()

# %% tags=["parameters"]
seed = 8  # of the networks' first weights and the order of the pictures
epochs = 8  # of the training in section 8
patience = 1.0  # seconds that one measurement may take
try_compile = False  # True: torch.compile on the CPU too (it needs a C++ compiler and about a minute)

# %% [markdown]
# ## 1. Why now?
#
# Convolutional networks read digits in 1998. They won ImageNet in 2012. What had happened in between? More labelled
# pictures, a few better ideas (ReLU, dropout), and a machine: AlexNet was trained on two graphics cards, NVIDIA GTX 580,
# in [five to six days](https://papers.nips.cc/paper/4824-imagenet-classification-with-deep-convolutional-neural-networks).
# Such a card has 512 arithmetic units at 1.544 GHz, and each can multiply and add in a clock: $512 \cdot 1.544 \cdot 10^9
# \cdot 2 = 1.58 \cdot 10^{12}$ operations a second. A card of 2022, the H100, has $989 \cdot 10^{12}$ on its data sheet,
# in 16-bit numbers. A network is made of multiplications and additions, so this is what it eats.
#
# A **FLOP** is one floating-point operation. **FLOP/s** is how many a second. T is $10^{12}$, G is $10^9$.
#
# ## 2. A tensor is an array
#
# Nearly everything that you know from NumPy has the same name. `torch.from_numpy` does not even copy:

# %%
array = np.arange(6.0).reshape(2, 3)
tensor = torch.from_numpy(array)
array[0, 0] = 100  # one memory, two names
print(tensor)
print("as matrices:", torch.equal(tensor @ tensor.T, torch.from_numpy(array @ array.T)))
print("NumPy's default:", array.dtype, "  PyTorch's:", torch.zeros(1).dtype)

# %% [markdown]
# One difference matters. NumPy computes in float64, 8 bytes a number. PyTorch computes in **float32**, 4 bytes: half the
# memory to move, twice the numbers in a vector register, and a network does not notice the lost digits. Section 9 goes
# to 2 bytes.
#
# ### Strides
#
# Memory is one long row of cells. A tensor of shape $(N, C, H, W)$ is such a row and four **strides**, one for each
# axis: how many cells further the next index is. The number at $[n, c, h, w]$ lies at
#
# $$\text{place} = n \, s_N + c \, s_C + h \, s_H + w \, s_W .$$
#
# **By hand**: one picture, three channels, two rows, four columns: $(1, 3, 2, 4)$. The next column is 1 further, the next
# row 4, the next channel $2 \cdot 4 = 8$, the next picture 24. So $[0, 1, 1, 2]$ lies at $8 + 4 + 2 = 14$.
#
# 1. Move the indices. Which slider jumps the furthest in memory?
# 2. Choose *permute*. The shape changes. Do the numbers move?
# 3. Choose *channels_last*. The shape is the old one. What are the strides now, and which three numbers stand side by side?

# %% tags=["demo"]
figs.memory_explorer()

# %% [markdown]
# A view (a slice, a transpose, a permutation) costs nothing: same memory, other strides. A copy costs a trip through
# memory.
#
# **channels_last** keeps a pixel's channels side by side. A convolution needs all channels of a pixel at once, so many
# kernels prefer it, above all the ones for a GPU's 16-bit tensor cores. The shape that you see stays $(N, C, H, W)$:

# %%
pictures = torch.rand(8, 64, 32, 32)
last = pictures.contiguous(memory_format=torch.channels_last)
print("shape ", tuple(pictures.shape), tuple(last.shape))
print("stride", pictures.stride(), last.stride())
print("equal:", torch.equal(pictures, last))

# %% [markdown]
# ## 3. Devices
#
# A tensor lives on a **device**: the processor's memory (`cpu`), an NVIDIA GPU's (`cuda`), or Apple's (`mps`). Two tensors
# must be on the same device to meet. `x.to(device)` returns a copy there, or `x` itself where it is there already.
#
# ### Exercise: `best_device`

# %% exercise="08.best_device"
def best_device():
    """The fastest kind of device that torch can use here and now.

    Returns
    -------
    torch.device
        CUDA's where it is available, else Apple's ("mps") where that is available, else the
        CPU. Ask torch; do not try by moving a tensor.

    Example
    -------
    >>> best_device()  # on a laptop without a GPU
    device(type='cpu')
    """
    ### BEGIN SOLUTION
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")
    ### END SOLUTION

# %% check="08.best_device"
check("08.best_device", best_device)

# %% [markdown]
# The check pretends to be one machine after the other, so it can say what your function does on a server that you do not
# have. The chapter itself takes CUDA where there is some, and the CPU otherwise:

# %%
device = torch.device("cuda" if torch.cuda.device_count() else "cpu")
print(f"this chapter runs on: {benchmark.device_name(device)} ({device})")
if device.type == "cpu":
    print(f"{benchmark.cores()} cores, vector instructions: {torch.backends.cpu.get_cpu_capability()}")

# %% [markdown]
# A batch is seldom one tensor. It is a pair of images and labels, or a dict with boxes, grams and the dish's name. A
# function that moves it must go through whatever it is given. Write it once, and use it for ever.
#
# The check moves tensors to torch's device `meta`, which has shapes and no numbers. It exists on every machine.
#
# ### Exercise: `to_device`

# %% exercise="08.to_device"
def to_device(batch, device):
    """Move every tensor of a nested batch to a device.

    Parameters
    ----------
    batch : object
        A tensor, or a list, tuple, namedtuple or dict of such batches, nested as deep as you
        like. Anything else (a text, a number, None, a NumPy array) is returned as it is.
    device : torch.device
        Where to.

    Returns
    -------
    object
        The same kinds of collections, with moved tensors. The batch that was given is left as
        it is: its lists and dicts still hold the old tensors.

    Example
    -------
    >>> batch = {"image": torch.zeros(2, 3), "dish": ["pizza", "salad"]}
    >>> moved = to_device(batch, torch.device("meta"))
    >>> moved["image"].device, moved["dish"]
    (device(type='meta'), ['pizza', 'salad'])
    """
    ### BEGIN SOLUTION
    if isinstance(batch, torch.Tensor):
        return batch.to(device)
    if isinstance(batch, dict):
        return {key: to_device(value, device) for key, value in batch.items()}
    if isinstance(batch, (list, tuple)):
        items = [to_device(item, device) for item in batch]
        return type(batch)(*items) if hasattr(batch, "_fields") else type(batch)(items)
    return batch
    ### END SOLUTION

# %% check="08.to_device"
check("08.to_device", to_device)

# %% [markdown]
# ## 4. Autograd: your backward pass, written by the machine
#
# In chapter 06 you worked out $\partial L / \partial W$ for a dense layer and cross-entropy by hand. Here it is once more,
# for one plate with two features and three dishes, and beside it what PyTorch says. With the scores $s = xW + b$:
#
# $$\frac{\partial L}{\partial s} = \frac{p - t}{N}, \qquad \frac{\partial L}{\partial W} = x^\top \frac{\partial L}{\partial s},
# \qquad \frac{\partial L}{\partial b} = \sum_n \frac{\partial L}{\partial s_n}$$
#
# - $x$: features, $(N, D)$. $W$: weights, $(D, K)$. $b$: biases, $(K,)$. $p$: probabilities, and $t$: one-hot labels, both
#   $(N, K)$.

# %%
x = np.array([[1.0, 4.0]])
W = np.array([[-1.0, 0.0, 1.0], [0.5, 1.0, -1.0]])
b = np.array([1.0, 0.0, 1.0])
label = np.array([0])

s = x @ W + b  # the forward pass: 2, 4, -2, as in chapter 05
p = np.exp(s - s.max()) / np.exp(s - s.max()).sum()
ds = (p - np.eye(3)[label]) / 1  # the backward pass, by hand
dW, db = x.T @ ds, ds.sum(axis=0)

tW, tb = torch.tensor(W, requires_grad=True), torch.tensor(b, requires_grad=True)
scores = torch.from_numpy(x) @ tW + tb  # the same forward pass; torch takes notes
loss = F.cross_entropy(scores, torch.from_numpy(label))
loss.backward()

print("by hand: dW =", dW.round(3).tolist(), " db =", db.round(3).tolist())
print("autograd:     ", tW.grad.numpy().round(3).tolist(), "      ", tb.grad.numpy().round(3).tolist())
print("largest difference:", np.abs(dW - tW.grad.numpy()).max())

# %% [markdown]
# The notes are a graph, the same as you drew in chapter 06. Each result knows the operation that made it, and that
# operation knows its inputs:

# %% tags=["demo"]
node, names = loss.grad_fn, []
while node is not None:
    names.append(type(node).__name__)
    node = node.next_functions[0][0] if node.next_functions else None
print("  <-  ".join(names))

# %% [markdown]
# Three habits of autograd that bite everybody once:
#
# - **It adds.** A second `backward()` adds to `.grad`. That is right where a weight is used twice (you met it in
#   `Value.backward`), and wrong from one batch to the next. So gradients are set to zero before each step.
# - **It remembers.** As long as you hold a loss, you hold its graph, and the graph holds every layer's activations.
#   `loss.item()` gives you the number alone.
# - **It can be told not to.** In `torch.no_grad()` no notes are taken.

# %%
weight = torch.tensor([2.0], requires_grad=True)
for again in range(3):
    (weight * 3).sum().backward()
    print(f"after {again + 1} backward passes, the gradient of 3w is {weight.grad.item():g}")
kept = (weight * 3).sum()
print("a kept loss holds:", kept.grad_fn, "  its number alone:", kept.item())
with torch.no_grad():
    print("without notes:", (weight * 3).sum().grad_fn)

# %% [markdown]
# ## 5. Measuring honestly
#
# *Twice as fast* is said quickly. Take any operation, a convolution that this notebook has not run before, and time 40
# calls, one by one:

# %%
plates = torch.rand(4, 16, 56, 56, device=device)
kernels = torch.rand(24, 16, 3, 3, device=device)


def convolve():
    return F.conv2d(plates, kernels, padding=1)


raw = benchmark.times(convolve, device, warmup=0, repeats=40, seconds=4 * patience)
figs.spread(raw, warmup=3, what="a convolution")

# %% [markdown]
# Look at your picture, then read on.
#
# - **The first call** loads code, asks for memory and chooses an algorithm. On a GPU that can take seconds. It happens
#   once, so it does not count: **warm up**.
# - **The others differ.** Your machine also plays music, indexes files and runs the clock in the corner. Somebody takes the
#   core away for some milliseconds, and one call looks terrible. Such hiccups only ever make a call slower, never faster.
# - **The mean** follows the worst hiccup. The **median**, the middle one of the sorted times, does not. If five calls take
#   1, 2, 3, 5 and 30 ms, the mean is 8.2 ms, longer than four of the five. The median is 3 ms.
# - **One number hides the spread.** Say the fastest and the slowest too. Two medians that differ by less than their
#   spreads are the same until you have measured better.
#
# When you compare two ways, measure them *in turns*, on the same machine, in the same minute, and report the ratio.
#
# ### A GPU has a queue
#
# A call to a GPU returns before the work is done. The processor writes an order into a queue and goes on; the GPU works
# through the queue at its own pace. That is good: while one is busy, the other prepares what comes next. But a clock that
# does not know of it, measures the writing of orders. `torch.cuda.synchronize()` waits until the queue is empty.
#
# 1. Look at the first picture. How wrong is the clock that does not wait?
# 2. Set the GPU's work to 5 µs and the launch to 20 µs. Who waits for whom now? Would a faster GPU help?
# 3. More calls: does the naive clock get better?

# %% tags=["demo"]
figs.queue_explorer()

# %% [markdown]
# Here is your own device. On a CPU both numbers are the same: it has no queue, a call returns when it is done.

# %%
matrix = torch.randn(512, 512, device=device)
matrix @ matrix  # warm up
benchmark.synchronize(device)
begun = time.perf_counter()
for _ in range(20):
    matrix @ matrix
handed_in = time.perf_counter() - begun
benchmark.synchronize(device)
done = time.perf_counter() - begun
print(f"20 products: the clock that does not wait says {figs.seconds(handed_in)}, the one that waits {figs.seconds(done)}")

# %% [markdown]
# ### Exercise: `measure`
#
# The clock to use is `time.perf_counter()`: seconds, with the finest steps there are, and it never jumps. The check puts a
# pretended clock and a pretended GPU in its place, so what your machine does just now does not matter.

# %% exercise="08.measure"
def measure(fn, synchronize, warmup=3, repeats=11):
    """Time a function, honestly.

    Parameters
    ----------
    fn : callable
        Takes nothing; what it returns does not matter.
    synchronize : callable
        Takes nothing; returns when the device has done all that it was given. (On a CPU it
        returns at once.)
    warmup : int
        So many calls of fn first, which are not timed; 0 or more.
    repeats : int
        So many calls of fn, each timed on its own; an odd number.

    Returns
    -------
    tuple of 3 floats
        Median, fastest and slowest of the timed calls, in seconds, by a clock of the module
        time. Each time runs from a moment when the device has nothing to do, to the next. fn
        is called exactly warmup + repeats times.

    Example
    -------
    >>> median, fastest, slowest = measure(lambda: sum(range(1000)), lambda: None)
    """
    ### BEGIN SOLUTION
    for _ in range(warmup):
        fn()
    taken = []
    for _ in range(repeats):
        synchronize()
        start = time.perf_counter()
        fn()
        synchronize()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken), min(taken), max(taken)
    ### END SOLUTION

# %% check="08.measure"
check("08.measure", measure)

# %% [markdown]
# ### How many threads?
#
# torch splits a large operation into equal parts, one for each **thread**, and waits until the last one is done. With two
# free cores, two threads can be twice as fast. But if another program has one of the cores, a part waits for it, some
# milliseconds each time, and the other thread waits along, spinning. Then two threads are not half as fast as you hoped:
# they can be many times *slower than one*. So do not believe, measure:

# %%
found = benchmark.threads(n=512, seconds=patience)
figs.thread_choice(found, 512, benchmark.load())
chosen = benchmark.best_threads(found)
torch.set_num_threads(chosen)
print(f"from here on: {chosen} thread{'s' * (chosen > 1)}")

# %% [markdown]
# The rule that the cell follows: the smallest number of threads whose median is within 5 % of the best. On a quiet machine
# that is often the number of real cores. While a film renders in the background it may be one. When results look odd later
# on, run this cell again.
#
# ## 6. What is a GPU good at?
#
# ### Count the work
#
# How many operations does a convolution need? An output number is a dot product of length $C \cdot KH \cdot KW$. Each of its
# terms costs one multiplication and one addition: 2 FLOPs. (The first addition is to 0; it is counted all the same. The
# bias is not counted.)
#
# $$\text{FLOPs} = 2 \cdot N \cdot F \cdot OH \cdot OW \cdot C \cdot KH \cdot KW$$
#
# - $N$ pictures, $C$ channels in, $F$ filters, a kernel of $KH \times KW$, an output of $OH \times OW$, as in chapter 03:
#   $OH = \lfloor (H + 2P - KH) / S \rfloor + 1$ with padding $P$ and stride $S$.
#
# **By hand**: one picture with 3 channels of 32 x 32, 16 filters of 3 x 3, padding 1. The output is 16 x 32 x 32 = 16,384
# numbers. Each costs $2 \cdot 27 = 54$. Together 884,736 FLOPs.
#
# ### Exercise: `conv_flops`

# %% exercise="08.conv_flops"
def conv_flops(x_shape, w_shape, stride=1, padding=0):
    """Floating-point operations of a convolution: a multiplication and an addition are two.

    Parameters
    ----------
    x_shape : tuple of 4 ints
        (N, C, H, W), the input.
    w_shape : tuple of 4 ints
        (F, C, KH, KW), the kernels. There is no bias.
    stride, padding : int
        The same for rows and columns; padding is on every side.

    Returns
    -------
    int

    Example
    -------
    >>> conv_flops((1, 3, 32, 32), (16, 3, 3, 3), padding=1)
    884736
    """
    ### BEGIN SOLUTION
    n, c, h, w = x_shape
    f, _, kh, kw = w_shape
    oh = (h + 2 * padding - kh) // stride + 1
    ow = (w + 2 * padding - kw) // stride + 1
    return 2 * n * f * oh * ow * c * kh * kw
    ### END SOLUTION

# %% check="08.conv_flops"
check("08.conv_flops", conv_flops)

# %% [markdown]
# ### Count the bytes
#
# The numbers must get to the arithmetic units and back. A ReLU over a million numbers needs a million operations, and it
# reads 4 MB and writes 4 MB. A convolution reads about the same, but uses each number again and again, with every filter
# and every offset. The ratio has a name, **arithmetic intensity**:
#
# $$I = \frac{\text{FLOPs}}{\text{bytes read and written}}$$
#
# We count each tensor once, as if the caches were perfect. Real traffic can only be more.
#
# **By hand** in float32, 4 bytes a number. The ReLU: $I = 1 / 8 = 0.125$. The convolution above reads 3,072 + 432 numbers and
# writes 16,384, together 79,552 bytes: $I = 884{,}736 / 79{,}552 = 11.1$.
#
# ### Exercise: `arithmetic_intensity`

# %% exercise="08.arithmetic_intensity"
def arithmetic_intensity(flops, read, written, itemsize):
    """Operations for each byte that goes through memory.

    Parameters
    ----------
    flops : int
        Operations.
    read, written : list of tuples of ints
        Shapes of the tensors that are read (inputs, weights) and that are written. A shape of
        () is a single number.
    itemsize : int
        Bytes of one number: 4 for float32, 2 for bfloat16.

    Returns
    -------
    float
        FLOP per byte.

    Example
    -------
    >>> arithmetic_intensity(24, read=[(2, 3), (3, 2)], written=[(2, 2)], itemsize=4)
    0.375
    """
    ### BEGIN SOLUTION
    return flops / (itemsize * sum(math.prod(shape) for shape in [*read, *written]))
    ### END SOLUTION

# %% check="08.arithmetic_intensity"
check("08.arithmetic_intensity", arithmetic_intensity)

# %% [markdown]
# ### The roofline
#
# A machine has two limits: the **peak**, operations a second, and the **bandwidth**, bytes a second. A layer with intensity
# $I$ can reach
#
# $$\text{FLOP/s} \le \min(\text{peak},\; I \cdot \text{bandwidth}) .$$
#
# Drawn over $I$ that is a roof: first a slope, then flat. The corner, at $I = \text{peak} / \text{bandwidth}$, is the
# **ridge**. Left of it a layer waits for memory (*memory-bound*), right of it for arithmetic (*compute-bound*). The idea is
# by [Williams, Waterman and Patterson, 2009](https://doi.org/10.1145/1498765.1498785).
#
# What are your machine's two limits? On paper, one core of a processor with 8-wide float32 vectors and two units that each
# multiply and add in one clock does $8 \cdot 2 \cdot 2 = 32$ FLOPs a clock; at 3 GHz that is 96 GFLOP/s. Now measure: a
# large matrix product for the peak, a copy that is much larger than the caches for the bandwidth.

# %%
peak, bandwidth = benchmark.roof(device, seconds=2 * patience)
name = benchmark.device_name(device)
print(f"{name}, {torch.get_num_threads()} thread(s), load {benchmark.load()}")
print(f"peak {figs.rate(peak)}, bandwidth {figs.rate(bandwidth, 'B/s')}, ridge at {peak / bandwidth:.1f} FLOP per byte")

# %% [markdown]
# The fast calls count here, not the median: a limit is what the machine can do when nobody is in its way. If other
# programs are at work just now, both numbers may still be too low. The load says how many processes wanted a core in the
# last minute, on average.
#
# Five layers with an input of (64, 32, 32, 32), timed on your machine, below its own roof (the fastest calls again). To come
# near the roof a layer also needs a good program; a dashed line shows what is missing.

# %%
def timed_layers(batch=64, channels=32, size=32):
    x = torch.rand(batch, channels, size, size, device=device)
    w3 = torch.rand(channels, channels, 3, 3, device=device)
    w1 = torch.rand(channels, channels, 1, 1, device=device)
    flat, w = torch.rand(batch, channels, device=device), torch.rand(channels, channels, device=device)
    mean, var = torch.zeros(channels, device=device), torch.ones(channels, device=device)
    layers = {
        "conv 3x3": lambda: F.conv2d(x, w3, padding=1),
        "conv 1x1": lambda: F.conv2d(x, w1),
        "dense": lambda: F.linear(flat, w),
        "batch norm": lambda: F.batch_norm(x, mean, var),
        "ReLU": lambda: F.relu(x),
    }
    costs = figs.layer_costs(batch, channels, size)
    with torch.inference_mode():
        for layer, fn in layers.items():
            yield layer, *costs[layer], min(benchmark.times(fn, device, repeats=31, seconds=patience / 2))


figs.roofline_measured(peak, bandwidth, name, list(timed_layers()))

# %% [markdown]
# A point may even lie *above* the roof. The tensors of this cell have 8 MB. Where they fit into the processor's caches, they
# are read much faster than memory can. And the dense layer is tiny: most of its time goes into the call itself.
#
# Now move the layers yourself. The points are not measured here: they are the best that the roof allows. The menu also
# holds machines from their makers' data sheets. Those are **theory**: clock times units, as printed, without sparsity.
#
# 1. On your machine: which layers are memory-bound at batch 8 and 32 channels?
# 2. Move the channels from 1 to 512. Which points move to the right, and which never do?
# 3. Set channels to 512 and the size to 1, then move the batch from 1 to 1024. Why does the dense layer care so much?
# 4. Choose the H100 in bfloat16. Its ridge is far to the right. Which layers can still use its peak?
# 5. From H100 to H200 the peak stays, and memory is faster. Which layers gain?

# %% tags=["demo"]
figs.roofline_explorer(peak, bandwidth, name)

# %% [markdown]
# That is why batches matter so much on a GPU, why ReLU and batch normalisation should be *fused* into the layer before
# them, and why *twice the FLOP/s* is no promise.
#
# ## 7. Where the time goes
#
# ### Batches
#
# Each call has a fixed price, and each weight is read once for the whole batch. So larger batches are cheaper per
# picture, until the arithmetic units are full. Training steps of a small network with three convolutions:

# %%
rows = []
for batch in (1, 4, 16, 32) if device.type == "cpu" else (1, 4, 16, 64, 256, 1024):
    taken = benchmark.times(benchmark.training_step(device, batch, size=32), device, 1, repeats=9, seconds=patience / 2)
    rows.append((batch, statistics.median(taken), min(taken), max(taken)))
figs.batches(rows, f"training steps of three convolutions, 32 x 32 pixels, on {device}")

# %% [markdown]
# Large batches have a price too. They need more memory, and an epoch has fewer steps: chapter 07's question.
#
# ### Launches
#
# The fixed price is easy to see. Add 1 to a thousand numbers, a hundred times; or to a hundred thousand numbers, once.
# The arithmetic is the same:

# %%
many = benchmark.small_operations(device)
wide = torch.zeros(100_000, device=device)
taken = {
    "100 small operations": statistics.median(benchmark.times(many, device, repeats=51, seconds=patience)),
    "1 large operation": statistics.median(benchmark.times(lambda: wide.add_(1.0), device, repeats=51, seconds=patience)),
}
if device.type == "cuda":
    replay = benchmark.graphed(benchmark.small_operations(device))
    taken["the 100 as a CUDA graph"] = statistics.median(benchmark.times(replay, device, repeats=51, seconds=patience))
for words, value in taken.items():
    print(f"{words:>24}: {figs.seconds(value)}")
each = (taken["100 small operations"] - taken["1 large operation"]) / 99
print(f"so one call costs about {figs.seconds(max(each, 1e-9))} before it has added anything")

# %% [markdown]
# A **CUDA graph** is the cure on a GPU: record a sequence of launches once, and hand it in as a whole from then on. The
# shapes and the memory must stay the same, so it suits a training step. (On a CPU there is nothing to record; the line
# appears where there is CUDA.)
#
# ### Fusion and `torch.compile`
#
# GELU is an activation like a smooth ReLU, $\tfrac12 x (1 + \tanh(\sqrt{2/\pi}\,(x + 0.044715\,x^3)))$. Written in
# PyTorch it is nine operations, and each of them reads a tensor and writes one. `F.gelu` does it in one trip. The
# arithmetic is the same; the traffic is not.

# %%
def gelu_in_steps(x):
    return 0.5 * x * (1 + torch.tanh(0.7978845608 * (x + 0.044715 * x * x * x)))


x = torch.randn(2_000_000, device=device)
ways = {"nine operations": gelu_in_steps, "fused by hand (F.gelu)": lambda x: F.gelu(x, approximate="tanh")}
if device.type == "cuda" or try_compile:
    ways["torch.compile"] = torch.compile(gelu_in_steps)
print("same result:", torch.allclose(gelu_in_steps(x), F.gelu(x, approximate="tanh"), atol=1e-5))
with torch.inference_mode():
    for words, fn in ways.items():
        taken = benchmark.times(lambda fn=fn: fn(x), device, repeats=11, seconds=patience / 2)
        print(f"{words:>24}: median {figs.seconds(statistics.median(taken))}, fastest {figs.seconds(min(taken))}")

# %% [markdown]
# `torch.compile(fn)` reads your function, finds such chains, and writes a fused program for them, for whole networks too.
# The first call takes long, so it pays where you call often. By default this cell tries it on CUDA only; set
# `try_compile = True` in the parameters to see it on your CPU.
#
# ### Transfers
#
# A GPU has memory of its own, and pictures have to get there. The road is narrow: PCI Express 4.0 with 16 lanes carries
# 32 GB/s in one direction at most. Send bytes, then: a pixel is one byte as uint8, and four as float32. The GPU turns it
# into floats faster than the road could carry them.

# %%
batch_bytes = 256 * 3 * 128 * 128  # 256 plates of 128 x 128 pixels, one byte a number
for words, size in (("uint8", batch_bytes), ("float32", 4 * batch_bytes)):
    print(f"256 plates as {words:>7}: {size / 1e6:5.1f} MB, {figs.seconds(size / 32e9)} over PCIe 4.0 x16 at best (theory)")
host = torch.zeros(batch_bytes, dtype=torch.uint8)
if device.type == "cuda":
    for words, source in (("from ordinary memory", host), ("from pinned memory", host.pin_memory())):
        taken = benchmark.times(lambda source=source: source.to(device, non_blocking=True), device, repeats=31)
        print(f"measured {words}: {figs.seconds(statistics.median(taken))}, {figs.rate(batch_bytes / statistics.median(taken), 'B/s')}")
else:
    taken = benchmark.times(lambda: host.clone(), repeats=31, seconds=patience)
    print(f"measured here, a copy within memory: {figs.seconds(statistics.median(taken))} (there is no road to take)")

# %% [markdown]
# Three rules follow. Move the data once and keep it there, if it fits. Move bytes. And avoid round trips: `loss.item()` in
# every step waits for the queue to run empty, so look at the loss now and then.
#
# ### Channels last
#
# The same convolution in both memory formats, measured in turns. Your processor may prefer either; a GPU's 16-bit kernels
# are written for `channels_last`.

# %%
w = torch.rand(64, 64, 3, 3, device=device)
pairs = {
    "contiguous (N, C, H, W)": (pictures.to(device), w),
    "channels_last": (last.to(device), w.contiguous(memory_format=torch.channels_last)),
}
taken = {words: [] for words in pairs}
with torch.inference_mode():
    for _ in range(5):
        for words, (x, kernel) in pairs.items():
            taken[words] += benchmark.times(lambda x=x, k=kernel: F.conv2d(x, k, padding=1), device, 1, 5, patience / 4)
for words, values in taken.items():
    print(f"{words:>24}: median {figs.seconds(statistics.median(values))}, {figs.seconds(min(values))} to {figs.seconds(max(values))}")

# %% [markdown]
# ## 8. The training loop
#
# Everything is in place. A step of training is five lines long, and its order is everything:
#
# | | what | if you forget it |
# |---|---|---|
# | 1 | training mode, gradients to zero | old statistics; this gradient plus all earlier ones |
# | 2 | forward: scores of the batch | |
# | 3 | the loss: `cross_entropy` of **scores** | softmax twice, if you give it probabilities |
# | 4 | backward: a gradient for each weight | the step follows old gradients, or none |
# | 5 | the optimizer steps | nothing is learned |
#
# Training mode and evaluation mode differ in two kinds of layer. **Dropout** drops units in training only. **Batch
# normalisation** uses the batch's own mean and variance in training, and remembers a running average for later. So
# `model.train()` belongs before a step and `model.eval()` before an evaluation.
#
# ### Exercise: `train_step`

# %% exercise="08.train_step"
def train_step(model, batch, optimizer):
    """One step of training with cross-entropy.

    Parameters
    ----------
    model : torch.nn.Module
        Turns images into scores (N, K). It may be in evaluation mode when it comes.
    batch : tuple of 2 tensors
        Images (N, ...) and labels (N,) int64, on the model's device already.
    optimizer : torch.optim.Optimizer
        Holds the model's parameters. Gradients of an earlier step may still be there.

    Returns
    -------
    float
        The mean loss of the batch, before the step, without its graph. The model is in
        training mode afterwards, and the optimizer has taken one step.
    """
    ### BEGIN SOLUTION
    images, labels = batch
    model.train()
    optimizer.zero_grad()
    loss = F.cross_entropy(model(images), labels)
    loss.backward()
    optimizer.step()
    return loss.item()
    ### END SOLUTION

# %% check="08.train_step"
check("08.train_step", train_step)

# %% [markdown]
# ### Evaluation
#
# How good is the network on pictures that it has never seen? Go through them in batches, since they may not fit into
# memory at once, and mind the last batch. **By hand**: ten pictures in batches of 4, 4 and 2, with 4, 4 and 0 right. The
# accuracy is $8 / 10$. The mean of the three batches' accuracies is $(1 + 1 + 0) / 3 = 0.67$: the two pictures of the
# short batch would count double.
#
# ### Exercise: `evaluate`

# %% exercise="08.evaluate"
def evaluate(model, batches):
    """Mean loss and accuracy over all pictures.

    Parameters
    ----------
    model : torch.nn.Module
        Turns images into scores (N, K). It may be in training mode when it comes.
    batches : list of tuples of 2 tensors
        Images and labels, on the model's device. Batches may differ in size; the last one is
        often short.

    Returns
    -------
    tuple of 2 floats
        Cross-entropy, the mean over all pictures, and accuracy, the share of pictures whose
        largest score is the label's, from 0 to 1. In evaluation mode, and without tracking
        gradients. Afterwards the model can be trained on: its weights still require gradients,
        and gradients are not switched off.
    """
    ### BEGIN SOLUTION
    model.eval()
    total = right = n = 0
    with torch.no_grad():
        for images, labels in batches:
            scores = model(images)
            total += F.cross_entropy(scores, labels, reduction="sum").item()
            right += (scores.argmax(dim=1) == labels).sum().item()
            n += len(labels)
    return total / n, right / n
    ### END SOLUTION

# %% check="08.evaluate"
check("08.evaluate", evaluate)

# %% [markdown]
# ### Train
#
# The digits of chapter 07 once more: 8 x 8 pixels, ten classes. The loop is short, because the two functions do the work.
# The first line takes the figure's own. When both of your checks are green, write `step, score = train_step, evaluate`
# there and run the cell again: the curves stay as they are.

# %%
digits = data.digits()
part = {}
for which in ("train", "val"):
    some = digits.split(which)
    part[which] = (
        torch.from_numpy(some.images[..., :1].astype(np.float32) / 255).permute(0, 3, 1, 2).to(device),
        torch.from_numpy(some.labels.astype(np.int64)).to(device),
    )


def digit_net():
    torch.manual_seed(seed)
    layers = [nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32)]
    return nn.Sequential(*layers, nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(128, 10)).to(device)


# %%
step, score = figs.step, figs.score

model = digit_net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
images, labels = part["train"]
validation = list(zip(*(t.split(128) for t in part["val"]), strict=True))
order = torch.Generator().manual_seed(seed)
losses, accuracies = [], [score(model, validation)[1]]
begun = time.perf_counter()
for _epoch in range(epochs):
    for some in torch.randperm(len(labels), generator=order).split(64):
        losses.append(step(model, (images[some.to(device)], labels[some.to(device)]), optimizer))
    accuracies.append(score(model, validation)[1])
print(f"{epochs} epochs, {len(losses)} steps, {time.perf_counter() - begun:.1f} s on {device}")
figs.learning(losses, accuracies)

# %% [markdown]
# What does one slip cost? The same network and the same data, four passes, once as it should be and three times with a
# mistake. None of them raises an error. That is what makes them dangerous.

# %%
for slip in ("none", "gradients never zeroed", "softmax before cross_entropy", "step before backward"):
    model = digit_net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    order = torch.Generator().manual_seed(seed)
    for some in torch.randperm(len(labels), generator=order).split(64) * 4:
        figs.step(model, (images[some.to(device)], labels[some.to(device)]), optimizer, slip)
    found = figs.score(model, validation)
    print(f"{slip:>30}: validation loss {found[0]:6.2f}, accuracy {found[1]:.1%}")

# %% [markdown]
# ## 9. Mixed precision
#
# Half the bytes for each number means half the traffic, and a GPU's tensor cores multiply 16-bit numbers many times faster
# than 32-bit ones. A floating-point number has a sign, an **exponent**, which says how large it can be, and a
# **mantissa**, which holds its digits:
#
# | | bits | exponent | mantissa | largest | smallest step above 1 |
# |---|---|---|---|---|---|
# | float32 | 32 | 8 | 23 | $3 \cdot 10^{38}$ | $1.2 \cdot 10^{-7}$ |
# | float16 | 16 | 5 | 10 | 65,504 | $9.8 \cdot 10^{-4}$ |
# | bfloat16 | 16 | 8 | 7 | $3 \cdot 10^{38}$ | $7.8 \cdot 10^{-3}$ |
#
# bfloat16 has float32's range and two or three digits. Is that enough? For scores and activations it is; for adding up small
# things it is not:

# %%
for dtype in (torch.float32, torch.float16, torch.bfloat16):
    weight = torch.ones(1, dtype=dtype)
    for _ in range(1000):
        weight += 0.001
    tiny = torch.tensor(1e-8).to(dtype).item()
    print(f"{str(dtype)[6:]:>8}: 1 + 1000 times 0.001 = {weight.item():.4f}   a gradient of 1e-8 becomes {tiny:.3g}")

# %% [markdown]
# In bfloat16 the weight has not moved at all: 1.001 is nearer to 1 than to the next number. In float16 a small gradient is
# gone. So precision is *mixed*: the weights, the loss and the step stay in float32, and the large products are done in
# bfloat16. `torch.autocast` makes that choice for each operation inside its block. Gradients keep their weights' dtype, and
# backward and step stand outside the block.
#
# (With float16, the loss is scaled up first so that small gradients survive: that is what `GradScaler` is for. bfloat16
# does not need it. The recipe is by [Micikevicius and others, 2018](https://arxiv.org/abs/1710.03740).)

# %%
layer = nn.Linear(64, 10).to(device)
x = torch.rand(8, 64, device=device)
with torch.autocast(device.type, dtype=torch.bfloat16):
    scores = layer(x)
    loss = F.cross_entropy(scores, torch.zeros(8, dtype=torch.int64, device=device))
loss.backward()
print("weights:", layer.weight.dtype, " scores:", scores.dtype, " loss:", loss.dtype, " gradients:", layer.weight.grad.dtype)

sizes = {dtype: torch.randn(512, 512, device=device).to(dtype) for dtype in (torch.float32, torch.bfloat16)}
taken = {dtype: [] for dtype in sizes}
for _ in range(5):
    for dtype, m in sizes.items():
        taken[dtype] += benchmark.times(lambda m=m: m @ m, device, 1, 5, patience / 4)
for dtype, values in taken.items():
    told = f"median {figs.seconds(statistics.median(values))}, {figs.seconds(min(values))} to {figs.seconds(max(values))}"
    print(f"a 512 x 512 product in {str(dtype)[6:]:>8} on {device}: {told}")

# %% [markdown]
# A processor without 16-bit instructions can be *slower* in bfloat16. The code stays right; so measure before you switch it
# on.
#
# ### Exercise: `train_step_amp`
#
# AMP stands for *automatic mixed precision*. `torch.autocast` wants the type of the device as a text: take it from the
# batch, and your function runs on CUDA and falls back to the CPU by itself.

# %% exercise="08.train_step_amp"
def train_step_amp(model, batch, optimizer):
    """One step of training with cross-entropy, in mixed precision with bfloat16.

    Parameters
    ----------
    model : torch.nn.Module
        float32 weights, and they stay float32.
    batch : tuple of 2 tensors
        Images (N, ...) float32 and labels (N,) int64, on the model's device, which may be CUDA
        or the CPU: on either of them the layers compute in bfloat16.
    optimizer : torch.optim.Optimizer
        Gradients of an earlier step may still be there.

    Returns
    -------
    float
        The mean loss of the batch, computed in float32, without its graph.
    """
    ### BEGIN SOLUTION
    images, labels = batch
    model.train()
    optimizer.zero_grad()
    with torch.autocast(images.device.type, dtype=torch.bfloat16):
        loss = F.cross_entropy(model(images), labels)
    loss.backward()
    optimizer.step()
    return loss.item()
    ### END SOLUTION

# %% check="08.train_step_amp"
check("08.train_step_amp", train_step_amp)

# %% [markdown]
# ## 10. Your machine and others
#
# `python -m introdl.benchmark` measures a machine for a few minutes and keeps the figures, with date, versions and load, in
# a file. Here are all files that come with the course and those that you have made, beside what you measured above. Filled
# marks were **measured**. Hollow ones are **data sheets**: nobody measured them here, and no real layer reaches them.

# %%
recorded = benchmark.records()
for made in recorded:
    about = made["device"]
    busy = made["load"]["before"]
    print(f"{about['name']} ({about['kind']}), {made['date']}, torch {made['versions']['torch']}, load {busy}. {made['note']}")
if not any(made["device"]["kind"] == "cuda" for made in recorded):
    print("No CUDA machine has been measured so far. If you have one: python -m introdl.benchmark")
figs.side_by_side((name, peak, bandwidth), recorded)

# %% [markdown]
# And the training step, the figure that you will feel in chapter 09, in the first record. How much does mixed precision buy
# on that machine?

# %%
for made in recorded[:3]:
    print(made["device"]["name"])
    for batch in (1, 8, 32, 128, 512, 2048):
        pair = [benchmark.find(made, "train step, 64 px", dtype=d, batch=batch) for d in ("float32", "bfloat16")]
        if all(pair):
            told = ", ".join(f"{row['dtype']} {batch / row['median']:.4g} ({batch / row['slowest']:.3g} to {batch / row['fastest']:.3g})" for row in pair)  # fmt: skip
            print(f"  batch {batch:>4}, pictures a second: {told}")

# %% [markdown]
# Sources of the data sheets: [T4](https://www.nvidia.com/en-us/data-center/tesla-t4/),
# [RTX 4090](https://images.nvidia.com/aem-dam/Solutions/geforce/ada/nvidia-ada-gpu-architecture.pdf),
# [A100](https://www.nvidia.com/en-us/data-center/a100/), [H100](https://www.nvidia.com/en-us/data-center/h100/),
# [H200](https://www.nvidia.com/en-us/data-center/h200/). Where a sheet prints figures *with sparsity*, half of them is shown:
# sparsity skips every second weight, and our networks use them all.
#
# ## Quiz
#
# Write a letter for each, for example `answer_1 = "a"`.
#
# **1.** On a GPU, 100 products of two 8192 x 8192 matrices seem to take 20 µs each. You warmed up, and you did not
# synchronise. What did you measure?
#
# - a) The product. A GPU is that fast.
# - b) The warm-up.
# - c) How long it takes to hand the work in.
# - d) A result that the GPU remembered from the call before.
#
# **2.** A ReLU lies far to the left of the ridge. What makes it faster?
#
# - a) Moving fewer bytes: 16-bit numbers, or fusing it with the layer before.
# - b) More arithmetic units.
# - c) A device with a higher peak and the same memory.
# - d) A larger batch, since it raises the intensity.
#
# **3.** You forget `zero_grad()`. What happens?
#
# - a) The second `backward()` raises an error.
# - b) Each step follows the sum of all gradients so far.
# - c) Nothing: `step()` clears the gradients.
# - d) The same as with momentum: old gradients fade away.
#
# **4.** Eleven calls: ten take about 5 ms, one takes 80 ms. What do you report?
#
# - a) The mean, 11.8 ms.
# - b) The fastest, 4.9 ms, and nothing else.
# - c) The slowest, 80 ms: one should be careful.
# - d) The median, 5 ms, with the fastest and the slowest.
#
# **5.** float16 needs a GradScaler, bfloat16 does not. Why?
#
# - a) bfloat16 has more digits.
# - b) bfloat16 takes less memory.
# - c) bfloat16 has the range of float32, so small gradients do not become zero.
# - d) bfloat16 keeps a hidden float32 copy of each number.

# %% exercise="08.quiz"
### BEGIN SOLUTION
### STUB answer_1 = None
### STUB answer_2 = None
### STUB answer_3 = None
### STUB answer_4 = None
### STUB answer_5 = None
answer_1 = "c"
answer_2 = "a"
answer_3 = "b"
answer_4 = "d"
answer_5 = "c"
### END SOLUTION

# %% check="08.quiz"
check("08.quiz", answer_1, answer_2, answer_3, answer_4, answer_5)

# %% [markdown]
# ## What you know now
#
# - A tensor is numbers in a row, a dtype, a device and strides. A view costs nothing, a move costs bytes.
# - Autograd takes the notes for your backward pass. It adds, it remembers, and it can be told not to.
# - Warm up, synchronise, take the median, show the spread, compare in turns. Choose threads by measuring.
# - A layer waits for arithmetic or for memory. Its intensity and the machine's ridge say which.
# - A GPU wants large, dense work: batches, fused operations, few launches, bytes moved once.
# - zero, forward, loss, backward, step. Training mode to train, evaluation mode and no gradients to evaluate.
# - Mixed precision: products in bfloat16; weights, loss and step in float32.
#
# ### Cheat sheet
#
# | what | how |
# |---|---|
# | NumPy and back | `torch.from_numpy(a)` shares memory; `t.detach().cpu().numpy()` |
# | device | `x.to(device)` returns the moved tensor; `model.to(device)` moves in place |
# | FLOPs of a convolution | $2 \cdot N \cdot F \cdot OH \cdot OW \cdot C \cdot KH \cdot KW$ |
# | intensity | FLOPs / bytes; attainable: $\min(\text{peak}, I \cdot \text{bandwidth})$ |
# | a time | `synchronize(); t = perf_counter(); fn(); synchronize(); perf_counter() - t` |
# | evaluation | `model.eval()`, `with torch.no_grad():`, weigh batches by their size |
# | channels last | `model.to(memory_format=torch.channels_last)`, the images too |
#
# ### Next
#
# Chapter 09 puts it to work: real plates in, a dish out, a network trained from scratch, and every trick of this chapter
# measured by what it buys.
#
# ### Further reading
#
# - Horace He, [Making deep learning go brrrr from first principles](https://horace.io/brrr_intro.html): compute, memory,
#   overhead.
# - Williams, Waterman and Patterson, [Roofline](https://doi.org/10.1145/1498765.1498785), 2009.
# - PyTorch: [performance tuning guide](https://pytorch.org/tutorials/recipes/recipes/tuning_guide.html),
#   [automatic mixed precision](https://pytorch.org/docs/stable/amp.html),
#   [CUDA semantics](https://pytorch.org/docs/stable/notes/cuda.html), asynchronous execution and CUDA graphs among them.
# - NVIDIA, [Deep learning performance guide](https://docs.nvidia.com/deeplearning/performance/index.html): layers and
#   their intensity.
# - Krizhevsky, Sutskever and Hinton,
#   [ImageNet classification with deep convolutional neural networks](https://papers.nips.cc/paper/4824-imagenet-classification-with-deep-convolutional-neural-networks),
#   2012: section 3.2 on two GPUs.
# - The [Caffe model zoo](https://github.com/BVLC/caffe/wiki/Model-Zoo), where trained networks were first shared, and
#   [cs231n](https://cs231n.github.io/).
