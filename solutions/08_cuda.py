# %% [markdown]
# # 08 From NumPy to CUDA
#
# Your NumPy network of chapter 07 learns digits. MealoMi's plates have more pixels, more dishes and more layers. NumPy
# could still do it: on one processor core it takes about twice as long as PyTorch, as section 4 measures. But every new
# layer would cost you a backward pass worked out by hand, and NumPy can't use a GPU. So in this chapter you move to
# PyTorch. Its tensors are the arrays that you know, but they can take their own gradients, and they can live on a GPU.
# You also learn to ask the question that comes with it: *how fast is this, really?*
#
# **When you are done, you can**
#
# - say what a tensor is: numbers in memory, a dtype, a device and strides;
# - take a gradient with autograd, and check it against your own backward pass of chapter 06;
# - measure a time so that you can trust it, on a busy laptop and on a GPU;
# - count a layer's operations and bytes, and say from a roofline what it is waiting for;
# - write a correct training step, a correct evaluation, and a step in mixed precision;
# - say what fills a GPU's memory, and what to do when it is full.
#
# **What you build**: `best_device`, `to_device`, `measure`, `conv_flops`, `arithmetic_intensity`, `train_step`,
# `evaluate` and `train_step_amp`. Chapters 09 to 13 stand on them.
#
# **Time**: about 110 minutes. **You need**: the convolution of chapter 03, the backward pass of chapter 06, SGD from
# chapter 07. **You do not need a GPU.** Every cell runs on a CPU and has something to show there. If your machine has
# CUDA, NVIDIA's platform for computing on GPUs, the same cells use it. (This course has not been measured on a GPU yet:
# what it says about GPUs comes from data sheets and documentation, and is marked as such.)

# %%
import copy
import math
import os
import statistics
import time

import numpy as np
import torch
import torch.nn.functional as F
from threadpoolctl import threadpool_limits
from torch import nn

from introdl import benchmark, check, data, figures, hint, layers, models
from introdl.figures import cuda as figs

figures.use_style()

# %% tags=["parameters"]
seed = 8  # of the networks' first weights and the order of the pictures
epochs = 8  # of the training in section 8
patience = 1.0  # seconds that one measurement may take
try_compile = False  # True: torch.compile on the CPU too (it needs a C++ compiler and about a minute)

# %% [markdown]
# ## 1. Why it took until 2012: hardware
#
# Convolutional networks were reading digits in 1998, and they won ImageNet in 2012. What happened in between? There
# were more labeled pictures, a few better ideas (ReLU, dropout), and a new machine: AlexNet was trained on two
# graphics cards, NVIDIA GTX 580, in [five to six
# days](https://papers.nips.cc/paper/4824-imagenet-classification-with-deep-convolutional-neural-networks). Such a card
# has 512 arithmetic units at 1.544 GHz, and each can multiply and add in one clock cycle:
# $512 \cdot 1.544 \cdot 10^9 \cdot 2 = 1.58 \cdot 10^{12}$ operations a second, in 32-bit numbers. For a card of 2022,
# the H100, the data sheet promises $67 \cdot 10^{12}$ in the same 32-bit numbers: 42 times as many. In 16-bit numbers,
# for which it has units of their own (the *tensor cores*), it promises $989 \cdot 10^{12}$. Training a network is
# almost nothing but multiplications and additions, so that is what counts.
#
# A **FLOP** is one floating-point operation, and **FLOP/s** is the number of them in a second. T stands for $10^{12}$,
# G for $10^9$.
#
# ## 2. A tensor is an array
#
# Nearly everything that you know from NumPy has the same name in PyTorch. `torch.from_numpy` does not even copy the
# numbers:

# %%
array = np.arange(6.0).reshape(2, 3)
tensor = torch.from_numpy(array)
array[0, 0] = 100  # one memory, two names
print(tensor)
print("as matrices:", torch.equal(tensor @ tensor.T, torch.from_numpy(array @ array.T)))
print("NumPy's default:", array.dtype, "  PyTorch's:", torch.zeros(1).dtype)

# %% [markdown]
# One difference matters. By default NumPy computes in float64, with 8 bytes for each number, and PyTorch in
# **float32**, with 4. That halves the memory to move, fits twice as many numbers into a vector register, and a network
# does not notice the lost digits. Section 9 goes down to 2 bytes.
#
# ### Strides
#
# Memory is one long row of cells. A tensor of shape $(N, C, H, W)$ is such a row together with four **strides**, one
# for each axis: the number of cells from one index to the next along that axis. The number at $[n, c, h, w]$ lies at
#
# $$\text{place} = n \, s_N + c \, s_C + h \, s_H + w \, s_W .$$
#
# **By hand**: one picture, three channels, two rows, four columns: $(1, 3, 2, 4)$. The next column is 1 cell away, the
# next row 4, the next channel $2 \cdot 4 = 8$ and the next picture 24. So $[0, 1, 1, 2]$ lies at $8 + 4 + 2 = 14$.
#
# 1. Move the indices. Which slider makes the longest jumps in memory?
# 2. Choose *permute*. The shape changes. Do the numbers move?
# 3. Choose *channels_last*. The shape has not changed. What are the strides now, and which three numbers lie side by
#    side?
#
# <details><summary>What you should have seen</summary>
#
# The channel has the largest stride of the three (8 cells; only the picture's, 24, is larger), so its slider jumps
# furthest. *Permute* moves nothing: the same 24 numbers lie in the same order, and only shape and strides change.
# *channels_last* is a copy. Its strides are (24, 1, 12, 3): the channel's stride is now 1, so a pixel's red, green and
# blue lie side by side.
# </details>

# %% tags=["demo"]
figs.memory_explorer()

# %% [markdown]
# A view (a slice, a transpose, a permutation) costs almost nothing: it is the same memory with other strides. A copy
# costs a trip through memory.
#
# **channels_last** keeps a pixel's channels side by side. A convolution needs all channels of a pixel at once, so many
# implementations prefer it, above all those for a GPU's tensor cores. The shape that you see is still $(N, C, H, W)$:

# %%
pictures = torch.rand(8, 64, 32, 32)
last = pictures.contiguous(memory_format=torch.channels_last)
print("shape ", tuple(pictures.shape), tuple(last.shape))
print("stride", pictures.stride(), last.stride())
print("equal:", torch.equal(pictures, last))

# %% [markdown]
# ## 3. Devices
#
# A tensor lives on a **device**: the processor's memory (`cpu`), an NVIDIA GPU's (`cuda`), or Apple's (`mps`). You can
# only combine tensors that are on the same device. `x.to(device)` returns a copy on that device, or `x` itself if it is
# there already.
#
# ### What a GPU is
#
# A processor core does one thing after the other, and does it fast: it guesses which branch comes next, reorders
# instructions, and keeps megabytes of cache for a few cores. A GPU spends its transistors on arithmetic instead. It
# consists of many **streaming multiprocessors** (SMs), and each of these has dozens of simple arithmetic units that
# share one control unit. NVIDIA's H100 (SXM) has 132 SMs with 128 units for 32-bit numbers each.
#
# **By hand**: $132 \cdot 128 = 16{,}896$ units, each of which multiplies and adds in one clock cycle, at up to 1.98 GHz:
# $16{,}896 \cdot 2 \cdot 1.98 \cdot 10^9 = 66.9 \cdot 10^{12}$ FLOP/s. That is the 67 TFLOP/s of section 1.
#
# A program for a GPU is called a **kernel**. (It has nothing to do with a convolution's kernel.) It says what *one*
# thread does, for example: add two numbers and write the sum. A launch starts it for all elements at once, in two steps
# that you will meet in every text about GPUs:
#
# - The threads are cut into **blocks** of up to 1,024. A block runs on one SM and can share a small, fast memory there.
#   Blocks that find no free SM wait.
# - Within a block, 32 threads at a time form a **warp**. A warp has one instruction for all its 32 threads. If they
#   disagree at an `if`, the warp takes both branches, one after the other.
#
# **By hand**: a ReLU over a million numbers, one thread a number, with blocks of 256: 3,907 blocks of 8 warps each. On
# 132 SMs that is about 30 blocks for each, so all of them are busy. A ReLU over a thousand numbers makes 4 blocks, and
# 128 SMs have nothing to do. This is why a GPU needs large tensors.
#
# An SM holds many more warps than it can execute in a cycle (up to 64 on the H100). While one warp waits for memory,
# which takes hundreds of cycles, another computes. So a GPU does not avoid waiting, it hides it: with enough threads.
# ([NVIDIA's programming guide](https://docs.nvidia.com/cuda/cuda-c-programming-guide/) describes all of this;
# the numbers are those of the [H100's data sheet](https://www.nvidia.com/en-us/data-center/h100/) and architecture paper.)

# %% tags=["demo"]
figs.gpu()

# %% [markdown]
# You never write a kernel in this course. PyTorch brings thousands, one for each operation and dtype, and launches them
# for you.
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
# The check pretends to be one machine after another, so it can tell you what your function would do on a server that
# you do not have. The chapter itself uses CUDA where it is available, and the CPU otherwise:

# %%
device = torch.device("cuda" if torch.cuda.device_count() else "cpu")
print(f"this chapter runs on: {benchmark.device_name(device)} ({device})")
if device.type == "cpu":
    print(f"{benchmark.cores()} cores, vector instructions: {torch.backends.cpu.get_cpu_capability()}")

# %% [markdown]
# A batch is rarely a single tensor. It may be a pair of images and labels, or a dict with boxes, grams and the dish's
# name. A function that moves a batch must handle whatever it is given, nested to any depth. Write it once, and you will
# use it from now on.
#
# The check moves tensors to torch's device `meta`, which stores shapes but no numbers, and exists on every machine.
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
# In chapter 06 you worked out $\partial L / \partial W$ for a dense layer with cross-entropy by hand. Here is that
# calculation again, for one plate with two features and three dishes, next to PyTorch's answer. With the scores
# $z = xW + b$:
#
# $$\frac{\partial L}{\partial z} = \frac{p - y}{N}, \qquad \frac{\partial L}{\partial W} = x^\top \frac{\partial L}{\partial z},
# \qquad \frac{\partial L}{\partial b} = \sum_n \frac{\partial L}{\partial z_n}$$
#
# - $x$: features, $(N, D)$. $W$: weights, $(D, K)$. $b$: biases, $(K,)$. $p$: probabilities, and $y$: one-hot labels,
#   both $(N, K)$, like the scores $z$.

# %%
x = np.array([[1.0, 4.0]])
W = np.array([[-1.0, 0.0, 1.0], [0.5, 1.0, -1.0]])
b = np.array([1.0, 0.0, 1.0])
label = np.array([0])

z = x @ W + b  # the forward pass: 2, 4, -2, as in chapter 05
p = np.exp(z - z.max()) / np.exp(z - z.max()).sum()
dz = (p - np.eye(3)[label]) / 1  # the backward pass, by hand
dW, db = x.T @ dz, dz.sum(axis=0)

tW, tb = torch.tensor(W, requires_grad=True), torch.tensor(b, requires_grad=True)
scores = torch.from_numpy(x) @ tW + tb  # the same forward pass; torch records it
loss = F.cross_entropy(scores, torch.from_numpy(label))
loss.backward()

print("by hand: dW =", dW.round(3).tolist(), " db =", db.round(3).tolist())
print("autograd:     ", tW.grad.numpy().round(3).tolist(), "      ", tb.grad.numpy().round(3).tolist())
print("largest difference:", np.abs(dW - tW.grad.numpy()).max())

# %% [markdown]
# What torch recorded is the computational graph that you drew in chapter 06. Each result knows the operation that made
# it, and each operation knows where its inputs came from:

# %% tags=["demo"]
node, names = loss.grad_fn, []
while node is not None:
    names.append(type(node).__name__)
    node = node.next_functions[0][0] if node.next_functions else None
print("  <-  ".join(names))

# %% [markdown]
# Three things about autograd trip everybody up once:
#
# - **It accumulates.** A second `backward()` adds to `.grad`. That is right where a weight is used twice (as in
#   `Value.backward` of chapter 06), and wrong from one batch to the next. So gradients are set to zero before each
#   step.
# - **It keeps the activations.** The graph behind a loss holds every layer's activations, because the backward pass
#   needs them. `backward()` frees them; a loss on which you never call it, such as a validation loss, keeps them for as
#   long as you keep the loss. `loss.item()` gives you the number alone.
# - **You can switch it off.** Inside `torch.no_grad()` nothing is recorded.

# %%
weight = torch.tensor([2.0], requires_grad=True)
for again in range(3):
    (weight * 3).sum().backward()
    print(f"after {again + 1} backward passes, the gradient of 3w is {weight.grad.item():g}")
kept = (weight * 3).sum()
print("a kept loss holds:", kept.grad_fn, "  its number alone:", kept.item())
with torch.no_grad():
    print("under no_grad:", (weight * 3).sum().grad_fn)

# %% [markdown]
# ### NumPy or PyTorch, on one core
#
# How much faster is PyTorch than NumPy? Here are the convolution layers of chapter 09's network, once with the course's own
# NumPy layers and once in PyTorch: a forward and a backward pass for 16 plates of 64 x 64 pixels. *Processor time* is what
# the program itself has used, whatever else the machine does meanwhile.

# %%
widths = (3, 16, 32, 64, 128, 256)
rng = np.random.default_rng(seed)
numpy_parts, torch_parts = [], []
for before, after in zip(widths[:-1], widths[1:], strict=True):
    numpy_parts += [layers.Conv2d(before, after, 3, rng, padding=1), layers.ReLU(), layers.MaxPool2d(2)]
    torch_parts += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
numpy_net = layers.Network([*numpy_parts, layers.Flatten(), layers.Dense(1024, 12, rng)])
torch_net = nn.Sequential(*torch_parts, nn.Flatten(), nn.Linear(1024, 12))
x, labels = rng.random((16, 3, 64, 64), dtype=np.float32), rng.integers(0, 12, 16)


def numpy_pass():
    numpy_net.backward(layers.softmax_cross_entropy(numpy_net.forward(x), labels)[1])


def torch_pass():
    torch_net.zero_grad()
    F.cross_entropy(torch_net(torch.from_numpy(x)), torch.from_numpy(labels)).backward()


torch_threads = torch.get_num_threads()
torch.set_num_threads(1)
with threadpool_limits(1):  # NumPy's matrix products too
    for words, one_pass in (("NumPy", numpy_pass), ("PyTorch", torch_pass)):
        one_pass()
        used = []
        for _ in range(9):
            begun = time.process_time()
            one_pass()
            used.append(time.process_time() - begun)
        spread = f"{figs.seconds(min(used))} to {figs.seconds(max(used))}"
        print(f"{words:>8}: median {figs.seconds(statistics.median(used))} of processor time, {spread}")
torch.set_num_threads(torch_threads)

# %% [markdown]
# The two are closer than most people expect: when this chapter was written, NumPy took 1.6 to 2.1 times as long as
# PyTorch (AMD EPYC, one thread, other programs running). Both turn a convolution into large matrix products, and both
# hand those to a library that has been tuned for decades. Python's own slowness hardly matters, because Python only
# says what to multiply. What you gain on a CPU is above all autograd; the large gains in speed come with a GPU and with
# 16-bit numbers.
#
# ## 5. Measuring time honestly
#
# *Twice as fast* is easily said. Take any operation, here a convolution that this notebook has not run before, and time
# 40 calls one by one:

# %%
plates = torch.rand(4, 16, 56, 56, device=device)
kernels = torch.rand(24, 16, 3, 3, device=device)


def convolve():
    return F.conv2d(plates, kernels, padding=1)


raw = benchmark.times(convolve, device, warmup=0, repeats=40, seconds=4 * patience)
figs.spread(raw, warmup=3, what="a convolution")

# %% [markdown]
# Look at your own picture before you read on.
#
# - **The first call** loads code, asks for memory and chooses an algorithm, which can take seconds on a GPU. It happens
#   once, so it should not count: **warm up** first.
# - **The others differ.** Your machine also plays music, indexes files and updates the clock in the corner. Whenever
#   another program takes the core for a few milliseconds, one call looks terrible. Such interruptions only ever make a
#   call slower, never faster.
# - **The mean** follows the worst interruption. The **median**, the middle one of the sorted times, does not. If five
#   calls take 1, 2, 3, 5 and 30 ms, the mean is 8.2 ms, which is longer than four of the five; the median is 3 ms.
# - **One number hides the spread.** Report the fastest and the slowest time too. If two medians differ by less than the
#   times scatter, you cannot tell the two apart until you have measured better.
#
# To compare two versions, measure them *in turns*, on the same machine and in the same minute, and report the ratio.
#
# ### A GPU works through a queue
#
# A call to a GPU returns before the work is done. The processor puts a *kernel launch* into a queue and carries on, while the GPU works through the
# queue at its own pace. That is good: each can work while the other is busy. But a clock that is read too early
# measures only how long it took to fill the queue. `torch.cuda.synchronize()` waits until the queue is empty.
#
# 1. Look at the first picture. How far off is the clock that does not wait?
# 2. Set the GPU's work to 5 µs and the launch to 20 µs. Which of the two waits for the other now? Would a faster GPU
#    help?
# 3. Make more calls. Does the clock that does not wait get any better?
#
# <details><summary>What you should have seen</summary>
#
# In the first picture the clock that does not wait says 10 µs a call, although each takes the GPU 60. With 5 µs of work
# and 20 µs for a launch, the GPU waits for the processor, so a faster GPU would not help: you would have to launch less
# often. More calls do not help the clock, because each one adds 10 µs to its reading and 60 µs to the truth.
# </details>

# %% tags=["demo"]
figs.queue_explorer()

# %% [markdown]
# Here is your own device. A CPU has no queue, and a call returns when it is done, so there both numbers are the same.
# (On a fast GPU, products this small show little but the launches. Set a larger size, such as 8192, to see the GPU
# work.)

# %%
side = 512
matrix = torch.randn(side, side, device=device)
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
# The clock to use is `time.perf_counter()`: it counts seconds in the finest steps available and is never set back. The
# check replaces it with a simulated clock and a simulated GPU, so it does not matter how busy your machine is at the
# moment.

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
        Number of calls of fn before the clock starts; 0 or more.
    repeats : int
        Number of calls of fn after that, each timed on its own; an odd number.

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
# torch splits a large operation into equal parts, one for each **thread**, and waits until the last of them is done.
# With two free cores, two threads can be twice as fast. But if another program occupies one of the cores, one part has
# to wait for that core, a few milliseconds each time, and the other thread waits with it. Then two threads are not just
# less of a help than you hoped: they can be many times *slower than one*. So measure before you choose:

# %%
found = benchmark.threads(n=512, seconds=patience)
figs.thread_choice(found, 512, benchmark.load())
chosen = benchmark.best_threads(found)
torch.set_num_threads(chosen)
print(f"from here on: {chosen} thread{'s' * (chosen > 1)}")

# %% [markdown]
# The cell takes the smallest number of threads whose median is within 5 % of the best. On a quiet machine that is often
# the number of physical cores; while a film renders in the background, it may be one. If times look odd later on, run
# this cell again.
#
# ## 6. Arithmetic or memory: the roofline
#
# ### Counting operations
#
# How many operations does a convolution need? Each output number is a dot product of length $C \cdot k_h \cdot k_w$,
# and each of its terms costs one multiplication and one addition: 2 FLOPs. (The first term is added to 0, which is
# counted too. The bias is not counted.)
#
# $$\text{FLOPs} = 2 \cdot N \cdot F \cdot OH \cdot OW \cdot C \cdot k_h \cdot k_w$$
#
# - $N$ pictures, $C$ channels in, $F$ filters, a kernel of $k_h \times k_w$, an output of $OH \times OW$, as in chapter
#   03: $OH = \lfloor (H + 2p - k_h) / s \rfloor + 1$ with padding $p$ and stride $s$, and $OW$ likewise.
#
# **By hand**: one picture with 3 channels of 32 x 32, 16 filters of 3 x 3, padding 1. The output has 16 x 32 x 32 =
# 16,384 numbers. Each of them costs $2 \cdot 27 = 54$, so the layer needs 884,736 FLOPs.
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
# ### Counting bytes: arithmetic intensity
#
# The numbers have to travel to the arithmetic units and back. A ReLU over a million numbers needs a million operations,
# and it reads 4 MB and writes 4 MB. A convolution moves about as much, but it uses each number again and again, with
# every filter and at every offset. The ratio of the two is called **arithmetic intensity**:
#
# $$I = \frac{\text{FLOPs}}{\text{bytes read and written}}$$
#
# We count each tensor once, as if the caches were perfect. The real traffic can only be larger.
#
# **By hand** in float32, 4 bytes a number. The ReLU: $I = 1 / 8 = 0.125$. The convolution above reads 3,072 + 432
# numbers and writes 16,384, which makes 79,552 bytes: $I = 884{,}736 / 79{,}552 = 11.1$.
#
# ### Exercise: `arithmetic_intensity`

# %% exercise="08.arithmetic_intensity"
def arithmetic_intensity(flops, read, written, itemsize):
    """Operations for each byte that is read from memory or written to it.

    Parameters
    ----------
    flops : int
        Operations.
    read, written : list of tuples of ints
        Shapes of the tensors that are read (inputs, weights) and of those that are written. The
        shape () is a single number.
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
# A machine has two limits: the **peak**, in operations a second, and the **bandwidth**, in bytes a second. A layer with
# intensity $I$ can reach at most
#
# $$\text{FLOP/s} \le \min(\text{peak},\; I \cdot \text{bandwidth}) .$$
#
# Drawn over $I$, this bound looks like a roof: first it rises, then it is flat. The corner, at
# $I = \text{peak} / \text{bandwidth}$, is the **ridge**. To the left of it a layer waits for memory (it is
# *memory-bound*), to the right of it for arithmetic (*compute-bound*). The idea comes from [Williams, Waterman and
# Patterson, 2009](https://doi.org/10.1145/1498765.1498785).
#
# What are your machine's two limits? On paper, a processor core with vectors of 8 float32 numbers and two units that
# each multiply and add in one clock cycle does $8 \cdot 2 \cdot 2 = 32$ FLOPs a cycle; at 3 GHz that is 96 GFLOP/s. Now
# measure them: a large matrix product shows the peak, and a copy that is much larger than the caches shows the
# bandwidth.

# %%
peak, bandwidth = benchmark.roof(device, seconds=2 * patience)
name = benchmark.device_name(device)
print(f"{name}, {torch.get_num_threads()} thread(s), load {benchmark.load()}")
print(f"peak {figs.rate(peak)}, bandwidth {figs.rate(bandwidth, 'B/s')}, ridge at {peak / bandwidth:.1f} FLOP per byte")

# %% [markdown]
# Here the fastest calls count, not the median: a limit is what the machine can do when nothing gets in its way. If
# other programs are running at the moment, both numbers may still be too low. The load says how many processes wanted a
# core in the last minute, on average.
#
# Next come five layers with an input of (64, 32, 32, 32), timed on your machine and drawn below its own roof (again by
# the fastest calls). To come near the roof, a layer also needs a good implementation; a dashed line shows how far it is
# away.

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
# A point may even lie *above* the roof. The tensors in this cell take 8 MB, and if they fit into the processor's
# caches, they are read much faster than memory could deliver them. The dense layer, on the other hand, is tiny: most of
# its time goes into the call itself.
#
# Now move the layers yourself. The points in this picture are not measured: they are the best that the roof allows. The
# menu also offers machines as their makers' data sheets describe them. Those numbers are **theory**: clock rate times
# arithmetic units, as printed, without sparsity.
#
# 1. On your machine: which layers are memory-bound at batch 8 and 32 channels?
# 2. Move the channels from 1 to 512. Which points move to the right, and which never do?
# 3. Set the channels to 512 and the size to 1, then move the batch from 1 to 1024. Why does it matter so much to the
#    dense layer?
# 4. Choose the H100 in bfloat16, whose ridge is far to the right. Which layers can still reach its peak?
# 5. The H200 has the H100's peak and faster memory. Which layers gain?
#
# <details><summary>What you should have seen</summary>
#
# Batch norm and ReLU are memory-bound on every machine here. Their intensity is fixed, because each number is read,
# used once or twice and written, so no slider moves them. The convolutions move to the right with the channels: each
# number that has been read is used for more filters. A dense layer reads its whole weight matrix, and a larger batch
# uses each weight for more pictures before it has to be read again; that is why its point moves right with the batch.
# On the H100 in bfloat16 only convolutions with many channels, and dense layers with many channels and a large batch,
# get past the ridge. The H200 helps those that stay to the left of it, and no others.
# </details>

# %% tags=["demo"]
figs.roofline_explorer(peak, bandwidth, name)

# %% [markdown]
# This is why batches matter so much on a GPU, why ReLU and batch normalization should be *fused* with the layer before
# them, and why *twice the FLOP/s* does not mean twice as fast.
#
# ## 7. Where the time goes: batches, launches, fusion, transfers
#
# ### Batches
#
# Each call has a fixed cost, and each weight is read once for the whole batch. So larger batches are cheaper per
# picture, until the arithmetic units are fully used. Here are training steps of a small network with three
# convolutions:

# %%
rows = []
for batch in (1, 4, 16, 32) if device.type == "cpu" else (1, 4, 16, 64, 256, 1024):
    taken = benchmark.times(benchmark.training_step(device, batch, size=32), device, 1, repeats=9, seconds=patience / 2)
    rows.append((batch, statistics.median(taken), min(taken), max(taken)))
figs.batches(rows, f"training steps of three convolutions, 32 x 32 pixels, on {device}")

# %% [markdown]
# Large batches have their price: they need more memory, and an epoch has fewer steps, as chapter 07 discussed.
#
# ### The cost of a launch
#
# The fixed cost is easy to see. Add 1 to a thousand numbers a hundred times, or to a hundred thousand numbers once: the
# arithmetic is the same.

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
# On a GPU, a **CUDA graph** is the remedy: you record a sequence of launches once and submit it as a whole from then
# on. Shapes and memory addresses must stay the same, as they do in a training step. (On a CPU there are no launches to
# record, so that line of the output appears only with CUDA.)
#
# ### Fusion and `torch.compile`
#
# GELU is an activation like a smooth ReLU: $x \cdot \Phi(x)$, where $\Phi$ is the distribution function of the normal
# distribution. A common approximation is $\tfrac12 x (1 + \tanh(\sqrt{2/\pi}\,(x + 0.044715\,x^3)))$. Written out in
# PyTorch, that is nine operations, each of which reads a tensor and writes one. `F.gelu` computes it in a single pass
# over memory: the same arithmetic, but far less traffic.

# %%
def gelu_in_steps(x):
    return 0.5 * x * (1 + torch.tanh(0.7978845608 * (x + 0.044715 * x * x * x)))


x = torch.randn(2_000_000, device=device)
ways = {"nine operations": gelu_in_steps, "fused by hand (F.gelu)": lambda x: F.gelu(x, approximate="tanh")}
if device.type == "cuda" or try_compile:
    compiled, why_not = benchmark.compiled(gelu_in_steps, x)
    if compiled is None:
        print("torch.compile does not work here:", why_not)
    else:
        ways["torch.compile"] = compiled
print("same result:", torch.allclose(gelu_in_steps(x), F.gelu(x, approximate="tanh"), atol=1e-5))
with torch.inference_mode():
    for words, fn in ways.items():
        taken = benchmark.times(lambda fn=fn: fn(x), device, repeats=11, seconds=patience / 2)
        print(f"{words:>24}: median {figs.seconds(statistics.median(taken))}, fastest {figs.seconds(min(taken))}")

# %% [markdown]
# `torch.compile(fn)` analyzes your function or your whole network, finds such chains and generates a fused program for
# them. The first call takes long, so it pays off for functions that you call often. It needs a compiler: for CUDA the
# package Triton, which comes with torch on Linux, and for the CPU a C++ compiler, which many Windows machines and plain
# containers lack. Then the first call raises an error; the cell above catches it and says so. By default it tries on CUDA
# only; set `try_compile = True` in the parameters to see it on your CPU.
#
# ### Moving data to the GPU
#
# A GPU has memory of its own, and the pictures have to get there. The connection is narrow: PCI Express 4.0 with 16
# lanes carries at most 32 GB/s in one direction. So send bytes: a number of a pixel takes one byte as uint8 and four as
# float32, and the GPU converts it faster than the bus could carry the floats.

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
    print(f"measured here, a copy within memory: {figs.seconds(statistics.median(taken))} (nothing has to be transferred)")

# %% [markdown]
# Three rules follow. Move the data once and keep it on the device, if it fits. Move bytes. And avoid round trips:
# `loss.item()` waits until the queue has run empty, so on a GPU don't call it in every step. Return `loss.detach()`
# from the step and read the numbers once in a while. (The training step below returns a plain number for all that,
# because the check compares numbers and this chapter draws every one of them.)
#
# ### Channels last
#
# Here is the same convolution in both memory formats, measured in turns. Your processor may prefer either; NVIDIA
# recommends `channels_last` for convolutions on tensor cores.

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
# Everything is in place. A training step is only a few lines long, but their order matters:
#
# | | what | if you forget it |
# |---|---|---|
# | 1 | training mode, gradients to zero | outdated statistics; this gradient plus all earlier ones |
# | 2 | forward: scores of the batch | |
# | 3 | the loss: `cross_entropy` of **scores** (also called *logits*) | softmax twice, if you give it probabilities |
# | 4 | backward: a gradient for each weight | the step follows old gradients, or none |
# | 5 | the optimizer steps | nothing is learned |
#
# Training mode and evaluation mode differ in two kinds of layer. **Dropout** drops units in training only. **Batch
# normalization** uses the batch's own mean and variance in training, and keeps running averages of both for evaluation.
# So call `model.train()` before a step and `model.eval()` before an evaluation.
#
# ### Exercise: `train_step`

# %% exercise="08.train_step"
def train_step(model, batch, optimizer):
    """One step of training with cross-entropy.

    Parameters
    ----------
    model : torch.nn.Module
        Turns images into scores (N, K). It may be in evaluation mode when you get it.
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
# memory all at once, and be careful with the last batch. **By hand**: ten pictures in batches of 4, 4 and 2, of which
# 4, 4 and 0 are right. The accuracy is $8 / 10$. The mean of the three batches' accuracies would be
# $(1 + 1 + 0) / 3 = 0.67$, because each of the two pictures in the short batch would count double.
#
# ### Exercise: `evaluate`

# %% exercise="08.evaluate"
def evaluate(model, batches):
    """Mean loss and accuracy over all pictures.

    Parameters
    ----------
    model : torch.nn.Module
        Turns images into scores (N, K). It may be in training mode when you get it.
    batches : list of tuples of 2 tensors
        Images and labels, on the model's device. Batches may differ in size; the last one is
        often short.

    Returns
    -------
    tuple of 2 floats
        Cross-entropy, the mean over all pictures, and accuracy, the share of pictures whose
        largest score is the label's, from 0 to 1. Computed in evaluation mode and without
        tracking gradients. Training can go on afterwards: the weights still require gradients,
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
# Here are the digits of chapter 07 again: 8 x 8 pixels, ten classes. The loop is short, because the two functions do
# the work. The first line takes ready-made ones. When both of your checks are green, write
# `step, score = train_step, evaluate` there and run the cell again: you should get the same curves.

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
# What does one slip cost? The next cell trains the same network on the same data for four epochs, once correctly and
# three times with a mistake. None of the mistakes raises an error, which is what makes them dangerous.

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
# ### What fills the memory
#
# A network on a GPU has to fit into the GPU's memory, and training needs much more of it than the weights. Four things
# lie there at the same time:
#
# | what | how many numbers |
# |---|---|
# | weights | one for each parameter |
# | gradients | one for each parameter |
# | the optimizer's state | AdamW: two for each parameter; SGD with momentum: one; plain SGD: none |
# | activations | what the backward pass needs of every layer, **times the batch** |
#
# **By hand** for chapter 09's network, with convolutions of 3, 16, 32, 64, 128 and 256 channels: 396,188 parameters of 4
# bytes are 1.58 MB. Gradients are another 1.58 MB, and AdamW's two running means 3.17 MB. The first convolution writes
# $16 \cdot 64 \cdot 64$ numbers for each plate, 262 KB, and with 64 plates 16.8 MB: more than all of the above, in one
# layer. The next cell counts everything that the graph keeps.

# %%
def kept_for_backward(model, x):
    """Bytes that the graph of a forward pass keeps, each piece of memory once, without the weights."""
    kept = {}

    def note(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        scores = model(x)
    own = {weight.untyped_storage().data_ptr() for weight in [*model.parameters(), *model.buffers()]}
    del scores
    return sum(size for place, size in kept.items() if place not in own)


plate_net = models.PlainCNN(12, (16, 32, 64, 128, 256)).train()
weights = 4 * sum(weight.numel() for weight in plate_net.parameters())
for batch in (1, 16, 64):
    activations = kept_for_backward(plate_net, torch.rand(batch, 3, 64, 64))
    total = 4 * weights + activations
    parts = f"weights {weights / 1e6:.2f}, gradients {weights / 1e6:.2f}, AdamW {2 * weights / 1e6:.2f}, activations {activations / 1e6:.1f}"
    print(f"batch {batch:>3}: {parts}, in all {total / 1e6:.1f} MB; activations are {activations / total:.0%}")

# %% [markdown]
# So for a small network with a large batch the activations are nearly everything, and the batch size decides whether it
# fits. (With large language models it is the other way around: billions of weights, and sixteen bytes for each of them
# in float32 with AdamW.) Evaluation under `torch.no_grad()` keeps no activations for later, so it needs far less.
#
# ### Out of memory
#
# When it does not fit, PyTorch raises `torch.OutOfMemoryError`. Its message says how much the failed call wanted, how
# much the GPU has in all, how much of that is free, how much PyTorch holds in tensors, and how much it only *reserves*
# (freed by you, kept for the next tensor). Read it from the end: if the tensors alone nearly fill the card, you ask for
# too much; if another process holds the memory, it is not yours (`nvidia-smi` lists who does). Then, in this order:
#
# 1. Close other notebooks on the same GPU. A kernel keeps its memory until you restart it.
# 2. Look for losses that you collect with their graph (`loss.item()`!), and for an evaluation without `no_grad`.
# 3. Make the batch smaller. Halve it until it fits.
# 4. Use 16 bits for the activations (section 9), or smaller pictures: half the side is a quarter of the activations.
# 5. Keep the batch and cut it in pieces: gradient accumulation.
#
# ### Gradient accumulation
#
# Autograd adds to `.grad`, as section 4 said, and here that is what you want. A batch of 32 is cut into four pieces of 8.
# Each piece goes forward and backward, its activations are freed, its gradient stays, and only then does the optimizer
# step. One thing is easily forgotten: the loss of a piece is a mean over 8 plates, the sum of four such means is four
# times the mean over 32, so each piece's loss is divided by 4.

# %%
torch.manual_seed(seed)
small = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(4), nn.Flatten(), nn.Linear(8 * 64, 12))
x, labels = torch.rand(32, 3, 32, 32), torch.randint(0, 12, (32,))

F.cross_entropy(small(x), labels).backward()
whole = [weight.grad.clone() for weight in small.parameters()]
for divided in (True, False):
    small.zero_grad()
    for some, their in zip(x.split(8), labels.split(8), strict=True):
        (F.cross_entropy(small(some), their) / (4 if divided else 1)).backward()
    pairs = list(zip(whole, (weight.grad for weight in small.parameters()), strict=True))
    ratio = max((b.norm() / a.norm()).item() for a, b in pairs)
    apart = max((a - b).abs().max().item() for a, b in pairs)
    print(f"divided by 4: {divided!s:>5}   length of the gradient, four pieces to one batch {ratio:.4f}, largest difference {apart:.1e}")
print(f"kept for the backward pass: {kept_for_backward(small, x) / 1e6:.2f} MB for 32 plates, {kept_for_backward(small, x[:8].clone()) / 1e6:.2f} MB for 8")

# %% [markdown]
# The same gradient up to rounding, for a quarter of the activations. There is one exception: batch normalization takes
# its mean over the piece, not over the batch, so a network with it does not do exactly the same in pieces.
#
# Saved weights remember the device that they were on. `torch.load(path, map_location="cpu")` reads weights that were
# saved on a GPU on a machine that has none.
#
# ### A profiler: where does the time go?
#
# Before you make anything faster, find out what is slow. `torch.profiler` writes down every operation and its time.
# Three training steps of chapter 09's network with 16 plates:

# %%
plates, dishes = torch.rand(16, 3, 64, 64), torch.randint(0, 12, (16,))


def plate_step():
    plate_net.zero_grad()
    F.cross_entropy(plate_net(plates), dishes).backward()


plate_step()  # warm up
os.environ["KINETO_LOG_LEVEL"] = "99"  # the profiler's library would print two lines of its own
with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profiled:
    for _ in range(3):
        plate_step()
rows = sorted(profiled.key_averages(), key=lambda row: -row.self_cpu_time_total)
total = sum(row.self_cpu_time_total for row in rows)
for row in rows[:7]:
    print(f"{row.key[:48]:>48}: {row.count:4} calls, {row.self_cpu_time_total / 3000:7.2f} ms a step, {row.self_cpu_time_total / total:5.1%}")

# %% [markdown]
# The names are those of PyTorch's own functions, without Python around them. On a CPU convolutions and their backward
# passes usually lead; what surprises is how much pooling, batch normalization and ReLU take, although they have next to
# no FLOPs: they wait for memory, as the roofline said. On a GPU, add `ProfilerActivity.CUDA` and sort by
# `self_device_time_total`; `profiled.export_chrome_trace("trace.json")` writes a picture of both, which opens in
# [Perfetto](https://ui.perfetto.dev).
#
# ## 9. Mixed precision
#
# Half the bytes for each number means half the traffic, and by their data sheets, GPUs' tensor cores multiply 16-bit
# numbers 2 to 16 times as fast as their other units multiply 32-bit ones. A floating-point number has a sign, an
# **exponent**, which sets how large or small it can be, and a **mantissa**, which holds its digits:
#
# | | bits | exponent | mantissa | largest | smallest above 0 | smallest step above 1 |
# |---|---|---|---|---|---|---|
# | float32 | 32 | 8 | 23 | $3 \cdot 10^{38}$ | $1.4 \cdot 10^{-45}$ | $1.2 \cdot 10^{-7}$ |
# | float16 | 16 | 5 | 10 | 65,504 | $6.0 \cdot 10^{-8}$ | $9.8 \cdot 10^{-4}$ |
# | bfloat16 | 16 | 8 | 7 | $3 \cdot 10^{38}$ | $9.2 \cdot 10^{-41}$ | $7.8 \cdot 10^{-3}$ |
#
# bfloat16 has float32's range, but only two or three decimal digits. Is that enough? For scores and activations it is,
# but not for adding up many small numbers:

# %%
for dtype in (torch.float32, torch.float16, torch.bfloat16):
    weight = torch.ones(1, dtype=dtype)
    for _ in range(1000):
        weight += 0.001
    tiny = torch.tensor(1e-8).to(dtype).item()
    print(f"{str(dtype)[6:]:>8}: 1 + 1000 times 0.001 = {weight.item():.4f}   a gradient of 1e-8 becomes {tiny:.3g}")

# %% [markdown]
# In bfloat16 the weight has not moved at all: 1.001 is nearer to 1 than to the next number that it can hold. In float16
# a small gradient has become zero. So precision is *mixed*: weights, loss and optimizer step stay in float32, and the
# large matrix products are computed in bfloat16. `torch.autocast` makes that choice for each operation inside its
# block. Gradients keep their weights' dtype. The backward pass and the step stay outside the block.
#
# (float16's smallest number is the reason for `GradScaler`: it multiplies the loss by a large factor before the
# backward pass, so that small gradients survive, and divides the gradients by it afterwards. bfloat16 does not need
# that. The recipe comes from [Micikevicius and others, 2018](https://arxiv.org/abs/1710.03740).)
#
# bfloat16 has its limits on older hardware. NVIDIA's tensor cores compute in it only since the Ampere generation (A100,
# RTX 30 series). A T4 or a V100 has tensor cores for float16 only and emulates bfloat16, which is slow.
# `torch.cuda.is_bf16_supported(including_emulation=False)` tells you which kind of card you have; the answer without
# that argument counts emulation as support. On a T4, use float16 with a GradScaler. Since Ampere there is also
# **TF32**, which keeps float32's range and rounds the inputs of a product to 10 bits of mantissa.
# `torch.set_float32_matmul_precision("high")` lets PyTorch use it for float32 matrix products.

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
# A processor without 16-bit instructions can be *slower* in bfloat16. The results are still right, but measure before
# you switch it on.
#
# ### Exercise: `train_step_amp`
#
# AMP stands for *automatic mixed precision*. `torch.autocast` expects the type of the device as a string. Take it from
# the batch, and your function works wherever the batch is.

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
# ### Getting a PyTorch that sees your GPU
#
# `torch.cuda.is_available()` is `False` although there is an NVIDIA card? Three things have to be there: the card, its
# driver (`nvidia-smi` prints it), and a build of PyTorch for CUDA (`torch.version.cuda` is not `None`). You do not need
# to install CUDA itself: the build brings its own.
#
# - **Linux**: `pip install torch` gives you the build for CUDA.
# - **Windows**: `pip install torch` gives you the build for the CPU. The selector on
#   [pytorch.org](https://pytorch.org/get-started/locally/) makes the right command for your driver, with an
#   `--index-url` that ends in the CUDA version. Install it before the course, or again with `--force-reinstall`.
# - **Mac**: nothing to do. Apple's GPU is `mps`.
# - **No GPU**: [Google Colab](https://research.google.com/colaboratory/faq.html) lends one in the browser, free of charge
#   and without a guarantee: *Runtime > Change runtime type*, then choose a GPU. What you save there is gone after the
#   session unless you download it. (Nobody has run this course on Colab yet.)
#
# If the driver is older than the build needs, PyTorch says so with a warning and uses the CPU. Update the driver.
#
# ### Records
#
# `python -m introdl.benchmark` measures a machine for a few minutes and stores the results in a file, with date,
# versions and load. On a machine with an NVIDIA GPU, `python -m introdl.benchmark --gpu` also measures what this chapter
# and the next only cite: the course's NumPy engine against PyTorch, mixed precision, channels last, `torch.compile`,
# batch sizes, the share of the peak that ResNet-18 reaches, the seconds until chapter 09's network names 93 % of the
# validation plates, and two processes against one. Without a GPU it says so and measures nothing. Below are the records that come with the course and those that you have made, next to what you
# measured above. Filled marks were **measured**. Hollow ones come from **data sheets**: nobody measured them here, and
# real layers stay below them.

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
# One record comes with the course, and it was made on a busy machine: the load was 29 on two cores. Its medians say
# more about its neighbors than about the processor (a product of 1024 x 1024 matrices reaches a lower rate than one of
# 512 x 512 even by the fastest calls). That is why the figure above uses the fastest calls, and why you should take the
# table below as an example of the format rather than as a fact about that processor.
#
# Here is the training step, the number that you will feel in chapter 09, from each record. The spread is in brackets.
# Can you say how much mixed precision gains on that machine?

# %%
for made in recorded[:3]:
    print(made["device"]["name"])
    for batch in (1, 8, 32, 128, 512, 2048):
        pair = [benchmark.find(made, "train step, 64 px", dtype=d, batch=batch) for d in ("float32", "bfloat16")]
        if all(pair):
            told = ", ".join(f"{row['dtype']} {batch / row['median']:.4g} ({batch / row['slowest']:.3g} to {batch / row['fastest']:.3g})" for row in pair)  # fmt: skip
            print(f"  batch {batch:>4}, pictures a second: {told}")

# %% [markdown]
# <details><summary>What you should have seen</summary>
#
# In the record that comes with the course you cannot say. With 32 pictures the two medians are the same, 5.3 pictures a
# second. With 8 bfloat16 is ahead by a fifth, and there the brackets do not overlap; with 1 and with 32 they do. On a
# machine that busy, even brackets that do not overlap may only show what the neighbors were doing at the time. To find
# out, measure both in turns on a quiet machine. Your own records, if you have made any, may be clearer.
# </details>
#
# Sources of the data sheets: [T4](https://www.nvidia.com/en-us/data-center/tesla-t4/), [RTX
# 4090](https://images.nvidia.com/aem-dam/Solutions/geforce/ada/nvidia-ada-gpu-architecture.pdf),
# [A100](https://www.nvidia.com/en-us/data-center/a100/), [H100](https://www.nvidia.com/en-us/data-center/h100/),
# [H200](https://www.nvidia.com/en-us/data-center/h200/). Where a sheet gives numbers *with sparsity*, we show half of
# them: sparsity skips every second weight, and our networks use all of theirs.
#
# ## Quiz
#
# Write a letter for each, for example `answer_1 = "a"`.
#
# **1.** On a GPU, 100 products of two 8192 x 8192 matrices seem to take 20 µs each. You warmed up, but you did not
# synchronize. What did you measure?
#
# - a) The product. A GPU is that fast.
# - b) The warm-up.
# - c) How long it takes to launch the work.
# - d) A result that the GPU had stored from the call before.
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
# - c) The slowest, 80 ms, to be on the safe side.
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
# - A tensor is a row of numbers with a dtype, a device and strides. A view costs nothing, a move costs bytes.
# - Autograd records the forward pass and computes the gradients. It accumulates them, it keeps activations until the
#   backward pass, and you can switch it off.
# - Warm up, synchronize, take the median, show the spread, compare in turns. Choose the number of threads by measuring.
# - A layer waits either for arithmetic or for memory. Its intensity and the machine's ridge say which.
# - A GPU needs large, dense work: batches, fused operations, few launches, and data that is moved once, as bytes.
# - A training step: zero the gradients, forward, loss, backward, step. Train in training mode; evaluate in evaluation
#   mode and without gradients.
# - Mixed precision: matrix products in bfloat16; weights, loss and step in float32.
#
# ### Cheat sheet
#
# | what | how |
# |---|---|
# | NumPy and back | `torch.from_numpy(a)` shares memory; `t.detach().cpu().numpy()` |
# | device | `x.to(device)` returns the moved tensor; `model.to(device)` moves in place |
# | FLOPs of a convolution | $2 \cdot N \cdot F \cdot OH \cdot OW \cdot C \cdot k_h \cdot k_w$ |
# | intensity | FLOPs / bytes; attainable: $\min(\text{peak}, I \cdot \text{bandwidth})$ |
# | a time | `synchronize(); t = perf_counter(); fn(); synchronize(); perf_counter() - t` |
# | evaluation | `model.eval()`, `with torch.no_grad():`, weigh batches by their size |
# | memory in training | weights + gradients + optimizer (AdamW: 2 more) + activations times the batch |
# | accumulation | `(loss / pieces).backward()` for each piece, then one `step()` |
# | channels last | `model.to(memory_format=torch.channels_last)`, the images too |
#
# ### Words
#
# - **arithmetic intensity**: floating-point operations for each byte that is read or written.
# - **bandwidth**: how many bytes a memory delivers in a second.
# - **bfloat16**: a 16-bit number with the range of float32 and about two to three digits.
# - **CUDA**: NVIDIA's way to run programs on its GPUs.
# - **device**: where a tensor lies and is computed with: `cpu`, `cuda`, `mps`.
# - **FLOP**: one floating-point operation; a multiplication and an addition are two. FLOP/s counts them in a second.
# - **gradient accumulation**: adding up the gradients of several small batches before one step.
# - **kernel (of a GPU)**: a program that thousands of threads run at once; it has nothing to do with a convolution's.
# - **mixed precision**: computing matrix products in 16 bits, and keeping weights, loss and step in 32.
# - **roofline**: the speed that a machine can reach at each arithmetic intensity; its corner is the **ridge**.
# - **strides**: how many elements of memory lie between neighbors along each axis of a tensor.
# - **streaming multiprocessor**: one of a GPU's many processors; it runs blocks of threads (SM).
# - **tensor**: an array with a dtype and a device.
# - **warp**: 32 threads of a GPU that execute the same instruction together.
#
# ### Next
#
# Chapter 09 puts it to work: a plate goes in, the name of a dish comes out, and a network is trained from scratch in
# between.
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
