# %% [markdown]
# # 07 Stochastic gradient descent
#
# You have a network that gives scores, a loss that says how wrong they are, and the gradient of that loss for every
# weight. All that is left is to *use* the gradient. In this chapter the weights move, and at the end a LeNet reads
# handwritten digits, with every line of its training written by you.
#
# **When you are done, you can**
#
# - walk down a loss with its gradient, and tell from the curve whether the learning rate is too small, right, or too
#   large;
# - cut a data set into mini-batches, and say how noisy their gradients are;
# - write a step of SGD, of momentum and of Adam, and say what the state of each is for;
# - give the learning rate a schedule, and initialize weights with the right size;
# - recognize overfitting in two curves, and hold it back with weight decay, or by stopping in time;
# - choose batch size and learning rate together, and keep one bad gradient from ruining a run;
# - train a convolutional network from scratch to 97 % or more.
#
# **What you build**: `gradient_descent`, `minibatches`, `sgd_step`, `momentum_step`, `adam_step`, `cosine_lr`,
# `he_init`, `early_stop`, and `train_digits`. They teach MealoMi to read the price on a menu.
#
# **Time**: about 180 minutes, with a resting point after section 5. **You need**: chapters 03 to 06, above all the shapes of a batch, cross-entropy, and what
# a backward pass returns.

# %%
import matplotlib.pyplot as plt
import numpy as np

from introdl import check, data, figures, hint
from introdl.figures import convolution
from introdl.figures import sgd as figs
from introdl.figures.training_board import TrainingBoard
from introdl.layers import lenet, softmax_cross_entropy

figures.use_style()

# %% tags=["parameters"]
seed = 7  # of all random numbers below
epochs = 12  # on the training board
mnist = False  # True downloads MNIST (11 MB, once) and trains LeNet-5 on its 60,000 digits as well

# %% [markdown]
# If an exercise is hard, call `hint("07.gradient_descent")` in a cell of your own, with the exercise's id. Each call
# shows one more hint.
#
# ## 1. Gradient descent and the learning rate
#
# In chapter 06 you already walked downhill, with a step size that somebody had chosen for you: compute the slope where
# you are, take a step in the opposite direction, repeat. Now you choose the steps. As a formula, one step is
#
# $$\theta_{t+1} = \theta_t - \eta \, \nabla L(\theta_t)$$
#
# - $\theta_t$ ("theta"): all the parameters after $t$ steps, shape $(D,)$. In the code of this section: `x`.
# - $L$: the loss, one number. $\nabla L(\theta_t)$: its **gradient**, shape $(D,)$. It points in the direction in
#   which $L$ grows fastest.
# - $\eta$ ("eta"): the **learning rate**, one number above 0. In code: `lr`.
#
# **By hand**, with a single weight: $L(w) = w^2$ has the slope $2w$. Start at $w = 4$ with $\eta = 0.25$:
#
# | step | $w$ | slope $2w$ | $\eta \cdot$ slope |
# |---|---|---|---|
# | 0 | 4 | 8 | 2 |
# | 1 | 2 | 4 | 1 |
# | 2 | 1 | 2 | 0.5 |
# | 3 | 0.5 | | |
#
# Each step halves $w$, which never quite reaches 0 and does not need to. Look at the lengths of the steps: 2, 1, 0.5.
# The learning rate stays the same; the steps shrink because the slope does.
#
# Here is the same walk as a ball on the curve. The dashed line shows the slope under the ball, and the arrow shows
# where the next step takes it. Use the sliders, or press play.
#
# 1. Stay at the rate 0.25, and check the table.
# 2. At which rate does the ball reach the bottom in a single step? Why?
# 3. What happens at a rate of exactly 1? And above it?

# %% tags=["demo"]
figs.ball(rate=0.25, start=4.0)

# %% [markdown]
# <details><summary>What you should have seen</summary>
#
# At a rate of 0.5 the first step is $0.5 \cdot 8 = 4$ long, exactly the distance to the bottom. At a rate of 1 the step
# is $1 \cdot 8 = 8$ long: the ball lands at $-4$, at the same height as before, and jumps back from there, forever.
# Above 1 it lands higher than it was, where the slope is steeper, so that the next jump is even longer.
# </details>
#
# ### Exercise: `gradient_descent`
#
# You are given the gradient as a *function*: `grad(x)` returns an array of the shape of `x`. The checks of this
# chapter do not accept the optimizers of SciPy and PyTorch.

# %% exercise="07.gradient_descent"
def gradient_descent(grad, x0, lr, steps):
    """Walk downhill and keep the path.

    Parameters
    ----------
    grad : callable
        ``grad(x)`` takes an array of shape (D,) and returns the gradient there, shape (D,).
    x0 : numpy.ndarray
        (D,) floats: where to start. It is left as it is.
    lr : float
        The learning rate, above 0; the same for all steps.
    steps : int
        How many steps to take, 1 or more.

    Returns
    -------
    numpy.ndarray
        (steps + 1, D) floats: x0 in the first row, then the point after each step.

    Example
    -------
    >>> gradient_descent(lambda x: 2 * x, np.array([4.0]), 0.25, 3).tolist()
    [[4.0], [2.0], [1.0], [0.5]]
    """
    ### BEGIN SOLUTION
    path = [x0]
    for _ in range(steps):
        path.append(path[-1] - lr * grad(path[-1]))
    return np.array(path)
    ### END SOLUTION

# %% check="07.gradient_descent"
check("07.gradient_descent", gradient_descent)

# %% [markdown]
# ### How large should the learning rate be?
#
# For $L(w) = w^2$ a step does $w \leftarrow w - \eta \cdot 2w = (1 - 2\eta)\,w$. So everything depends on the factor
# $1 - 2\eta$:
#
# | $\eta$ | factor | what you see |
# |---|---|---|
# | 0.02 | 0.96 | the right direction, but very slow |
# | 0.3 | 0.4 | arrives in a few steps |
# | 0.9 | −0.8 | jumps across the valley and back, and still arrives |
# | 1.04 | −1.08 | each jump is longer than the last: it **diverges** |

# %%
figs.learning_rates(rates=(0.02, 0.3, 0.9, 1.04), steps=12, start=-4.0)

# %% [markdown]
# With a real network you cannot see the valley, but you can plot the loss against the steps and read that curve in the
# same way. If the loss falls, but very slowly, raise the rate. If it grows, or turns into nan, lower the rate by a
# factor of 3 or 10. Learning rates are changed by factors, not by small additions.
#
# A single rate has to serve **all** directions. In a valley that is steep across and flat along, the steep direction
# limits the step size, and progress in the flat direction is slow. Momentum and Adam were made for this problem. You
# will race them in section 3.
#
# ## 2. Stochastic gradient descent and mini-batches
#
# The loss is a mean over all pictures, and so is its gradient. With a million pictures, one exact step takes a million
# forward and backward passes. But if you want to know the mean height of the people in a town, you don't measure
# everybody. You measure a sample of thirty, perhaps.
#
# A **mini-batch** is such a sample. Its gradient is an estimate of the full one: right on average, and noisy. Descent
# with such gradients is **stochastic gradient descent**, SGD. *Stochastic* means that chance is involved.
#
# How noisy is it? We can measure that on the network that this chapter trains. The data are 1,797 digits of 8 by 8
# pixels, written by 13 people (scikit-learn's copy of the test part of the UCI repository's *Optical Recognition of
# Handwritten Digits*), divided into training, validation and test pictures.

# %%
digits = data.digits()


def part(name):
    """Pictures (N, 1, 8, 8), float32 from 0 to 1, and labels (N,)."""
    chosen = digits.split(name)
    return chosen.images[..., 0][:, None].astype(np.float32) / 255, chosen.labels


X_train, y_train = part("train")
X_val, y_val = part("val")
X_test, y_test = part("test")
print("training", X_train.shape, "  validation", X_val.shape, "  test", X_test.shape)
figs.digit_row(X_train, y_train)

# %% [markdown]
# Now take a newly initialized network and compute its gradient on all training pictures. Then draw twelve batches of
# each of several sizes, and see how far their gradients are from the full one, as a share of its length.

# %%
net = lenet((1, 8, 8), 10, np.random.default_rng(seed))


def gradient_of(chosen):
    """The gradient of the loss on some training pictures, all parameters in one long row."""
    loss, slope = softmax_cross_entropy(net.forward(X_train[chosen]), y_train[chosen])
    net.backward(slope)
    return np.concatenate([p.grad.ravel() for p in net.parameters()])


rng = np.random.default_rng(seed)
full = gradient_of(np.arange(len(X_train)))
sizes = [1, 4, 16, 64, 256]
errors = np.array(
    [
        [np.linalg.norm(gradient_of(rng.integers(0, len(X_train), size)) - full) for _ in range(12)]
        for size in sizes
    ]
) / np.linalg.norm(full)
print("numbers to learn:", len(full))
figs.noise_chart(sizes, errors)

# %% [markdown]
# With a single picture the error is several times as long as the gradient itself. It falls with the *square root* of
# the batch size: four times the pictures give half the noise. That is a poor return for large batches, since four
# batches of 16 cost as much as one of 64, and they are four steps instead of one.
#
# So why not always use tiny batches? Because hardware computes many pictures at once in about the time of one (chapter
# 08), and because with very noisy gradients the learning rate has to be small. Batches of 16 to 256 are a common
# compromise. When a batch gets larger, its gradient gets more reliable, and a larger learning rate becomes possible.
#
# Mini-batches come with three rules.
#
# - **Shuffle.** If the pictures are sorted by class, a batch holds nothing but sevens, and the network learns to say
#   seven.
# - **Use every picture once.** One pass through all of them is an **epoch**. The next epoch uses a new order.
# - **Keep pictures and labels together.** If you shuffle them separately, nothing crashes, and nothing is learned.
#
# **By hand.** Take eleven samples and batches of four. The order might be 7 2 9 0 | 4 10 1 5 | 3 8 6. That makes three
# batches, and the last one is short.
#
# ### Exercise: `minibatches`
#
# You may return a list of pairs, or write a generator (a function with `yield`). Since your order is random, the check
# does not compare it with a fixed one. It tests properties that every correct answer has.

# %% exercise="07.minibatches"
def minibatches(X, y, size, rng):
    """One epoch of mini-batches, in an order drawn from rng.

    Parameters
    ----------
    X : numpy.ndarray
        (N, ...) floats: a sample in each row. It is left as it is.
    y : numpy.ndarray
        (N,) int64: their labels. They are left as they are.
    size : int
        How many samples are in a batch, 1 or more. It may be larger than N.
    rng : numpy.random.Generator
        Draws the order. Called again with the same generator, the function gives a new order.

    Returns
    -------
    iterable of (numpy.ndarray, numpy.ndarray)
        Pairs (X_batch, y_batch) of `size` samples with their labels; the last one holds what
        is left. Every sample comes exactly once.

    Example
    -------
    >>> X, y = np.arange(22.0).reshape(11, 2), np.arange(11)
    >>> [len(labels) for _, labels in minibatches(X, y, 4, np.random.default_rng(0))]
    [4, 4, 3]
    """
    ### BEGIN SOLUTION
    order = rng.permutation(len(X))
    for start in range(0, len(X), size):
        chosen = order[start : start + size]
        yield X[chosen], y[chosen]
    ### END SOLUTION

# %% check="07.minibatches"
check("07.minibatches", minibatches)

# %% [markdown]
# ### One step
#
# From here on, an **optimizer** is a function that takes one step: weights and gradient go in, new weights come out.
# The simplest one is plain SGD:
#
# $$w \leftarrow w - \eta \cdot \text{grad}$$
#
# - $w$: the weights of one layer, of any shape. $\text{grad}$: the gradient with respect to them, of the same shape.
#
# ### Exercise: `sgd_step`
#
# Here you may either change `w` in place or make a new array. In both cases, return it.

# %% exercise="07.sgd_step"
def sgd_step(w, grad, lr):
    """One step of plain SGD.

    Parameters
    ----------
    w : numpy.ndarray
        Weights of any shape. You may change them in place.
    grad : numpy.ndarray
        The gradient for them, of the same shape. It is left as it is.
    lr : float
        The learning rate.

    Returns
    -------
    numpy.ndarray
        The weights after the step.

    Example
    -------
    >>> sgd_step(np.array([5.0, -3.0]), np.array([2.0, -4.0]), 0.5).tolist()
    [4.0, -1.0]
    """
    ### BEGIN SOLUTION
    return w - lr * grad
    ### END SOLUTION

# %% check="07.sgd_step"
check("07.sgd_step", sgd_step)

# %% [markdown]
# ## 3. Momentum and Adam
#
# ### Momentum: a ball instead of a walker
#
# Plain SGD forgets every step. A ball that rolls downhill does not: it keeps most of its **velocity**, and the slope
# adds to it.
#
# $$v \leftarrow \beta \, v + \text{grad}, \qquad w \leftarrow w - \eta \, v$$
#
# - $v$: the velocity, of the weights' shape. It starts at 0. It is the **state** of this optimizer, which one step
#   leaves for the next.
# - $\beta$: the **momentum**, the share of the old velocity that is kept, from 0 to below 1. Usually it is 0.9.
#
# **By hand**, with $\beta = 0.5$ and a gradient that is always 4:
#
# | step | $v$ |
# |---|---|
# | 1 | $0.5 \cdot 0 + 4 = 4$ |
# | 2 | $0.5 \cdot 4 + 4 = 6$ |
# | 3 | $0.5 \cdot 6 + 4 = 7$ |
# | 4 | $0.5 \cdot 7 + 4 = 7.5$ |
#
# The velocity approaches $4 / (1 - 0.5) = 8$. Where the gradient keeps its direction, steps get up to $1/(1-\beta)$
# times as long; with $\beta = 0.9$ that is ten times. Where the gradient changes its sign at each step, from one wall
# of a valley to the other, the contributions cancel. So momentum is fast along the valley and calm across it, which is
# what we wanted.
#
# Books differ in where they put $\eta$. CS231n writes $v \leftarrow \beta v - \eta \cdot \text{grad}$ and $w
# \leftarrow w + v$. With a constant rate the weights take the same path. When the rate falls on the way, as in section
# 4, they do not: that velocity adds up gradients already multiplied by the rate, and the old ones keep the old rate. The exercise asks for the form
# above, which PyTorch uses too, and one of the check's cases lowers the rate. Only the weights are compared.
#
# ### Exercise: `momentum_step`

# %% exercise="07.momentum_step"
def momentum_step(w, grad, velocity, lr, beta=0.9):
    """One step of SGD with momentum: velocity = beta * velocity + grad, then w = w - lr * velocity.

    Parameters
    ----------
    w : numpy.ndarray
        Weights of any shape. You may change them in place.
    grad : numpy.ndarray
        The gradient for them, of the same shape. It is left as it is.
    velocity : numpy.ndarray
        Zeros of the same shape before the first step; later what the last step returned. You
        may change it in place.
    lr, beta : float
        The learning rate, which may differ from step to step, and how much of the velocity stays.

    Returns
    -------
    w, velocity : numpy.ndarray
        The weights after the step, and the state for the next one.

    Example
    -------
    >>> w, velocity = momentum_step(np.array([10.0]), np.array([4.0]), np.zeros(1), 0.5, beta=0.5)
    >>> w, velocity = momentum_step(w, np.array([4.0]), velocity, 0.5, beta=0.5)
    >>> w.tolist()
    [5.0]
    """
    ### BEGIN SOLUTION
    velocity = beta * velocity + grad
    return w - lr * velocity, velocity
    ### END SOLUTION

# %% check="07.momentum_step"
check("07.momentum_step", momentum_step)

# %% [markdown]
# ### Adam: a separate rate for every weight
#
# Some weights have gradients around 100, others around 0.01, and a single rate cannot suit both. **Adam** (Kingma and
# Ba 2014) measures how large each weight's gradients usually are, and divides by that. It keeps two running means:
#
# $$m \leftarrow \beta_1 m + (1 - \beta_1)\, \text{grad} \qquad\quad s \leftarrow \beta_2 s + (1 - \beta_2)\, \text{grad}^2$$
#
# - $m$: the running mean of the gradients, of the weights' shape. $\beta_1$, usually 0.9, says how slowly it changes.
# - $s$: the running mean of their squares, number by number. $\beta_2$ is usually 0.999. (The paper calls it $v$, and
#   so does the exercise. Here it is $s$, because $v$ is the velocity above.)
#
# Both start at 0, so in the first steps both are much too small. With $t$ the number of the step, **1 for the first
# one**, the **bias correction** makes up for that:
#
# $$\hat m = \frac{m}{1 - \beta_1^t} \qquad \hat s = \frac{s}{1 - \beta_2^t} \qquad
# w \leftarrow w - \eta \, \frac{\hat m}{\sqrt{\hat s} + \varepsilon}$$
#
# - $\varepsilon$ ("epsilon"): a tiny number that prevents a division by 0. It stands outside the root.
#
# **By hand**, the first step of a weight with gradient 3: $m = 0.1 \cdot 3 = 0.3$ and $s = 0.001 \cdot 9 = 0.009$.
# Corrected, $\hat m = 0.3 / 0.1 = 3$ and $\hat s = 0.009 / 0.001 = 9$. The step is $\eta \cdot 3 / \sqrt 9 = \eta$.
# And with gradient 0.03? Then $\hat m = 0.03$ and $\hat s = 0.0009$, and the step is again $\eta \cdot 0.03 / 0.03 =
# \eta$. The first step of Adam has the length $\eta$ for every weight, whatever its gradient is. So $\eta$ says
# directly how far a weight moves in a step, and 0.001, the value suggested in the paper and the default in most
# libraries, is a good first guess for many networks.
#
# ### Exercise: `adam_step`

# %% exercise="07.adam_step"
def adam_step(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """One step of Adam.

    In this order: count the step, t = t + 1; bring m and v up to date; correct both for their
    start at zero; w = w - lr * m_hat / (sqrt(v_hat) + eps).

    Parameters
    ----------
    w : numpy.ndarray
        Weights of any shape. You may change them in place.
    grad : numpy.ndarray
        The gradient for them, of the same shape. It is left as it is.
    state : tuple
        (m, v, t): the mean of the gradients and of their squares, both of w's shape, and how
        many steps were taken before. At first (zeros, zeros, 0); later what the last step
        returned. You may change its arrays in place.
    lr, beta1, beta2, eps : float
        As in the formulas.

    Returns
    -------
    w : numpy.ndarray
        The weights after the step.
    state : tuple
        The state for the next one, with the plain m and v, not the corrected ones.

    Example
    -------
    >>> w, state = adam_step(np.array([1.0, 1.0]), np.array([3.0, 0.03]), (np.zeros(2), np.zeros(2), 0), 0.1)
    >>> w.round(4).tolist(), state[2]
    ([0.9, 0.9], 1)
    """
    ### BEGIN SOLUTION
    m, v, t = state
    t = t + 1
    m = beta1 * m + (1 - beta1) * grad
    v = beta2 * v + (1 - beta2) * grad**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    return w - lr * m_hat / (np.sqrt(v_hat) + eps), (m, v, t)
    ### END SOLUTION

# %% check="07.adam_step"
check("07.adam_step", adam_step)

# %% [markdown]
# ### Weight decay, and why AdamW exists
#
# The L2 penalty of chapter 05 adds $2 \lambda w$ to each gradient. With plain SGD that shrinks each weight by the same
# small share at every step, hence the name **weight decay**. Inside Adam it works differently, because the penalty's
# gradient is divided by $\sqrt{\hat s}$ together with the rest.
#
# **By hand.** Take two weights of 5 with $2\lambda = 0.02$, so that the penalty's gradient is $0.02 \cdot 5 = 0.1$ for
# both. The gradient of the loss is 0 for the first weight and 3 for the second. In its first step Adam moves both
# weights by $\eta$, since all that it sees is 0.1 and 3.1. The first weight decays at full speed, while for the second
# the penalty makes no difference at all.
#
# **AdamW** ([Loshchilov and Hutter 2017](https://arxiv.org/abs/1711.05101)) therefore keeps the decay out of the
# running means, and subtracts $\eta \cdot 0.02 \, w$ directly. Take a hundred steps with each of them, once with the
# decay and once without, and see what the decay has changed:

# %%
import torch


def after(optimizer, decay, steps=100):
    """Two weights of 5 after some steps, with loss gradients that are always 0 and 3."""
    w = torch.tensor([5.0, 5.0], dtype=torch.float64, requires_grad=True)
    taking = optimizer([w], lr=0.001, weight_decay=decay)
    for _ in range(steps):
        w.grad = torch.tensor([0.0, 3.0], dtype=torch.float64)
        taking.step()
    return w.detach().numpy()


for optimizer in (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW):
    shrunk = np.abs(after(optimizer, 0.0) - after(optimizer, 0.02))
    print(f"{optimizer.__name__:<6} decay has taken {shrunk[0]:.4f} off the first weight, {shrunk[1]:.4f} off the second")

# %% [markdown]
# With Adam the penalty pulls the first weight as hard as it can and leaves the second alone. SGD and AdamW shrink both
# by the same small share, $100 \cdot 0.001 \cdot 0.02 = 0.2$ %. So when you use Adam and want weight decay, use AdamW.
# (PyTorch's `weight_decay` is the factor of $w$ in the gradient, here 0.02. It is $2\lambda$, because chapter 05's
# penalty has no factor of one half.) Section 8 shows what weight decay is good for.
#
# ### Comparing SGD, momentum and Adam
#
# Three optimizers start at the same place with the same learning rate. (The figure has its own optimizers, so it works
# even before yours do.)
#
# 1. *Valley*, rate 0.05: it is 20 times as steep across as along. Press play. Which one goes straight down the wall
#    and then slowly along, which one overshoots, and which one takes even steps?
# 2. Raise the rate to 0.09, then to 0.11. Plain SGD crosses from wall to wall, and then runs away. The steep direction
#    has the curvature 20, and $2 / 20 = 0.1$ is the limit, since the factor $1 - 20\eta$ must stay above $-1$. Why
#    does this not affect Adam?
# 3. Lower the rate to 0.01. Which one loses the most ground, and which one the least?
# 4. Set momentum to 0.99 and the rate to 0.02: a ball with hardly any friction.
# 5. *Saddle*: the start is nearly on a ridge, where the slope along it is almost 0. Which one leaves first?
# 6. *Bumps*, rate 0.05: which one rolls over the bumps, and which ones get stuck in the first hollow?
# 7. *Bowl*, rate 0.2, noise *much*: none of them comes to rest at the bottom. Lower the rate and compare. This is why
#    the rate should fall toward the end of a training run, as in section 4.

# %% tags=["demo"]
figs.optimizer_race("valley", rate=0.05)

# %% [markdown]
# <details><summary>What you should have seen</summary>
#
# 1. SGD drops to the bottom of the valley in one step (the factor $1 - 20 \cdot 0.05$ is 0) and then walks slowly
#    along it. Momentum overshoots and swings back. Adam takes steps of about equal length.
# 2. Adam divides by the size of the gradient, so a steeper wall does not make its steps longer.
# 3. Adam loses most: a hundred steps of about 0.01 do not reach the bottom. Momentum loses least.
# 4. The ball rolls past the bottom again and again; after 100 steps it is still higher than plain SGD.
# 5. Adam, because it divides the tiny slope along the ridge by its own size. Momentum comes second, and SGD stays
#    there for most of the race.
# 6. Momentum rolls over them. SGD and Adam end in the first hollow.
# 7. With noise, each of them keeps moving around the bottom, and the smaller the rate, the smaller the distance.
# </details>
#
# Here is the valley again in numbers: the height above the bottom after 100 steps, at each of four rates.

# %%
print("rate     SGD        momentum   Adam")
for rate in (0.01, 0.05, 0.09, 0.11):
    paths = figs.runs("valley", rate, beta=0.9, noise=0.0, steps=100)
    heights = [figs.LANDSCAPES["valley"].f(*path[-1]) for path in paths.values()]
    print(f"{rate:<7}", "  ".join("ran away " if not np.isfinite(h) or h > 1e5 else f"{h:<9.1e}" for h in heights))

# %% [markdown]
# None of them wins everywhere, and each can do well with a rate that suits it. Plain SGD is the simplest and has the
# sharpest limit: here it is the best at 0.09 and diverges at 0.11. Momentum is good at all four rates. Adam never
# diverges here, and yet at 0.01 it comes last: its steps are about $\eta$ long however steep the slope is, and a
# hundred steps of 0.01 do not reach the bottom. In a network with millions of weights whose gradients differ in size,
# such even steps are an advantage. The price is two more numbers to store for each weight.
#
# ## 4. Learning rate schedules
#
# Large steps get you near the minimum, and small steps get you into it. So start with a large rate and let it fall.
# The **cosine schedule** (Loshchilov and Hutter 2016) stays high for a while, falls, and ends gently at 0. Before it
# comes a **warm-up**: the first steps, when the weights are still random and the optimizer's running means hold almost
# no information, are small.
#
# $$\eta_t = \begin{cases} \eta \,\dfrac{t + 1}{T_w} & t < T_w \\[2ex]
# \dfrac{\eta}{2} \Big(1 + \cos\big(\pi \,\dfrac{t - T_w}{T - T_w}\big)\Big) & t \ge T_w \end{cases}$$
#
# - $t$: the number of the step, here from 0 to $T - 1$ (`step`). $T$: how many steps there are (`total`). $T_w$: how
#   many of them are warm-up (`warmup`).
# - $\eta$: the highest rate (`base`). $\eta_t$: the rate of step $t$.
#
# **By hand**, with $T = 12$, $T_w = 4$ and $\eta = 0.8$: the warm-up gives 0.2, 0.4, 0.6, 0.8. Step 4 begins the
# cosine with $\cos 0 = 1$, so it is 0.8 again. Halfway, at step 8, $\cos(\pi/2) = 0$ gives 0.4. The last one, step
# 11, has $0.4 \cdot (1 + \cos(\pi \cdot 7/8)) \approx 0.03$. It would be 0 at step 12, which is never taken, so no
# step is wasted.

# %%
total, warmup = 400, 40
s = np.arange(total)
figs.schedule_chart(
    {
        "constant": np.full(total, 0.005),
        "two sudden falls": 0.005 * 0.1 ** ((s >= total // 2).astype(int) + (s >= 3 * total // 4)),
        "warm-up and cosine": np.where(
            s < warmup,
            0.005 * (s + 1) / warmup,
            0.0025 * (1 + np.cos(np.pi * np.maximum(s - warmup, 0) / (total - warmup))),
        ),
    }
)

# %% [markdown]
# ### Exercise: `cosine_lr`

# %% exercise="07.cosine_lr"
def cosine_lr(step, total, base, warmup=0):
    """Learning rate of one step: a linear warm-up, then half a cosine wave down towards 0.

    Parameters
    ----------
    step : int
        From 0 to total - 1.
    total : int
        The number of all steps.
    base : float
        The highest rate: that of the last step of the warm-up, and of the step after it.
    warmup : int
        The number of warm-up steps, from 0 to below total. In them the rate is
        base * (step + 1) / warmup.

    Returns
    -------
    float
        The rate. It would reach 0 at step `total`.

    Example
    -------
    >>> [round(float(cosine_lr(step, 12, 0.8, warmup=4)), 3) for step in (0, 3, 4, 8)]
    [0.2, 0.8, 0.8, 0.4]
    """
    ### BEGIN SOLUTION
    if step < warmup:
        return base * (step + 1) / warmup
    share = (step - warmup) / (total - warmup)
    return base * (1 + np.cos(np.pi * share)) / 2
    ### END SOLUTION

# %% check="07.cosine_lr"
check("07.cosine_lr", cosine_lr)

# %% [markdown]
# ## 5. Initialization
#
# Where does the walk begin? The weights of a layer cannot all start at zero, or at any other common value: then all
# its units compute the same thing, get the same gradient, and stay identical forever. They must differ, so they are drawn at
# random. But how large should they be? Chapter 02 sent a signal through twenty layers, and with ReLU only one standard
# deviation of the weights kept it alive. Now you derive that number for any layer.
#
# Take one unit with $n$ inputs and no bias: $z = \sum_{i=1}^{n} w_i x_i$. If the weights are independent, with mean 0
# and variance $\sigma^2$, the variances add up:
#
# $$\operatorname{Var}(z) = n \, \sigma^2 \, \overline{x^2}$$
#
# - $n$: how many numbers come in, the **fan-in**. $\overline{x^2}$: the mean square of the inputs.
#
# ReLU then sets the negative half of $z$ to 0, so the mean square of what goes on is half of that: $\tfrac12 n
# \sigma^2 \, \overline{x^2}$. The signal keeps its size from layer to layer if $\tfrac12 n \sigma^2 = 1$:
#
# $$\sigma = \sqrt{\frac{2}{n}}$$
#
# This is **He initialization** (He and others 2015). **By hand**: a dense layer with 200 inputs has $\sigma =
# \sqrt{2/200} = 0.1$. A convolution with 8 channels and kernels of 5 by 5 sums $8 \cdot 5 \cdot 5 = 200$ products for
# each output number, so it has the same 0.1, however many filters there are. (PyTorch's own layers use a smaller
# standard deviation unless you ask for this one.)
#
# Does it matter? Send random numbers through 24 layers of 128 units with ReLU:

# %%
rng = np.random.default_rng(seed)
spreads = {}
for name, sigma in {
    "σ = 0.01": 0.01,
    "σ = √(1/n)": np.sqrt(1 / 128),
    "He: σ = √(2/n)": np.sqrt(2 / 128),
    "σ = 0.4": 0.4,
}.items():
    signal = rng.standard_normal((256, 128))
    spreads[name] = [signal.std()]
    for _ in range(24):
        signal = np.maximum(signal @ (sigma * rng.standard_normal((128, 128))), 0)
        spreads[name].append(signal.std())
    spreads[name] = np.array(spreads[name])
figs.signal_chart(spreads)

# %% [markdown]
# A factor that looks harmless in one layer is raised to the 24th power. And gradients, on their way back, pass through
# the same layers: where the signal vanishes, they vanish too.
#
# ### Exercise: `he_init`
#
# Your random numbers will differ from ours, so the check looks at their mean and their standard deviation.

# %% exercise="07.he_init"
def he_init(shape, rng):
    """Fresh weights: normal random numbers with mean 0 and standard deviation sqrt(2 / fan_in).

    Parameters
    ----------
    shape : tuple of int
        (D, M) for a dense layer with D inputs, or (F, C, k_h, k_w) for the kernels of a
        convolution.
    rng : numpy.random.Generator
        Draws the numbers.

    Returns
    -------
    numpy.ndarray
        Floats of that shape. fan_in counts the products that are summed up in one number of
        the output: D, or C * k_h * k_w.

    Example
    -------
    >>> w = he_init((200, 300), np.random.default_rng(0))
    >>> w.shape, round(float(w.std()), 2)
    ((200, 300), 0.1)
    """
    ### BEGIN SOLUTION
    fan_in = shape[0] if len(shape) == 2 else np.prod(shape[1:])
    return rng.standard_normal(shape) * np.sqrt(2 / fan_in)
    ### END SOLUTION

# %% check="07.he_init"
check("07.he_init", he_init)

# %% [markdown]
# **A resting point.** You have every part of a single step: its direction, its length, its schedule, and the place where
# the walk begins. The rest of the chapter puts the steps together and trains a network.
#
# ## 6. Layers that are fast enough
#
# You have written all the layers: dense in chapter 02, convolution in 03, pooling in 04, cross-entropy in 05, and
# their backward passes in 06. For training, the course has them in `introdl.layers`, in a few hundred lines of NumPy.
# Read them; you will recognize nearly everything. Each layer has `forward`, which remembers what `backward` will need;
# `backward`, which leaves a gradient beside every parameter; and `parameters()`.

# %%
net = lenet((1, 8, 8), 10, np.random.default_rng(seed))
x = X_train[:32]
for layer in net.layers:
    x = layer.forward(x)
    print(f"{type(layer).__name__:<10} -> {str(x.shape):<16}", *(str(p.value.shape) for p in layer.parameters()))

# %% [markdown]
# It is LeNet's pattern (LeCun and others 1998) on a small scale, because 8 by 8 pixels leave little room: kernels of 3
# by 3 with a padding of 1, and two poolings. For pictures of 28 pixels and more, `lenet` gives you LeNet-5 as in
# chapter 04.
#
# One trick is worth knowing. im2col copies pixels, and a copy is fast when it runs along neighbors in memory. So
# internally these layers store the *batch* last. The pixels under one place of the kernel, for a whole line of windows
# and all pictures, are then one contiguous block. The way back, col2im, is one addition of whole maps for each place
# of the kernel.
#
# Is it worth the trouble? Time LeNet-5's first layer on 64 plates of 32 by 32 pixels, forward and backward, with two
# threads. The loops get only two of the pictures, and their time is multiplied by 32.

# %% tags=["demo"]
times = figs.layer_times((64, 3, 32, 32), filters=6, kernel=5, repeats=7)
ours = times["introdl.layers"]
title = f"{times['loops'] / ours:,.0f} times as fast as loops"
figures.show(convolution.race_chart(times, title), convolution.race_words(times))
print(f"PyTorch's time is {times['PyTorch'] / ours:.2f} of ours")

# %% [markdown]
# ## 7. Training a network
#
# Now you have all the parts. This is the training loop, and it is the same for a LeNet as for the largest network that
# you have heard of:
#
# ```
# for each epoch:
#     for each mini-batch:
#         scores = forward(pictures)          chapters 02, 03, 04
#         loss, slope = loss of the scores    chapter 05
#         backward(slope)                     chapter 06
#         a step for every parameter          this chapter
#     look at the validation pictures
# ```
#
# Run the next cell. The board begins to train at once, and you can go on using the notebook, because the training runs
# in the pauses between whatever else you do.
#
# 1. Press **Pause** (or move there with Tab and press the space bar). Look at the digits that the network gets wrong at this point. Would you
#    have recognized them? Resume.
# 2. Watch the filters. They start as noise. Do any of them come to look like edge detectors?
# 3. *Start again* with another optimizer. Then change the learning rate **while it trains**. At which rate does the
#    loss explode?
# 4. Once you have written your `adam_step`, choose it: it then trains the same network.
#
# If this reminds you of [ConvNetJS](https://cs.stanford.edu/people/karpathy/convnetjs/demo/mnist.html): that is where
# the idea comes from.

# %% tags=["demo"]
board = TrainingBoard(
    lambda rng: lenet((1, 8, 8), 10, rng),
    train=(X_train, y_train),
    validation=(X_val, y_val),
    epochs=epochs,
    seed=seed,
    yours=adam_step,
)
board.show()

# %% [markdown]
# <details><summary>What to look for</summary>
#
# 1. Many of the digits that it still gets wrong are hard for people, too: an 8 by 8 picture leaves little of a
#    hasty 9.
# 2. Some filters turn into a bright side and a dark side, which is an edge detector. With 3 by 3 pixels others stay
#    hard to read.
# 3. The answer depends on the optimizer. With momentum, the steps of SGD are effectively up to ten times as long as
#    the rate alone suggests, so it explodes at a lower rate than plain SGD does. When the loss has exploded, lowering the rate
#    rarely helps; start again.
# 4. It should behave as the built-in Adam does. If it does not, run its check again.
# </details>
#
# The next cell trains to the end without a pause. While it runs, the board is updated, but its buttons have to wait.
# You may interrupt it (with the ■ above, or by pressing the key I twice): what has been learned so far is kept.
#
# Then it opens the **test** pictures, for the first and last time. Nothing was chosen with their help, so they say how
# good the network really is. With 359 pictures, the standard error of such a share is about 0.8 percentage points
# (chapter 01).

# %% tags=["demo"]
board.finish()
answers = board.network.predict(X_test)
print(f"{board.words()}.")
print(f"Test pictures right: {(answers == y_test).mean():.1%} of {len(y_test)}")

# %% [markdown]
# **MNIST, if you like.** The best-known digits are those of MNIST: 70,000 of them, with 28 by 28 pixels each. Set
# `mnist = True` in the parameters cell at the top, run that cell, and then the next one, which trains LeNet-5 for one
# epoch. (MNIST has no validation pictures of its own. Here the board shows the test pictures instead, which is
# acceptable only because no choice is based on them.)

# %% tags=["demo"]
if mnist:
    big = data.mnist()

    def gray(chosen):
        return chosen.images[..., 0][:, None].astype(np.float32) / 255, chosen.labels

    train_28, test_28 = gray(big.split("train")), gray(big.split("test"))
    big_board = TrainingBoard(
        lambda rng: lenet((1, 28, 28), 10, rng), train=train_28, validation=test_28, epochs=1, size=64, seed=seed
    )
    big_board.show()

# %% [markdown]
# ## 8. Overfitting and early stopping
#
# A network with enough parameters can memorize its training pictures, including mistakes, smudges and wrong labels. To
# see that happen, make it easy: use only 150 pictures, give every fifth one a random label, and train for a long time.

# %%
def train_long(decay=0.0, epochs=60):
    """150 pictures, a fifth of them with random labels; returns losses, the share right, and the weights' squares."""
    rng = np.random.default_rng(seed)
    few, noisy = X_train[:150], y_train[:150].copy()
    noisy[::5] = rng.integers(0, 10, len(noisy[::5]))

    net = lenet((1, 8, 8), 10, rng)
    velocities = [np.zeros_like(p.value) for p in net.parameters()]
    train_losses, val_losses, val_right = [], [], []
    for _ in range(epochs):
        order = rng.permutation(len(few))
        for start in range(0, len(few), 30):
            chosen = order[start : start + 30]
            loss, slope = softmax_cross_entropy(net.forward(few[chosen]), noisy[chosen])
            net.backward(slope)
            for p, v in zip(net.parameters(), velocities, strict=True):
                v *= 0.9
                v += p.grad
                if p.value.ndim > 1:  # weights decay, biases do not
                    v += decay * p.value
                p.value -= 0.05 * v
        train_losses.append(softmax_cross_entropy(net.forward(few), noisy)[0])
        scores = net.forward(X_val)
        val_losses.append(softmax_cross_entropy(scores, y_val)[0])
        val_right.append((scores.argmax(axis=1) == y_val).mean())
    squares = sum(float((p.value**2).sum()) for p in net.parameters() if p.value.ndim > 1)
    return train_losses, val_losses, val_right, squares


train_losses, val_losses, val_right, _ = train_long()
best = int(np.argmin(val_losses)) + 1
patience = 8
stop = best + patience if best + patience <= len(val_losses) else None
figs.overfitting_chart(train_losses, val_losses, best, stop, val_right)
print(f"training loss:   {train_losses[best - 1]:.3f} at epoch {best}, {train_losses[-1]:.3f} at the end")
print(f"validation loss: {val_losses[best - 1]:.3f} at epoch {best}, {val_losses[-1]:.3f} at the end")

# %% [markdown]
# Up to the best epoch the network learns what digits look like, and that generalizes. After that it learns these 150
# pictures. The training loss cannot tell the two apart, but the validation loss can.
#
# More pictures help against overfitting, and so do augmentation (chapter 09), weight decay, or simply stopping in time.
#
# ### Weight decay, measured
#
# Train the same network on the same 150 pictures, this time with weight decay. In the cell, `decay` is the factor of
# $w$ in the gradient, as in PyTorch.

# %%
print("decay    training loss   validation loss: best    at the end   sum of squared weights")
for decay in (0.0, 0.001, 0.01):
    train_curve, val_curve, _, squares = train_long(decay)
    print(f"{decay:<8} {train_curve[-1]:13.3f}   {min(val_curve):21.3f}   {val_curve[-1]:11.3f}   {squares:22.0f}")

# %% [markdown]
# With a decay of 0.01 the weights stay small, and small weights cannot bend the scores around single pictures with
# wrong labels. So the training loss stays higher, and the validation loss rises far less after its best epoch. Weight
# decay softens overfitting, but does not end it, and the right strength has to be found by trial and error.
#
# ### Early stopping
#
# **Early stopping** means that you keep the weights of the best epoch, and give up when there has been no better one
# for a while. How long you wait is called **patience**. You need some, because validation losses go up and down a
# little.
#
# **By hand**, with patience 2: the losses are 9, 7, 6, 7, 8. After epoch 4 there has been one epoch without a loss
# below 6. After epoch 5 there have been two, so stop. With 9, 7, 6, 7, **5**, 6 the count starts again at the 5.
#
# ### Exercise: `early_stop`
#
# The check calls it after every epoch, as a training loop would, and sees after which one you stop.

# %% exercise="07.early_stop"
def early_stop(history, patience):
    """Whether it is time to stop.

    Parameters
    ----------
    history : list of float
        The validation loss after each epoch so far, at least one; the latest is the last.
    patience : int
        How many epochs without a new best loss you put up with, 1 or more. A loss is a new
        best only where it is lower than all before it, not equal.

    Returns
    -------
    bool
        True where the last `patience` epochs, or more, have passed since the best one.

    Example
    -------
    >>> early_stop([9.0, 7.0, 6.0, 7.0], 2), early_stop([9.0, 7.0, 6.0, 7.0, 8.0], 2)
    (False, True)
    """
    ### BEGIN SOLUTION
    return bool(len(history) - 1 - np.argmin(history) >= patience)
    ### END SOLUTION

# %% check="07.early_stop"
check("07.early_stop", early_stop)

# %% [markdown]
# ## 9. Hyperparameters
#
# The weights are learned. Whatever you choose before the training starts is called a **hyperparameter**:
#
# | hyperparameter | try first | too small | too large |
# |---|---|---|---|
# | learning rate | Adam 0.001 to 0.005, momentum 0.01 to 0.1 | no progress | loss grows, or nan |
# | batch size | 32 or 64 | noisy, slow on a GPU | few steps for each epoch |
# | momentum $\beta$ | 0.9 | like plain SGD | overshoots |
# | epochs | until the validation loss turns | has not learned yet | overfits, or wastes time |
# | warm-up | the first 5 % of the steps | a bad start at high rates | lost time |
# | weight decay | $10^{-4}$ | overfits | cannot learn |
#
# Change one at a time, by factors of 3 or so, starting with the learning rate. Base your choices on the **validation** pictures. If you
# base them on the test pictures, you fit your choices to them, and then they can no longer say how the network does on
# pictures that it has never met.
#
# ### Large batches need a larger rate
#
# Batch size and learning rate cannot be chosen independently. With four times the batch size, an epoch has
# only a fourth of the steps. To get as far with them, each step has to be about four times as long, and it may be,
# since its gradient is less noisy. This is the **linear scaling rule**: *multiply the batch size by k, and multiply
# the learning rate by k, too.* Goyal and others ([2017](https://arxiv.org/abs/1706.02677)) trained a network on
# ImageNet with batches of 8,192 in this way, with a warm-up to survive the start.
#
# The rule has a limit, the one from section 1: a rate can be too large for the valley, however reliable the gradient is.
# **Gradient clipping** ([Pascanu and others 2012](https://arxiv.org/abs/1211.5063)) guards against that. If the whole
# gradient is longer than a limit $c$, it is scaled down to the length $c$; its direction stays the same. By hand, with
# $c = 1$: the gradient $[3, 4]$ has the length $\sqrt{9 + 16} = 5$, so it becomes $[0.6, 0.8]$. And $[0.3, 0.4]$, of
# length 0.5, is left alone.
#
# Train the same LeNet for eight epochs each time, with plain SGD:

# %% tags=["demo"]
def train_batches(size, rate, clip=None, epochs=8):
    """Plain SGD from the same start; returns the steps taken, the validation loss, and the share right."""
    rng = np.random.default_rng(seed)
    net = lenet((1, 8, 8), 10, rng)
    steps = 0
    for _ in range(epochs):
        for chosen in np.split(rng.permutation(len(X_train)), range(size, len(X_train), size)):
            _, slope = softmax_cross_entropy(net.forward(X_train[chosen]), y_train[chosen])
            net.backward(slope)
            length = np.sqrt(sum((p.grad**2).sum() for p in net.parameters()))
            shorter = min(1.0, clip / length) if clip else 1.0
            for p in net.parameters():
                p.value -= rate * shorter * p.grad
            steps += 1
    scores = net.forward(X_val)
    return steps, softmax_cross_entropy(scores, y_val)[0], (scores.argmax(axis=1) == y_val).mean()


print("batch   rate   clipped   steps   validation loss   right")
tries = [(16, 0.1, None), (64, 0.1, None), (64, 0.4, None), (256, 0.1, None), (256, 1.6, None), (256, 1.6, 1.0)]
for size, rate, clip in tries:
    steps, loss, right = train_batches(size, rate, clip)
    words = f"to {clip:g}" if clip else "no"
    print(f"{size:>5}   {rate:>4}   {words:>7}   {steps:>5}   {loss:>15.3f}   {right:>5.1%}")

# %% [markdown]
# <details><summary>How to read the table</summary>
#
# - With batches of 64 instead of 16, at the same rate, the network takes a fourth of the steps and falls behind. With four times the
#   rate it catches up.
# - Batches of 256 leave 40 steps, and at the old rate they do not get far. At 16 times the rate, 1.6, the first steps
#   are so long that the ReLUs die: the loss stays at $\ln 10 \approx 2.30$, the loss of a network that knows nothing.
# - Clipped to length 1, the same rate works, though not as well as small batches. Forty steps are not many.
#
# So a large batch does not need fewer epochs. It needs fewer *steps*, and pays off where hardware makes each of them
# nearly as fast as a step of a small batch (chapter 08).
# </details>
#
# ### When nothing is learned
#
# When a network does not learn at all, the reason is seldom a hyperparameter. First see whether the loss starts near
# $\ln K$ (2.3 for ten classes). Then train on *ten* pictures: any working network can memorize ten pictures. If yours
# can't, look for a bug.
#
# ## 10. Stretch: train it yourself
#
# Now it is your turn. Write the whole training of `lenet((1, 8, 8), 10, rng)`, and return its weights. The check puts
# your weights into a LeNet of its own, and shows it pictures that your function has never seen. There are four
# training runs, with 500 to 1,347 pictures. You earn points in stages: at 70, 90, 95 and 97 % right.
#
# - All pictures are mirrored or turned in the same way, which is drawn anew for each training run, and the classes are
#   renumbered: a 3 may be class 8. So only what is learned from `X` and `y` counts. The check does not accept the
#   course's `data`, scikit-learn or PyTorch, and files may not be opened. You may use `introdl.layers` and everything
#   that you have written in this chapter.
# - The network is shown the pictures as they are in `X`, from 0 to 1. If you scale them in training, the check shows the network
#   inputs unlike any that it was trained on.
# - You have five minutes for all four training runs together. A good answer needs far less.
# - A trick helps you reach the last threshold: shift each batch by a pixel now and then (`np.roll`). It costs next to nothing,
#   and a shifted digit is a new picture.

# %% exercise="07.train_digits"
def train_digits(X, y, rng):
    """Train LeNet on small pictures of digits.

    Parameters
    ----------
    X : numpy.ndarray
        (N, 1, 8, 8) float32 from 0 (paper) to 1 (ink). It is left as it is.
    y : numpy.ndarray
        (N,) int64 labels from 0 to 9. They are left as they are.
    rng : numpy.random.Generator
        For new weights and for shuffling.

    Returns
    -------
    list of numpy.ndarray
        What was learned: [p.value for p in net.parameters()] of net = lenet((1, 8, 8), 10, rng).
    """
    ### BEGIN SOLUTION
    net = lenet(X.shape[1:], 10, rng)
    params = net.parameters()
    states = [(np.zeros_like(p.value), np.zeros_like(p.value), 0) for p in params]
    n_epochs, size, step = 18, 32, 0
    n_steps = n_epochs * -(-len(X) // size)
    for _ in range(n_epochs):
        for pictures, labels in minibatches(X, y, size, rng):
            shifted = np.roll(pictures, rng.integers(-1, 2), axis=rng.integers(2, 4))
            loss, slope = softmax_cross_entropy(net.forward(shifted), labels)
            net.backward(slope)
            lr = cosine_lr(step, n_steps, 0.006, warmup=20)
            for i, p in enumerate(params):
                p.value, states[i] = adam_step(p.value, p.grad, states[i], lr)
            step += 1
    return [p.value for p in params]
    ### END SOLUTION

# %% check="07.train_digits"
check("07.train_digits", train_digits)

# %% [markdown]
# ## Quiz
#
# Write a letter for each, for example `answer_1 = "a"`.
#
# **1.** From the first steps on the loss grows, and after twenty it is nan. What do you try first?
#
# - a) train for more epochs
# - b) a learning rate ten times as large
# - c) a learning rate ten times as small
# - d) a larger batch
#
# **2.** You go from batches of 16 to batches of 256. The noise of the gradient becomes about
#
# - a) the same
# - b) a quarter
# - c) a sixteenth
# - d) four times as large
#
# **3.** In Adam's very first step, with $\eta = 0.001$, how far does a weight with the gradient 50 move?
#
# - a) 0.001
# - b) 50
# - c) 0.05
# - d) not at all, because $m$ begins at 0
#
# **4.** You trained for 100 epochs, and the validation loss was lowest after epoch 37. Which weights do you keep?
#
# - a) those of epoch 100: they have learned most
# - b) those of epoch 1
# - c) those with the lowest training loss
# - d) those of epoch 37
#
# **5.** A dense layer has 500 inputs, and a ReLU follows it. What should its weights be at the start?
#
# - a) all at 0
# - b) random, with a standard deviation of about 0.063
# - c) random, with a standard deviation of 1
# - d) all at 1, with random biases

# %% exercise="07.quiz"
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

# %% check="07.quiz"
check("07.quiz", answer_1, answer_2, answer_3, answer_4, answer_5)

# %% [markdown]
# ## What you know now
#
# - A step goes against the gradient. The learning rate says how far, and it is the hyperparameter that matters most.
# - The gradient of a mini-batch is an unbiased, noisy estimate. Its noise falls with the square root of the batch
#   size.
# - Momentum accumulates a velocity. Adam gives every weight a rate of its own. Both carry a state from step to step.
#   With Adam, use AdamW's form of weight decay.
# - Batch size and learning rate go together: k times the batch, about k times the rate, up to a limit. Clipping the
#   gradient keeps single steps from being too long.
# - The rate warms up, stays high, and falls gently to 0.
# - Initial weights must differ, and their size follows from the fan-in.
# - The training loss says whether the network learns, the validation loss when to stop, and the test pictures how good
#   it is.
#
# ### Cheat sheet
#
# | what | formula | note |
# |---|---|---|
# | gradient descent | $\theta \leftarrow \theta - \eta \nabla L(\theta)$ | diverges above $2 /$ curvature |
# | SGD | $w \leftarrow w - \eta \cdot \text{grad}$ | grad from a mini-batch |
# | momentum | $v \leftarrow \beta v + \text{grad}$, $w \leftarrow w - \eta v$ | up to $1/(1-\beta)$ times the step |
# | Adam | $w \leftarrow w - \eta\, \hat m / (\sqrt{\hat s} + \varepsilon)$ | corrected with $1 - \beta^t$, $t$ from 1 |
# | AdamW | Adam's step, and $w \leftarrow w - \eta \cdot \text{decay} \cdot w$ | the decay is not divided by $\sqrt{\hat s}$ |
# | clipping | $\text{grad} \leftarrow \text{grad} \cdot \min(1,\; c / \lVert \text{grad} \rVert)$ | over all parameters together |
# | cosine | $\frac{\eta}{2}(1 + \cos \pi p)$, $p$ from 0 to 1 | after the warm-up |
# | He | $\sigma = \sqrt{2 / \text{fan-in}}$ | fan-in: $D$, or $C \cdot k_h \cdot k_w$ |
# | early stopping | epochs since the best $\ge$ patience | keep the best weights |
#
# In PyTorch: `torch.optim.SGD(..., momentum=0.9)`, `torch.optim.Adam`, `torch.optim.AdamW`,
# `torch.optim.lr_scheduler.CosineAnnealingLR`, `torch.nn.utils.clip_grad_norm_`, `torch.nn.init.kaiming_normal_`.
#
# ### Words
#
# - **Adam**: an optimizer that divides each parameter's step by the typical size of its gradient. **AdamW** applies
#   weight decay outside of that division.
# - **batch**: the examples that one step looks at; a **mini-batch** when it is far smaller than the training set.
# - **early stopping**: ending the training when the validation loss has not improved for a while, and keeping the best
#   weights.
# - **epoch**: one pass through the training set.
# - **fan-in**: how many inputs feed one unit.
# - **gradient clipping**: scaling a gradient down to a given length where it is longer.
# - **He initialization**: random weights with standard deviation $\sqrt{2 / \text{fan-in}}$, for layers with ReLU.
# - **learning rate**: the factor of the gradient in a step, $\eta$; `lr` in code.
# - **learning-rate schedule**: how the learning rate changes during training, for instance along a cosine.
# - **linear scaling rule**: k times the batch size, k times the learning rate.
# - **momentum**: stepping along a decaying sum of the past gradients, the **velocity**.
# - **optimizer**: the rule that makes a step out of a gradient.
# - **patience**: how many epochs without a better validation loss you put up with.
# - **stochastic gradient descent**: gradient descent with the gradient of a mini-batch (SGD).
# - **warm-up**: raising the learning rate over the first steps.
#
# ### Next
#
# Your LeNet learns digits of 8 by 8 pixels in seconds. A network for real plates takes thousands of times as much work. Chapter
# 08 moves the same loop to PyTorch, and PyTorch moves it to a graphics card.
#
# ### Further reading
#
# - Michael Nielsen, [Neural Networks and Deep Learning](http://neuralnetworksanddeeplearning.com/chap1.html), chapter
#   1: SGD on digits; [chapter 3](http://neuralnetworksanddeeplearning.com/chap3.html): initialization and
#   hyperparameters.
# - [cs231n, Neural networks 3](https://cs231n.github.io/neural-networks-3/): learning curves, update rules, search.
# - Goodfellow, Bengio and Courville, [Deep Learning, chapter
#   8](https://www.deeplearningbook.org/contents/optimization.html).
# - [ConvNetJS](https://cs.stanford.edu/people/karpathy/convnetjs/): networks that train in your browser.
# - LeCun and others, [Gradient-based learning applied to document
#   recognition](http://yann.lecun.com/exdb/publis/pdf/lecun-98.pdf), 1998: LeNet-5.
# - Kingma and Ba, [Adam](https://arxiv.org/abs/1412.6980), 2014. Loshchilov and Hutter,
#   [SGDR](https://arxiv.org/abs/1608.03983), 2016: the cosine. He and others, [Delving deep into
#   rectifiers](https://arxiv.org/abs/1502.01852), 2015: section 2.2.
# - Goh, [Why momentum really works](https://distill.pub/2017/momentum/): the valley, with figures that move.
